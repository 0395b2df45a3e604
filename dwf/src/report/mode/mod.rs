//! Modes: how a run is shown. Each is a function of what happens.

mod grouped;
mod live;
mod quiet;
mod status;
mod stream;

use std::time::Duration;

use super::event::Event;
use super::printer::Printer;
use crate::cli::output::Output;
use crate::name::FullName;

/// A way to show a run.
pub trait Mode {
    /// Says which actions there are.
    fn names(&mut self, _names: &[FullName]) {}

    /// Shows an event; `now` is the time since the run began.
    fn show(&mut self, event: Event<'_>, now: Duration, printer: &Printer);

    /// When it wants to be asked again though nothing happens.
    fn due(&self) -> Option<Duration> {
        None
    }

    /// Draws what changes with time.
    fn tick(&mut self, _now: Duration, _printer: &Printer) {}
}

/// The mode of this name; `live` is whether there is a terminal on which lines can be drawn anew.
pub fn mode(output: Output, live: bool) -> Box<dyn Mode> {
    match output {
        Output::Live if live => Box::new(live::Live::default()),
        Output::Live => Box::new(Lines),
        Output::Grouped => Box::new(grouped::Grouped),
        Output::Stream => Box::new(stream::Stream::default()),
        Output::Quiet => Box::new(quiet::Quiet),
    }
}

/// One line for each action that ended: what remains of `live` where there is no terminal.
pub struct Lines;

impl Mode for Lines {
    fn show(&mut self, event: Event<'_>, _: Duration, printer: &Printer) {
        printer.show(event);
    }
}

#[cfg(test)]
mod tests;
