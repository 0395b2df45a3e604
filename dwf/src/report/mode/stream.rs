//! Lines as they come, each with the action's name in front.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Mode;
use crate::name::FullName;
use crate::report::event::Event;
use crate::report::printer::Printer;

/// Bytes of a line; a longer one is cut into several.
pub const LINE: usize = 8 << 10;

/// The mode, with the line that each action has begun.
#[derive(Default)]
pub struct Stream(BTreeMap<FullName, Begun>);

impl Mode for Stream {
    fn show(&mut self, event: Event<'_>, _: Duration, printer: &Printer) {
        match event {
            Event::Output(name, bytes) => {
                let mut lines = Vec::new();
                self.0.entry(name.clone()).or_default().push(bytes, |line| lines.push(line));
                print(name, &lines, printer);
            }
            Event::Finished(name, outcome, used, _) => {
                let rest = self.0.remove(name).and_then(Begun::rest);
                print(name, rest.as_slice(), printer);
                printer.ended(name, outcome, used);
            }
            event => printer.show(event),
        }
    }
}

fn print(name: &FullName, lines: &[String], printer: &Printer) {
    let width = printer.width;
    for line in lines {
        // A colour that a line began must not go on in another action's.
        let end = if line.contains('\x1b') { "\x1b[0m" } else { "" };
        let name = printer.paint("36", &format!("{name:<width$}"));
        printer.line(&format!("{name} | {line}{end}"));
    }
}

/// A line that has not ended.
#[derive(Default)]
struct Begun {
    bytes: Vec<u8>,
    /// Whether a carriage return came last: what follows begins the line anew.
    returned: bool,
}

impl Begun {
    fn push(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for byte in bytes {
            match byte {
                b'\n' => line(self.take()),
                b'\r' => self.returned = true,
                byte => {
                    if std::mem::take(&mut self.returned) {
                        self.bytes.clear();
                    }
                    self.bytes.push(*byte);
                    if self.bytes.len() >= LINE && !is_inside_a_character(&self.bytes) {
                        line(self.take());
                    }
                }
            }
        }
    }

    fn take(&mut self) -> String {
        self.returned = false;
        String::from_utf8_lossy(&std::mem::take(&mut self.bytes)).into_owned()
    }

    fn rest(mut self) -> Option<String> {
        (!self.bytes.is_empty()).then(|| self.take())
    }
}

/// Whether a character has begun that more bytes may complete.
fn is_inside_a_character(bytes: &[u8]) -> bool {
    for (behind, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        return length > behind + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut begun, mut lines) = (Begun::default(), Vec::new());
        for piece in pieces {
            begun.push(piece, |line| lines.push(line));
        }
        lines.extend(begun.rest());
        lines
    }

    #[test]
    fn lines_of_what_comes_in_pieces() {
        for (pieces, expected) in [
            (&[&b"one\ntw"[..], b"o\n"][..], &["one", "two"][..]),
            (&[b"no end"], &["no end"]),
            (&[b"a\r\nb\r\n"], &["a", "b"]),
            (&[b"a\r", b"\nb"], &["a", "b"]),
            (&[b" 10 %\r 50 %", b"\r100 %\n"], &["100 %"]),
            (&[b"\xe2\x82", b"\xac \xff\n"], &["\u{20ac} \u{fffd}"]),
            (&[b"\n\n"], &["", ""]),
        ] {
            assert_eq!(lines(pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let text = "€".repeat(LINE);
        let lines = lines(&[text.as_bytes()]);
        assert!(lines.iter().all(|line| line.len() < LINE + 4), "{:?}", lines[0].len());
        assert_eq!(lines.concat(), text);
        let garbage = vec![0x80; 3 * LINE];
        assert!(self::lines(&[&garbage]).len() >= 2);
    }
}
