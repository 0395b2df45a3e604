//! Everything dwf prints, in one place.
//!
//! What happens is told to the [`Reporter`], which keeps account of it (`ledger`), and shows it as
//! events in one of several ways (`mode`). What is left for others to read is made of the account.
//!
//! Invariant: results go to standard output, the rest to standard error; a reader that went away is
//! no error, and nothing that came from elsewhere can drive a terminal except an action's own output.

pub mod color;
mod event;
mod file;
mod github;
mod json;
mod junit;
mod kept;
mod ledger;
mod location;
mod mode;
mod printer;
mod screen;
mod source;
mod text;

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use devflow_runner::wire::Data;

pub use event::{Outcome, Used, outcome};
pub use file::{Format, ReportError, Target};
pub use ledger::Facts;
pub use screen::Shared as Screen;
pub use source::Source;

use crate::cli::output::Output;
use crate::error::Error;
use crate::name::FullName;
use event::Event;
use ledger::{Entry, Ledger, Told};
use location::{Ground, Location};
use mode::{Lines, Mode};
use printer::Printer;

/// The printer.
pub struct Reporter {
    out: Box<dyn Write>,
    printer: Printer,
    mode: Box<dyn Mode>,
    ledger: Ledger,
    clock: Box<dyn Fn() -> Duration>,
}

impl Reporter {
    /// A printer of results to `out`, and of all else to `screen`.
    pub fn new(out: Box<dyn Write>, screen: Screen, color: bool, verbose: bool) -> Self {
        let begun = Instant::now();
        Self {
            out,
            printer: Printer { screen, color, verbose, github: false, width: 0 },
            mode: Box::new(Lines),
            ledger: Ledger::default(),
            clock: Box::new(move || begun.elapsed()),
        }
    }

    /// Shows what follows in another way. `live` is whether there is a terminal on which lines can be
    /// drawn anew, `github` whether GitHub reads along.
    pub fn set_mode(&mut self, output: Output, live: bool, github: bool) {
        self.mode = mode::mode(output, live);
        self.printer.github = github;
    }

    /// Whether there are colours.
    pub fn has_color(&self) -> bool {
        self.printer.color
    }

    /// Prints a result.
    pub fn result(&mut self, text: &str) -> io::Result<()> {
        quietly(self.out.write_all(text::shown(text).as_bytes()).and_then(|()| self.out.flush()))
    }

    /// Prints JSON, which stays the same JSON: what would drive a terminal is escaped as JSON does.
    pub fn json(&mut self, json: &str) -> io::Result<()> {
        quietly(writeln!(self.out, "{}", text::shown_json(json)).and_then(|()| self.out.flush()))
    }

    /// Says something about what happens.
    pub fn note(&mut self, text: &str) {
        self.show(Event::Note(text));
    }

    /// Says something only the curious want to know.
    pub fn detail(&mut self, text: &str) {
        if self.printer.verbose {
            self.note(text);
        }
    }

    /// What is known of the run as a whole, to be filled in as it becomes known.
    pub fn facts(&mut self) -> &mut Facts {
        &mut self.ledger.facts
    }

    /// Says which actions there are.
    pub fn names<'a>(&mut self, names: impl IntoIterator<Item = &'a FullName>) {
        let names: Vec<FullName> = names.into_iter().cloned().collect();
        self.printer.width = names.iter().map(|name| name.to_string().len()).max().unwrap_or(0);
        for name in &names {
            self.ledger.entry(name);
        }
        self.mode.names(&names);
    }

    /// Says where an action's tools report.
    pub fn sources(&mut self, name: &FullName, sources: Vec<Source>) {
        self.ledger.entry(name).sources = sources;
    }

    /// Says that an action runs now.
    pub fn started(&mut self, name: &FullName) {
        let now = (self.clock)();
        self.ledger.entry(name).start = Some(now);
        self.show(Event::Started(name));
    }

    /// Tells, and keeps, what an action wrote.
    pub fn output(&mut self, name: &FullName, data: &Data) {
        let bytes = match data {
            Data::Text(text) => text.as_bytes(),
            Data::Bytes(bytes) => bytes,
        };
        self.ledger.entry(name).output.get_or_insert_default().push(bytes);
        self.show(Event::Output(name, bytes));
    }

    /// Says that a command has nothing to do.
    pub fn skipped(&mut self, name: &FullName, because: &str) {
        self.ledger.left(name, Told::Skipped, because);
        self.show(Event::Skipped(name, because));
    }

    /// Says how an action ended.
    pub fn finished(&mut self, name: &FullName, outcome: &Outcome, used: Used) {
        self.ledger.finished(name, outcome, used);
        let mut output = self.ledger.entry(name).output.take();
        self.show(Event::Finished(name, outcome, used, output.as_mut()));
        // Of what went well nobody asks again what it wrote.
        self.ledger.entry(name).output = output.filter(|_| outcome.failure().is_some());
    }

    /// Says why an action never started.
    pub fn not_run(&mut self, name: &FullName, because: &str) {
        self.ledger.left(name, Told::NotRun, because);
        self.show(Event::NotRun(name, because));
    }

    /// Shows every failure whole, in the order of names, each with the line that reproduces it.
    pub fn failures(&mut self, reproduce: impl Fn(&FullName) -> String) {
        for entry in self.ledger.entries.values_mut() {
            entry.reproduce = Some(reproduce(&entry.name));
        }
        let now = (self.clock)();
        for entry in self.ledger.entries.values_mut().filter(|entry| entry.has_failed()) {
            let reason = entry.reason.clone().unwrap_or_else(|| entry.told.word().to_owned());
            let line = entry.reproduce.clone().unwrap_or_default();
            let event = Event::Failure(&entry.name, &reason, &line, entry.output.as_mut());
            self.mode.show(event, now, &self.printer);
        }
    }

    /// Says that an action need not run again.
    pub fn unchanged(&mut self, name: &FullName, because: &str) {
        self.skipped(name, because);
    }

    /// Says how it went as a whole.
    pub fn verdict(&mut self, good: bool, text: &str) {
        self.show(Event::Verdict(good, text));
    }

    /// Prints an error with all that is known of it.
    pub fn error(&mut self, error: &Error) {
        self.show(Event::Error(error));
    }

    /// How long until [`Reporter::tick`] has something to draw, if it will at all.
    pub fn due(&self) -> Option<Duration> {
        Some(self.mode.due()?.saturating_sub((self.clock)()))
    }

    /// Draws what changes with time.
    pub fn tick(&mut self) {
        self.mode.tick((self.clock)(), &self.printer);
    }

    /// Reads what the actions' tools reported.
    pub fn take_reports(&mut self) {
        for entry in self.ledger.entries.values_mut().filter(|entry| entry.start.is_some()) {
            entry.taken = entry.sources.iter().filter_map(junit::take).collect();
            for taken in &entry.taken {
                if let Some(problem) = &taken.problem {
                    let note = format!("note: {}: the report {}: {problem}", entry.name, taken.path);
                    self.mode.show(Event::Note(&note), (self.clock)(), &self.printer);
                }
            }
        }
    }

    /// Writes a report of the run.
    pub fn write(&mut self, target: &Target) -> Result<(), ReportError> {
        let failed = |reason: String| ReportError::Make { path: target.path().to_owned(), reason };
        let elapsed = (self.clock)();
        let text = match target.format {
            Format::Junit => {
                junit::whole(&mut self.ledger, elapsed).map_err(|error| failed(error.to_string()))?
            }
            Format::Json => json::whole(&self.ledger, elapsed).map_err(|error| failed(error.to_string()))?,
        };
        target.write(&text)
    }

    /// Marks failures where GitHub shows them; `prefix` leads from the repository's root to the project's.
    pub fn annotate(&mut self, prefix: &str) {
        let facts = self.ledger.facts.clone();
        let mut left = github::ANNOTATIONS;
        for entry in self.ledger.entries.values_mut().filter(|entry| entry.has_failed()) {
            for (at, message) in annotations(entry, &facts, prefix, left) {
                left = left.saturating_sub(1);
                self.printer.command(&github::error(&entry.name.to_string(), at.as_ref(), &message));
            }
        }
        if let Some(error) = facts.error {
            self.printer.command(&github::error("dwf", None, &error));
        }
    }

    /// Adds a summary of the run to GitHub's file.
    pub fn summarize(&mut self, path: &Path) -> Result<(), ReportError> {
        let project = self.ledger.facts.project.as_deref().unwrap_or("dwf");
        let title = match self.ledger.is_good() {
            true => format!("{project}: passed"),
            false => format!("{project}: failed"),
        };
        let entries: Vec<&Entry> = self.ledger.entries.values().collect();
        let most = github::SUMMARY as u64;
        file::append(path, most, |room| github::summary(&title, &entries, room))
    }

    fn show(&mut self, event: Event<'_>) {
        self.mode.show(event, (self.clock)(), &self.printer);
    }
}

/// Where an action's failures are, and what they say: each failed test, else the action's own output.
fn annotations(
    entry: &mut Entry,
    facts: &Facts,
    prefix: &str,
    most: usize,
) -> Vec<(Option<Location>, String)> {
    let ground = Ground {
        root: facts.root.as_deref().unwrap_or(Path::new("/nonexistent")),
        workspace: facts.workspace.as_deref().unwrap_or_default(),
        member: entry.name.member.as_str(),
        prefix,
    };
    let failed = entry.taken.iter().flat_map(|taken| &taken.cases);
    let of_tests: Vec<_> = failed.filter_map(|case| case.annotation(&ground)).take(most).collect();
    if !of_tests.is_empty() {
        return of_tests;
    }
    let output = entry.output.as_mut().map(|kept| text::plain(&kept.end(location::LOOKED_AT)));
    let at = output.as_deref().and_then(|text| ground.first(text));
    let reason = entry.reason.as_deref().unwrap_or(entry.told.word());
    let line = entry.reproduce.iter().map(|line| format!("\nreproduce: {line}"));
    vec![(at, format!("{} failed: {reason}{}", entry.name, line.collect::<String>()))]
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.printer.screen.leave();
    }
}

fn quietly(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
