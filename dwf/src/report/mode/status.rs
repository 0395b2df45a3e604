//! What the lines at the bottom of a terminal say.
//!
//! Invariant: pure; no line is wider than the terminal, and there are never more than half its rows.

use std::collections::BTreeSet;
use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::name::FullName;
use crate::report::screen::Size;
use crate::report::text::{seconds, shown};

/// Lines at most.
const ROWS: usize = 12;
/// Columns that stay free: what a person types is shown there and must not begin a new row.
const FREE: usize = 4;

/// What runs, and how much is left.
#[derive(Debug, Default)]
pub struct Status {
    left: BTreeSet<FullName>,
    done: usize,
    /// With when each began, in the order in which they began.
    running: Vec<(FullName, Duration)>,
}

impl Status {
    /// There are these actions.
    pub fn names(&mut self, names: &[FullName]) {
        self.left = names.iter().cloned().collect();
        self.done = 0;
    }

    /// One has begun.
    pub fn started(&mut self, name: &FullName, now: Duration) {
        self.running.push((name.clone(), now));
    }

    /// One has ended, or will never begin.
    pub fn ended(&mut self, name: &FullName) {
        self.running.retain(|(known, _)| known != name);
        self.done += usize::from(self.left.remove(name));
    }

    /// Nothing will happen any more.
    pub fn over(&mut self) {
        self.left.clear();
        self.running.clear();
    }

    /// Whether there is something to tell.
    pub fn is_live(&self) -> bool {
        !self.running.is_empty()
    }

    /// The lines, for a terminal of this size.
    pub fn lines(
        &self,
        now: Duration,
        (columns, rows): Size,
        paint: impl Fn(&str, &str) -> String,
    ) -> Vec<String> {
        let width = usize::from(columns).saturating_sub(FREE);
        // Too small to say anything in.
        if !self.is_live() || width < 12 || rows < 4 {
            return Vec::new();
        }
        let room = ROWS.min(usize::from(rows) / 2) - 1;
        let shown_count = if self.running.len() > room { room.saturating_sub(1) } else { self.running.len() };
        let shown_running = &self.running[..shown_count];
        let widest = shown_running.iter().map(|(name, _)| name.to_string().width()).max().unwrap_or(0);
        let line = |(name, since): &(FullName, Duration)| {
            let time = seconds(now.saturating_sub(*since));
            let room = width.saturating_sub("RUN   ".len() + 2 + time.width().max(9));
            let name = shorten(&shown(&name.to_string()), room.min(widest));
            let blanks = " ".repeat(widest.min(room).saturating_sub(name.width()));
            fit(&format!("RUN   {name}{blanks}  {time:>9}"), width).replacen("RUN", &paint("36", "RUN"), 1)
        };
        let mut lines: Vec<String> = shown_running.iter().map(line).collect();
        let hidden = self.running.len() - shown_count;
        if hidden > 0 {
            lines.push(fit(&format!("      and {hidden} more"), width));
        }
        lines.push(paint("2", &self.summary(now, width)));
        lines
    }

    fn summary(&self, now: Duration, width: usize) -> String {
        let all = self.done + self.left.len();
        let waiting = self.left.len().saturating_sub(self.running.len());
        let short = format!("{} of {all} done", self.done);
        let long = format!("{short}, {} running, {waiting} waiting, {}", self.running.len(), seconds(now));
        if long.width() <= width { long } else { fit(&short, width) }
    }
}

/// A text of at most this many columns; what is left out is in the middle, because names differ at both ends.
fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let head = fit(text, room / 2);
    let mut tail = Vec::new();
    let mut used = head.width();
    for c in text.chars().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        tail.push(c);
    }
    format!("{head}…{}", tail.iter().rev().collect::<String>())
}

/// The beginning of a text, of at most this many columns.
fn fit(text: &str, width: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FullName {
        let wanted: crate::name::Wanted = text.parse().unwrap();
        FullName { member: wanted.member.unwrap_or_default(), stack: wanted.stack, command: wanted.command }
    }

    fn status(running: &[&str], waiting: &[&str]) -> Status {
        let mut status = Status::default();
        let names: Vec<FullName> = running.iter().chain(waiting).map(|text| name(text)).collect();
        status.names(&names);
        for (at, text) in running.iter().enumerate() {
            status.started(&name(text), Duration::from_secs(at as u64));
        }
        status
    }

    fn lines(status: &Status, size: Size) -> Vec<String> {
        status.lines(Duration::from_secs(75), size, |_, text| text.to_owned())
    }

    #[test]
    fn what_runs_and_what_is_left() {
        let mut status = status(&["a/build:debug", "web#b/test:unit"], &["a/test:unit"]);
        assert_eq!(
            lines(&status, (80, 24)),
            [
                "RUN   a/build:debug    1 min 15 s",
                "RUN   web#b/test:unit  1 min 14 s",
                "0 of 3 done, 2 running, 1 waiting, 1 min 15 s",
            ]
        );
        status.ended(&name("a/build:debug"));
        status.ended(&name("a/build:debug"));
        status.ended(&name("a/test:unit"));
        assert_eq!(
            lines(&status, (80, 24)),
            ["RUN   web#b/test:unit  1 min 14 s", "2 of 3 done, 1 running, 0 waiting, 1 min 15 s"]
        );
        assert_eq!(lines(&status, (30, 24)), ["RUN   web…unit  1 min 14 s", "2 of 3 done"]);
        status.over();
        assert!(lines(&status, (80, 24)).is_empty());
    }

    #[test]
    fn every_line_fits() {
        let many: Vec<String> =
            (0..40).map(|n| format!("apps/名前-{n}#stack/test:a-long-selector-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let status = status(&many, &[]);
        for columns in 0..120 {
            for rows in [0, 3, 4, 10, 24, 100] {
                let lines = lines(&status, (columns, rows));
                assert!(lines.len() <= usize::from(rows) / 2, "{columns}x{rows}: {}", lines.len());
                for line in lines {
                    assert!(line.width() < usize::from(columns), "{columns}: {line}");
                }
            }
        }
        let lines = lines(&status, (80, 24));
        assert_eq!((lines.len(), lines[10].as_str()), (12, "      and 30 more"));
    }
}
