//! Lines: how each thing is written, whatever the mode.
//!
//! Invariant: nothing that came from elsewhere can drive a terminal, or give commands to GitHub,
//! except an action's own output on a terminal.

use std::borrow::Cow;

use super::event::{Event, Outcome, Used};
use super::github;
use super::kept::Kept;
use super::screen::Shared;
use super::text::shown;
use crate::error::{Error, printable};
use crate::name::FullName;

/// Writes lines to a screen.
pub struct Printer {
    /// Where to.
    pub screen: Shared,
    /// Whether with colours.
    pub color: bool,
    /// Whether with what only the curious want to know.
    pub verbose: bool,
    /// Whether GitHub reads along, and would take some lines for commands.
    pub github: bool,
    /// How wide names are.
    pub width: usize,
}

impl Printer {
    /// Shows an event as most modes do: one line for each action that ended, failures whole.
    pub fn show(&self, event: Event<'_>) {
        match event {
            Event::Note(text) => self.line(&shown(text)),
            Event::Skipped(name, because) => self.row("33", "SKIP", name, &printable(because, 200)),
            Event::Finished(name, outcome, used, kept) => {
                self.ended(name, outcome, used);
                if let (Outcome::Passed, true, Some(kept)) = (outcome, self.verbose, kept) {
                    self.replay(kept);
                }
            }
            Event::NotRun(name, because) => self.row("33", "----", name, because),
            Event::Failure(name, reason, reproduce, kept) => {
                self.line("");
                self.line(&self.paint("1;31", &shown(&format!("━━ {name} failed: {reason}"))));
                if let Some(kept) = kept {
                    self.replay(kept);
                }
                self.line(&shown(&format!("reproduce: {reproduce}")));
            }
            Event::Verdict(good, text) => {
                self.line("");
                self.line(&self.paint(if good { "1;32" } else { "1;31" }, &shown(text)));
            }
            Event::Error(error) => self.error(error),
            Event::Started(_) | Event::Output(..) => {}
        }
    }

    /// Says how an action ended.
    pub fn ended(&self, name: &FullName, outcome: &Outcome, used: Used) {
        let (color, word, text) = self.told(outcome, used);
        self.row(color, word, name, &text);
    }

    /// An action's end as words: colour, word, and the rest.
    pub fn told(&self, outcome: &Outcome, used: Used) -> (&'static str, &'static str, String) {
        let mut text = format!("{:>7.2} s", used.elapsed.as_secs_f64());
        if self.verbose {
            let mib = used.peak_kib as f64 / 1024.0;
            text.push_str(&format!("  cpu {:.2} s, {mib:.0} MiB", used.cpu.as_secs_f64()));
        }
        match (outcome, outcome.failure()) {
            (Outcome::Passed, _) => ("32", "PASS", text),
            (Outcome::Cancelled(reason), _) => ("33", "STOP", format!("{text}  {reason}")),
            (_, reason) => ("31", "FAIL", format!("{text}  {}", reason.unwrap_or_default())),
        }
    }

    /// Prints what an action wrote, as it is.
    pub fn replay(&self, kept: &mut Kept) {
        // Between such lines GitHub takes none for a command; nobody can guess the word that ends it.
        let token = self.github.then(github::token);
        if let Some(token) = &token {
            self.command(&format!("::stop-commands::{token}"));
        }
        let mut last = b'\n';
        let shown = kept.replay(|piece| {
            last = piece.last().copied().unwrap_or(last);
            self.screen.lock().above(piece);
            Ok(())
        });
        if last != b'\n' {
            self.screen.lock().above(b"\n");
        }
        self.screen.lock().print(&[]);
        if let Err(error) = shown {
            self.line(&format!("[dwf: what it wrote cannot be read again: {error}]"));
        }
        if let Some(token) = &token {
            self.command(&format!("::{token}::"));
        }
    }

    /// Prints a line about an action.
    pub fn row(&self, color: &str, word: &str, name: &FullName, text: &str) {
        let (width, word) = (self.width, self.paint(color, word));
        let rest = format!("{name:<width$}  {text}");
        self.line(&format!("{word}  {}", shown(&rest).trim_end()));
    }

    /// A text in a colour, where there are any.
    pub fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        let text = if self.github { github::inert(text) } else { Cow::Borrowed(text) };
        self.screen.lock().print(format!("{text}\n").as_bytes());
    }

    /// Gives GitHub a command.
    pub fn command(&self, command: &str) {
        self.screen.lock().print(format!("{command}\n").as_bytes());
    }

    fn error(&self, error: &Error) {
        self.line(&format!("{} {}", self.paint("1;31", "error:"), shown(&error.to_string())));
        for cause in error.causes() {
            self.line(&format!("  because: {}", printable(&cause, 400)));
        }
        if let Some(detail) = error.detail() {
            self.line(&shown(&detail));
        }
        if let Some(hint) = error.hint() {
            self.line(&format!("{} {}", self.paint("1;36", "hint:"), shown(&hint)));
        }
    }
}
