//! The output of each action, whole, when it ends.

use std::time::Duration;

use super::Mode;
use crate::report::event::Event;
use crate::report::github;
use crate::report::printer::Printer;

/// The mode.
pub struct Grouped;

impl Mode for Grouped {
    fn show(&mut self, event: Event<'_>, _: Duration, printer: &Printer) {
        let Event::Finished(name, outcome, used, Some(kept)) = event else { return printer.show(event) };
        if !printer.github {
            printer.ended(name, outcome, used);
            return printer.replay(kept);
        }
        let (_, word, text) = printer.told(outcome, used);
        let width = printer.width;
        printer.command(&github::group(&format!("{word}  {name:<width$}  {text}")));
        printer.replay(kept);
        printer.command("::endgroup::");
    }
}
