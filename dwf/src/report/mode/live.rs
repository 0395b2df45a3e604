//! A terminal with a person before it: what runs, how long, how much is left; finished lines scroll above.

use std::time::Duration;

use super::Mode;
use super::status::Status;
use crate::name::FullName;
use crate::report::event::Event;
use crate::report::printer::Printer;

/// Between two drawings, however much happens.
const FRAME: Duration = Duration::from_millis(100);

/// The mode.
#[derive(Default)]
pub struct Live {
    status: Status,
    /// When it was last drawn, and whether it would look different now for another reason than time.
    drawn: Duration,
    dirty: bool,
}

impl Mode for Live {
    fn names(&mut self, names: &[FullName]) {
        self.status.names(names);
    }

    fn show(&mut self, event: Event<'_>, now: Duration, printer: &Printer) {
        match &event {
            Event::Started(name) => self.status.started(name, now),
            Event::Finished(name, ..) | Event::Skipped(name, _) | Event::NotRun(name, _) => {
                self.status.ended(name);
            }
            Event::Failure(..) | Event::Verdict(..) | Event::Error(_) => self.status.over(),
            Event::Note(_) | Event::Output(..) => return printer.show(event),
        }
        self.dirty = true;
        // At the end, and where a line is printed anyway, nobody has to wait.
        if !self.status.is_live() || !matches!(event, Event::Started(_)) {
            self.draw(now, printer);
        }
        printer.show(event);
        if now >= self.drawn + FRAME {
            self.draw(now, printer);
        }
    }

    fn due(&self) -> Option<Duration> {
        if !self.status.is_live() {
            return None;
        }
        // Seconds are shown, so nothing but an event changes what is seen before the next.
        let next = Duration::from_secs(self.drawn.as_secs() + 1);
        Some(if self.dirty { next.min(self.drawn + FRAME) } else { next })
    }

    fn tick(&mut self, now: Duration, printer: &Printer) {
        if self.due().is_some_and(|due| now >= due) {
            self.draw(now, printer);
        }
    }
}

impl Live {
    fn draw(&mut self, now: Duration, printer: &Printer) {
        self.drawn = now;
        self.dirty = false;
        let mut screen = printer.screen.lock();
        let lines = match screen.size() {
            Some(size) => self.status.lines(now, size, |color, text| printer.paint(color, text)),
            None => Vec::new(),
        };
        screen.region(lines);
    }
}
