//! How `RUST_LOG` shows what happens.
//!
//! Invariant: an engine's line stands on a line of its own below a comment that says what it is, so
//! that both can be pasted into a shell as they are.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `# LEVEL target words`, or `warning: words`; what follows the first newline of an event is left alone.
pub(crate) struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        let (words, line) = text.split_once('\n').unwrap_or((&text, ""));
        let meta = event.metadata();
        let head = match *meta.level() {
            Level::ERROR | Level::WARN => format!("warning: {words}"),
            level => format!("# {level} {} {words}", meta.target()),
        };
        writeln!(writer, "{}", head.trim_end())?;
        if line.is_empty() { Ok(()) } else { writeln!(writer, "{line}") }
    }
}
