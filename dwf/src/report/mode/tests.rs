use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::*;
use crate::report::event::{Outcome, Used};
use crate::report::kept::Kept;
use crate::report::screen::{Shared, Size};

/// What was written, and how large the terminal is.
#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<(Vec<u8>, Option<Size>)>>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A run that is shown in a mode.
struct Shown {
    terminal: Terminal,
    printer: Printer,
    mode: Box<dyn Mode>,
}

fn name(text: &str) -> FullName {
    let wanted: crate::name::Wanted = text.parse().unwrap();
    FullName { member: wanted.member.unwrap_or_default(), stack: wanted.stack, command: wanted.command }
}

fn kept(text: &str) -> Kept {
    let mut kept = Kept::default();
    kept.push(text.as_bytes());
    kept
}

impl Shown {
    fn new(output: Output, size: Option<Size>, github: bool) -> Self {
        let terminal = Terminal::default();
        terminal.0.lock().unwrap().1 = size;
        let of = terminal.clone();
        let screen = Shared::new(Box::new(terminal.clone()), move || of.0.lock().unwrap().1);
        let printer = Printer { screen, color: false, verbose: false, github, width: 11 };
        Self { terminal, printer, mode: mode(output, size.is_some()) }
    }

    fn show(&mut self, at: u64, event: Event<'_>) {
        self.mode.show(event, Duration::from_millis(at), &self.printer);
    }

    fn text(&self) -> String {
        String::from_utf8(self.terminal.0.lock().unwrap().0.clone()).unwrap()
    }

    /// What a terminal of this size shows.
    fn seen(&self, (columns, rows): Size) -> Vec<String> {
        let mut parser = vt100::Parser::new(rows, columns, 0);
        // A terminal begins each line at its first column; a pipe does not.
        parser.process(self.text().replace('\n', "\r\n").as_bytes());
        assert!(!parser.screen().hide_cursor());
        let rows: Vec<String> =
            parser.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
        let end = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |at| at + 1);
        rows[..end].to_vec()
    }
}

/// A run of two actions, of which one fails.
fn story(shown: &mut Shown) {
    let (good, bad) = (name("a/fmt:check"), name("b/test"));
    let used = Used { elapsed: Duration::from_millis(1500), ..Used::default() };
    let failed = Outcome::Failed("exit code 1".to_owned());
    shown.mode.names(&[good.clone(), bad.clone(), name("c/test")]);
    shown.show(0, Event::Note("a note"));
    shown.show(0, Event::Skipped(&name("c/test"), "no\x1b[31m tests"));
    shown.show(1, Event::Started(&good));
    shown.show(2, Event::Started(&bad));
    shown.show(3, Event::Output(&good, b"all\ngo"));
    shown.show(4, Event::Output(&bad, b"::error::forged\nnot good\n"));
    shown.show(5, Event::Output(&good, b"od\n"));
    shown.show(1501, Event::Finished(&good, &Outcome::Passed, used, Some(&mut kept("all\ngood\n"))));
    let mut output = kept("::error::forged\nnot good\n");
    shown.show(1502, Event::Finished(&bad, &failed, used, Some(&mut output)));
    shown.show(1503, Event::NotRun(&name("d/test"), "not run: it needs b/test:unit"));
    shown.show(1504, Event::Failure(&bad, "exit code 1", "dwf run b/test:unit", Some(&mut output)));
    shown.show(1505, Event::Verdict(false, "1 passed, 1 failed in 1.50 s"));
}

const FAILURE: &str = "
━━ b/test:unit failed: exit code 1
::error::forged
not good
reproduce: dwf run b/test:unit

1 passed, 1 failed in 1.50 s
";

#[test]
fn lines_in_a_pipe() {
    let mut shown = Shown::new(Output::Live, None, false);
    story(&mut shown);
    assert_eq!(shown.mode.due(), None);
    let lines = "a note
SKIP  c/test:unit  no\\u{1b}[31m tests
PASS  a/fmt:check     1.50 s
FAIL  b/test:unit     1.50 s  exit code 1
----  d/test:unit  not run: it needs b/test:unit
";
    assert_eq!(shown.text(), format!("{lines}{FAILURE}"));
}

#[test]
fn quiet_is_failures_and_the_verdict() {
    let mut shown = Shown::new(Output::Quiet, None, false);
    story(&mut shown);
    assert_eq!(shown.text(), FAILURE);
}

#[test]
fn grouped_is_the_output_with_its_action() {
    let mut shown = Shown::new(Output::Grouped, None, false);
    story(&mut shown);
    let lines = "a note
SKIP  c/test:unit  no\\u{1b}[31m tests
PASS  a/fmt:check     1.50 s
all
good
FAIL  b/test:unit     1.50 s  exit code 1
::error::forged
not good
----  d/test:unit  not run: it needs b/test:unit
";
    assert_eq!(shown.text(), format!("{lines}{FAILURE}"));
}

#[test]
fn stream_is_lines_with_the_name_in_front() {
    let mut shown = Shown::new(Output::Stream, None, false);
    story(&mut shown);
    let lines = "a note
SKIP  c/test:unit  no\\u{1b}[31m tests
a/fmt:check | all
b/test:unit | ::error::forged
b/test:unit | not good
a/fmt:check | good
PASS  a/fmt:check     1.50 s
FAIL  b/test:unit     1.50 s  exit code 1
----  d/test:unit  not run: it needs b/test:unit
";
    assert_eq!(shown.text(), format!("{lines}{FAILURE}"));
}

/// What an action wrote stands between a command that stops all commands and the word that starts
/// them again, which is another one each time.
#[test]
fn nothing_that_an_action_writes_is_a_command_of_githubs() {
    for output in [Output::Live, Output::Grouped, Output::Stream, Output::Quiet] {
        let mut shown = Shown::new(output, None, true);
        story(&mut shown);
        shown.show(2000, Event::Note("::error::from elsewhere"));
        let (mut stopped, mut words, mut commands) = (None, Vec::new(), Vec::new());
        for line in shown.text().lines() {
            match (&stopped, line.strip_prefix("::stop-commands::")) {
                (None, Some(word)) => stopped = Some(format!("::{word}::")),
                (Some(word), _) if line == word => words.extend(stopped.take()),
                (None, None) if line.trim_start().starts_with("::") => commands.push(line.to_owned()),
                _ => {}
            }
        }
        let (groups, blocks) = if output == Output::Grouped { (4, 3) } else { (0, 1) };
        assert_eq!((commands.len(), words.len()), (groups, blocks), "{output:?}: {}", shown.text());
        assert!(commands.iter().all(|line| line.starts_with("::group::") || line == "::endgroup::"));
        words.sort();
        words.dedup();
        assert_eq!(words.len(), blocks, "each word is used once");
    }
}

#[test]
fn a_terminal_shows_what_runs_below_what_has_ended() {
    let size = (60, 12);
    let mut shown = Shown::new(Output::Live, Some(size), false);
    let names = [name("a/build:debug"), name("b/test"), name("c/test")];
    shown.mode.names(&names);
    shown.show(0, Event::Note("plan x"));
    shown.show(1000, Event::Started(&names[0]));
    shown.show(1010, Event::Started(&names[1]));
    assert_eq!(shown.mode.due(), Some(Duration::from_millis(1100)), "drawn soon, not at once");
    shown.mode.tick(Duration::from_millis(1100), &shown.printer);
    let both = [
        "plan x",
        "RUN   a/build:debug        0 s",
        "RUN   b/test:unit          0 s",
        "0 of 3 done, 2 running, 1 waiting, 1 s",
    ];
    assert_eq!(shown.seen(size), both);
    assert_eq!(shown.mode.due(), Some(Duration::from_secs(2)), "nothing changes before");
    let before = shown.text().len();
    shown.mode.tick(Duration::from_millis(1999), &shown.printer);
    assert_eq!(shown.text().len(), before, "nothing is drawn before it is due");

    shown.mode.tick(Duration::from_secs(62), &shown.printer);
    assert_eq!(shown.seen(size)[1], "RUN   a/build:debug  1 min 01 s");
    let used = Used { elapsed: Duration::from_secs(61), ..Used::default() };
    shown.show(62_500, Event::Finished(&names[0], &Outcome::Passed, used, None));
    assert_eq!(
        shown.seen(size),
        [
            "plan x",
            "PASS  a/build:debug    61.00 s",
            "RUN   b/test:unit  1 min 01 s",
            "1 of 3 done, 1 running, 1 waiting, 1 min 02 s"
        ]
    );

    shown.show(63_000, Event::Verdict(false, "over"));
    assert_eq!(shown.seen(size), ["plan x", "PASS  a/build:debug    61.00 s", "", "over"]);
    assert_eq!(shown.mode.due(), None);
}

#[test]
fn many_events_are_few_drawings() {
    let mut shown = Shown::new(Output::Live, Some((80, 24)), false);
    let names: Vec<FullName> = (0..500).map(|n| name(&format!("s{n}/test"))).collect();
    shown.mode.names(&names);
    for (at, name) in (0..).zip(&names) {
        shown.show(at, Event::Started(name));
    }
    let drawn = shown.text().matches("of 500 done").count();
    assert!((4..=6).contains(&drawn), "{drawn} drawings in half a second");
}

#[test]
fn a_terminal_that_became_narrower_is_left_clean() {
    let mut shown = Shown::new(Output::Live, Some((60, 12)), false);
    let names = [name("a/a-rather-long-verb:debug")];
    shown.mode.names(&names);
    shown.show(1000, Event::Started(&names[0]));
    // The terminal wraps the 38 columns of the last line into two rows.
    shown.terminal.0.lock().unwrap().1 = Some((30, 12));
    let before = shown.text().len();
    shown.mode.tick(Duration::from_secs(2), &shown.printer);
    assert!(shown.text()[before..].starts_with("\x1b[4A\r\x1b[J"), "{:?}", &shown.text()[before..]);
    shown.printer.screen.leave();
    assert!(shown.text().ends_with("\x1b[2A\r\x1b[J"));
}

#[test]
fn what_another_writes_stands_above() {
    use tracing_subscriber::fmt::MakeWriter;

    let size = (60, 12);
    let mut shown = Shown::new(Output::Live, Some(size), false);
    shown.mode.names(&[name("a/test")]);
    shown.show(1000, Event::Started(&name("a/test")));
    let mut line = shown.printer.screen.make_writer();
    line.write_all(b"warning: ").unwrap();
    line.write_all(b"something\n").unwrap();
    drop(line);
    assert_eq!(
        shown.seen(size),
        ["warning: something", "RUN   a/test:unit        0 s", "0 of 1 done, 1 running, 0 waiting, 1 s"]
    );
}
