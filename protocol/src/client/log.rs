//! The extension's `log` lines on their way to whoever wants to see them.

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::message::LogParams;

/// Lines that wait for a slow reader; older ones go first.
pub(super) const KEPT: usize = 64;

/// What a reader of the log gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    /// A line; its text is escaped and bounded.
    Line(LogParams),
    /// This many lines came and went before the reader looked.
    Lost(u64),
}

/// A reader of the extension's log.
pub struct Logs(pub(super) Receiver<LogParams>);

impl Logs {
    /// The next event; `None` when the conversation is over.
    pub async fn next(&mut self) -> Option<LogEvent> {
        match self.0.recv().await {
            Ok(line) => Some(LogEvent::Line(line)),
            Err(RecvError::Lagged(count)) => Some(LogEvent::Lost(count)),
            Err(RecvError::Closed) => None,
        }
    }
}
