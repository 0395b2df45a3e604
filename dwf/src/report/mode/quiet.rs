//! Only failures and the verdict.

use std::time::Duration;

use super::Mode;
use crate::report::event::Event;
use crate::report::printer::Printer;

/// The mode.
pub struct Quiet;

impl Mode for Quiet {
    fn show(&mut self, event: Event<'_>, _: Duration, printer: &Printer) {
        match event {
            Event::Failure(..) | Event::Verdict(..) | Event::Error(_) => printer.show(event),
            Event::Note(_)
            | Event::Skipped(..)
            | Event::Started(_)
            | Event::Output(..)
            | Event::Finished(..)
            | Event::NotRun(..) => {}
        }
    }
}
