//! Everything dwf prints, in one place.
//!
//! Invariant: results go to standard output, the rest to standard error; a reader that went away is
//! no error, and nothing that came from elsewhere can drive a terminal except an action's own output.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use devflow_runner::wire::{Data, End};
use tempfile::SpooledTempFile;

use crate::error::Error;
use crate::name::FullName;

/// Bytes of one action's output that are kept in memory; the rest goes to a file without a name.
const IN_MEMORY: usize = 256 << 10;

/// How an action came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not, for this reason.
    Failed(String),
    /// dwf ended it.
    Cancelled,
}

/// Numbers of a finished action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// From start to end.
    pub elapsed: Duration,
    /// Processor time.
    pub cpu: Duration,
    /// Peak resident memory of its largest process, in KiB.
    pub peak_kib: u64,
}

/// The printer.
pub struct Reporter {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    color: bool,
    verbose: bool,
    width: usize,
    output: BTreeMap<FullName, SpooledTempFile>,
    failed: Vec<(FullName, String)>,
}

impl Reporter {
    /// A printer to these two.
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>, color: bool, verbose: bool) -> Self {
        Self { out, err, color, verbose, width: 0, output: BTreeMap::new(), failed: Vec::new() }
    }

    /// Prints a result.
    pub fn result(&mut self, text: &str) -> io::Result<()> {
        quietly(self.out.write_all(shown(text).as_bytes()).and_then(|()| self.out.flush()))
    }

    /// Prints JSON, which stays the same JSON: what would drive a terminal is escaped as JSON does.
    pub fn json(&mut self, json: &str) -> io::Result<()> {
        quietly(writeln!(self.out, "{}", escaped(json, json_escape)).and_then(|()| self.out.flush()))
    }

    /// Says something about what happens.
    pub fn note(&mut self, text: &str) {
        self.line(&shown(text));
    }

    /// Says something only the curious want to know.
    pub fn detail(&mut self, text: &str) {
        if self.verbose {
            self.note(text);
        }
    }

    /// Sets how wide names are.
    pub fn names<'a>(&mut self, names: impl IntoIterator<Item = &'a FullName>) {
        self.width = names.into_iter().map(|name| name.to_string().len()).max().unwrap_or(0);
    }

    /// Keeps what an action wrote.
    pub fn output(&mut self, name: &FullName, data: &Data) {
        let bytes = match data {
            Data::Text(text) => text.as_bytes(),
            Data::Bytes(bytes) => bytes,
        };
        let spool = self.output.entry(name.clone()).or_insert_with(|| SpooledTempFile::new(IN_MEMORY));
        // A full disk costs the output, not the run.
        let _ = spool.write_all(bytes);
    }

    /// Says that a command has nothing to do.
    pub fn skipped(&mut self, name: &FullName, because: &str) {
        let because = crate::error::printable(because, 200);
        let line = self.row("33", "SKIP", name, &because);
        self.line(&line);
    }

    /// Says how an action ended.
    pub fn finished(&mut self, name: &FullName, outcome: &Outcome, used: Used) {
        let mut text = format!("{:>7.2} s", used.elapsed.as_secs_f64());
        if self.verbose {
            let mib = used.peak_kib as f64 / 1024.0;
            text.push_str(&format!("  cpu {:.2} s, {mib:.0} MiB", used.cpu.as_secs_f64()));
        }
        let line = match outcome {
            Outcome::Passed => self.row("32", "PASS", name, &text),
            Outcome::Failed(reason) => self.row("31", "FAIL", name, &format!("{text}  {reason}")),
            Outcome::Cancelled => self.row("33", "STOP", name, &text),
        };
        self.line(&line);
        match outcome {
            Outcome::Failed(reason) => self.failed.push((name.clone(), reason.clone())),
            Outcome::Passed if self.verbose => self.replay(name),
            _ => {
                self.output.remove(name);
            }
        }
    }

    /// Says why an action never started.
    pub fn not_run(&mut self, name: &FullName, because: &str) {
        let line = self.row("33", "----", name, because);
        self.line(&line);
    }

    /// Shows every failure whole, each with the line that reproduces it.
    pub fn failures(&mut self, reproduce: impl Fn(&FullName) -> String) {
        for (name, reason) in std::mem::take(&mut self.failed) {
            let head = self.paint("1;31", &shown(&format!("━━ {name} failed: {reason}")));
            self.line("");
            self.line(&head);
            self.replay(&name);
            self.note(&format!("reproduce: {}", reproduce(&name)));
        }
    }

    /// Says how it went as a whole.
    pub fn verdict(&mut self, good: bool, text: &str) {
        let text = self.paint(if good { "1;32" } else { "1;31" }, &shown(text));
        self.line("");
        self.line(&text);
    }

    /// Prints an error with all that is known of it.
    pub fn error(&mut self, error: &Error) {
        let head = self.paint("1;31", "error:");
        self.line(&format!("{head} {}", shown(&error.to_string())));
        for cause in error.causes() {
            self.line(&format!("  because: {}", crate::error::printable(&cause, 400)));
        }
        if let Some(detail) = error.detail() {
            self.note(&detail);
        }
        if let Some(hint) = error.hint() {
            let head = self.paint("1;36", "hint:");
            self.line(&format!("{head} {}", shown(&hint)));
        }
    }

    fn replay(&mut self, name: &FullName) {
        let Some(mut spool) = self.output.remove(name) else { return };
        let mut last = b'\n';
        if spool.rewind().is_ok() {
            let mut buffer = [0; 16 << 10];
            while let Ok(count @ 1..) = spool.read(&mut buffer) {
                last = buffer[count - 1];
                if self.err.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        }
        if last != b'\n' {
            self.line("");
        }
    }

    fn row(&self, color: &str, word: &str, name: &FullName, text: &str) -> String {
        let width = self.width;
        let word = self.paint(color, word);
        let rest = format!("{name:<width$}  {text}");
        let rest = shown(&rest);
        format!("{word}  {}", rest.trim_end())
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn line(&mut self, text: &str) {
        // Where standard error is gone, nobody is left to tell.
        let _ = writeln!(self.err, "{text}").and_then(|()| self.err.flush());
    }
}

/// Text as it may be shown: what would drive a terminal, or turn its reading direction, is escaped.
fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.escape_default().to_string())
}

fn json_escape(c: char) -> String {
    // In JSON such a character can only stand in a text; none of them is beyond the first 65,536.
    format!("\\u{:04x}", u32::from(c))
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    let drives = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(drives) {
        return text.into();
    }
    text.chars().map(|c| if drives(c) { escape(c) } else { c.to_string() }).collect::<String>().into()
}

fn quietly(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// How an action ended, for a person.
pub fn outcome(end: &End) -> Outcome {
    match end {
        End::Exit(0) => Outcome::Passed,
        End::Exit(code) => match nix::sys::signal::Signal::try_from(code - 128) {
            // What a shell or an init says of a program that a signal ended.
            Ok(signal) => Outcome::Failed(format!("exit code {code}, as after {signal}")),
            Err(_) => Outcome::Failed(format!("exit code {code}")),
        },
        End::Signal(number) => {
            let name =
                nix::sys::signal::Signal::try_from(*number).map_or("an unknown signal", |s| s.as_str());
            Outcome::Failed(format!("killed by {name}"))
        }
        End::OutOfMemory => Outcome::Failed("killed by SIGKILL: out of memory".to_owned()),
        End::TimedOut => Outcome::Failed("timed out".to_owned()),
        End::Cancelled => Outcome::Cancelled,
        End::NotStarted { program, missing: true, .. } => {
            Outcome::Failed(format!("no program `{program}` was found"))
        }
        End::NotStarted { program, reason, .. } => {
            Outcome::Failed(format!("`{program}` could not be started: {reason}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_json() {
        let text = "a\u{202e}b\u{9b}c\u{7f}";
        let json = serde_json::to_string(text).unwrap();
        let printed = escaped(&json, json_escape).into_owned();
        assert_eq!(printed, r#""a\u202eb\u009bc\u007f""#);
        assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
    }
}
