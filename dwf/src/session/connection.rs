//! One session: a runner at the other end of a pair of pipes.

use std::io;
use std::time::Duration;

use devflow_protocol::frame::PartialLine;
use devflow_runner::{EVENT_BYTES, wire};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::stop::{Target, stop};
use super::{Launch, Message, Sender, SessionError};
use crate::lower::Kind;
use crate::process::{self, Process, Streams};
use crate::ring::Ring;
use crate::world::World;

/// How long a session has to end once its input is closed.
const END: Duration = Duration::from_secs(10);
/// How long a client that was told to end has before its container is killed.
const GRACE: Duration = Duration::from_millis(500);
/// Lines of the client's last words.
const WORDS: usize = 20;

/// A session that was started.
#[derive(Debug)]
pub struct Connection {
    process: Process,
    stdin: Option<ChildStdin>,
    stderr: Ring,
    target: Option<Target>,
    greeted: bool,
}

impl Connection {
    /// Starts a session; what it says goes to `sender`. Requests may be sent at once.
    pub fn start(kind: Kind, launch: &Launch, world: &World, sender: Sender) -> Result<Self, SessionError> {
        let invocation = &launch.invocation;
        tracing::debug!(target: "devflow::engine", "\n{invocation}");
        let mut process = process::spawn(invocation, &world.env, Streams::Piped).map_err(|source| {
            SessionError::Spawn { program: invocation.program.display().to_string(), source }
        })?;
        let stderr = Ring::default();
        stderr.drain(process.stderr());
        let (stdin, stdout) = (process.stdin(), process.stdout());
        tokio::task::spawn_local(async move {
            let reason = match listen(kind, stdout, &sender).await {
                Ok(()) => "it closed its output".to_owned(),
                Err(error) => error.to_string(),
            };
            let _ = sender.send(Message::Lost(kind, reason)).await;
        });
        Ok(Self { process, stdin, stderr, target: launch.target.clone(), greeted: false })
    }

    /// Sends a request. A session that is lost says so by itself.
    pub async fn send(&mut self, request: &wire::Request) {
        let Some(stdin) = &mut self.stdin else { return };
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        if stdin.write_all(&line).await.is_err() {
            self.stdin = None;
        }
    }

    /// Whether the runner has said hello.
    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// Notes that the runner has said hello.
    pub fn greet(&mut self) {
        self.greeted = true;
    }

    /// What is known of a session that was lost.
    pub async fn autopsy(&mut self, reason: String) -> SessionError {
        let reason = match timeout(Duration::from_secs(2), self.process.wait()).await {
            Ok(Ok(status)) => format!("its client {}", process::ending(status)),
            _ => reason,
        };
        let place = if self.target.is_some() { "container" } else { "runner" };
        SessionError::Lost { place, reason, last_words: self.stderr.last_lines(WORDS) }
    }

    /// Lets a session end whose actions have ended.
    pub async fn finish(mut self, world: &World) {
        self.stdin = None;
        match timeout(END, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => {}
            // Whatever this was, its container must not stay.
            _ => stop(&mut self.process, self.target.as_ref(), GRACE, world).await,
        }
    }

    /// Ends a session now.
    pub async fn kill(mut self, world: &World) {
        self.stdin = None;
        // A runner that is there ends everything when its input ends.
        let patience = if self.greeted { GRACE } else { Duration::ZERO };
        match timeout(patience, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => {}
            _ => stop(&mut self.process, self.target.as_ref(), GRACE, world).await,
        }
    }
}

async fn listen(kind: Kind, stdout: Option<ChildStdout>, sender: &Sender) -> io::Result<()> {
    let Some(stdout) = stdout else { return Ok(()) };
    let mut reader = BufReader::with_capacity(64 << 10, stdout);
    let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut line = PartialLine::new(EVENT_BYTES);
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(());
        }
        let (used, done) = line.push(chunk);
        reader.consume(used);
        if let Some(text) = done.map_err(|error| invalid(error.to_string()))? {
            let event = serde_json::from_str(&text)
                .map_err(|error| invalid(format!("what the runner said cannot be read: {error}")))?;
            if sender.send(Message::Event(kind, event)).await.is_err() {
                return Ok(());
            }
        }
    }
}
