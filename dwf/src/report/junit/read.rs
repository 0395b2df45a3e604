//! A tool's report, read as a stream.
//!
//! Invariant: whatever is in the file, it costs bounded time and memory; no entity is looked up but
//! those that XML itself has, and what is broken is a note, with what came before it kept.

use std::io::{BufReader, Read};
use std::time::Duration;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use quick_xml::{XmlVersion, escape};

use super::{Case, CaseResult, Taken};

/// Bytes of a file.
const FILE: u64 = 32 << 20;
/// Elements inside each other.
const DEPTH: usize = 64;
/// Tests of a file.
const CASES: usize = 50_000;
/// Bytes of a name or a message.
const WORDS: usize = 2 << 10;
/// Bytes of what one failed test says.
const TEXT: usize = 16 << 10;
/// Bytes of all that the tests of a file say.
const TEXTS: usize = 8 << 20;

/// Reads a report.
pub fn read(file: impl Read) -> Taken {
    let mut reader = Reader::from_reader(BufReader::new(file.take(FILE)));
    reader.config_mut().allow_dangling_amp = true;
    let mut state = State::default();
    let mut buffer = Vec::new();
    let problem = loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) if reader.buffer_position() >= FILE => {
                break Some(format!("it is larger than {} MiB", FILE >> 20));
            }
            Ok(Event::Eof) if !state.open.is_empty() => break Some("it ends in the middle".to_owned()),
            Ok(Event::Eof) if !state.any => break Some("it is no JUnit report".to_owned()),
            Ok(Event::Eof) => break None,
            Ok(event) => event,
            Err(error) => break Some(format!("it is no XML: {error}")),
        };
        if let Err(problem) = state.hear(event) {
            break Some(problem);
        }
    };
    Taken { path: String::new(), cases: state.cases, problem }
}

/// What the elements that are open mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// A list of suites.
    Suites,
    /// A suite, which has a name.
    Suite,
    Case,
    /// What says how a test came out.
    Result,
    Other,
}

#[derive(Default)]
struct State {
    open: Vec<Open>,
    suites: Vec<String>,
    cases: Vec<Case>,
    case: Option<Case>,
    /// Bytes that the tests said so far.
    said: usize,
    /// Whether there was an element of a report.
    any: bool,
}

impl State {
    fn hear(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(element) => self.start(&element),
            Event::Empty(element) => {
                self.start(&element)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => {
                self.say(&String::from_utf8_lossy(&text));
                Ok(())
            }
            Event::CData(text) => {
                self.say(&String::from_utf8_lossy(&text));
                Ok(())
            }
            Event::GeneralRef(name) => {
                let name = String::from_utf8_lossy(&name).into_owned();
                self.say(&reference(&name));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() >= DEPTH {
            return Err(format!("more than {DEPTH} elements are inside each other"));
        }
        let inside = self.open.last().copied();
        let local = element.local_name();
        let open = match (local.as_ref(), inside) {
            (b"testsuites", None) => Open::Suites,
            (b"testsuite", None | Some(Open::Suites | Open::Suite)) => Open::Suite,
            (b"testcase", Some(Open::Suites | Open::Suite)) => Open::Case,
            (b"failure" | b"error" | b"skipped", Some(Open::Case)) => Open::Result,
            (_, None) => return Err("it is no JUnit report".to_owned()),
            _ => Open::Other,
        };
        self.any = true;
        match open {
            Open::Suite => self.suites.push(attribute(element, "name").unwrap_or_default()),
            Open::Case => self.case = Some(self.begin(element)?),
            Open::Result => self.result(element),
            Open::Suites | Open::Other => {}
        }
        self.open.push(open);
        Ok(())
    }

    fn begin(&self, element: &BytesStart<'_>) -> Result<Case, String> {
        if self.cases.len() >= CASES {
            return Err(format!("it has more than {CASES} tests; these are the first"));
        }
        let line = attribute(element, "line").and_then(|line| line.parse().ok());
        let seconds = attribute(element, "time").and_then(|time| time.parse::<f64>().ok());
        let named: Vec<&str> = self.suites.iter().map(String::as_str).filter(|n| !n.is_empty()).collect();
        Ok(Case {
            suite: cut(&named.join(" › "), WORDS).to_owned(),
            class: attribute(element, "classname").unwrap_or_default(),
            name: attribute(element, "name").unwrap_or_default(),
            time: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            place: attribute(element, "file").map(|file| (file, line)),
            result: CaseResult::Passed,
        })
    }

    fn result(&mut self, element: &BytesStart<'_>) {
        let Some(case) = &mut self.case else { return };
        let message = attribute(element, "message").unwrap_or_default();
        let local = element.local_name();
        match (local.as_ref(), &case.result) {
            // Of several failures the first is told; one is never made good by what follows.
            (_, CaseResult::Failed { .. }) => {}
            (b"skipped", _) => case.result = CaseResult::Skipped(message),
            (name, _) => {
                case.result = CaseResult::Failed { error: name == b"error", message, text: String::new() };
            }
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Open::Suite) => {
                self.suites.pop();
            }
            Some(Open::Case) => self.cases.extend(self.case.take()),
            _ => {}
        }
    }

    /// Text inside of what says how a test came out.
    fn say(&mut self, more: &str) {
        if self.open.last() != Some(&Open::Result) {
            return;
        }
        let Some(case) = &mut self.case else { return };
        let text = match &mut case.result {
            CaseResult::Failed { text, .. } => text,
            CaseResult::Skipped(reason) => reason,
            CaseResult::Passed => return,
        };
        let room = TEXT.saturating_sub(text.len()).min(TEXTS.saturating_sub(self.said));
        let more = cut(more, room);
        self.said += more.len();
        text.push_str(more);
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok().flatten()?;
    let value = match attribute.normalized_value(XmlVersion::Implicit1_0) {
        Ok(value) => value.into_owned(),
        // What names something unknown stays as it is written.
        Err(_) => String::from_utf8_lossy(&attribute.value).into_owned(),
    };
    Some(cut(&value, WORDS).to_owned())
}

/// What a reference stands for; one that XML does not have stays as it is written.
fn reference(name: &str) -> String {
    if let Some(text) = escape::resolve_predefined_entity(name) {
        return text.to_owned();
    }
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    match number.and_then(char::from_u32) {
        Some(c) => c.to_string(),
        None => format!("&{};", cut(name, 100)),
    }
}

fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}
