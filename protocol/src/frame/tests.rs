use std::io::{BufReader, Read};

use super::*;

/// Gives its bytes one at a time, with an interruption before each.
struct Drip<'a>(&'a [u8], bool);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match (self.1, self.0.split_first()) {
            (true, _) => Err(io::ErrorKind::Interrupted.into()),
            (false, None) => Ok(0),
            (false, Some((first, rest))) => {
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
    }
}

/// Everything that is in there, then how it ends.
fn read_all(mut reader: impl BufRead, cap: usize) -> Vec<String> {
    let mut out = Vec::new();
    loop {
        match read_line(&mut reader, cap) {
            Ok(Some(line)) => out.push(line),
            Ok(None) => return out,
            Err(error) => {
                out.push(format!("! {error}"));
                return out;
            }
        }
    }
}

#[test]
fn lines_and_their_errors() {
    for (bytes, wanted) in [
        (&b""[..], &[][..]),
        (b"\n\r\n  \t\n", &[]),
        (b"a\nb\r\n\nc \n", &["a", "b", "c "]),
        ("ä\n€😀\n".as_bytes(), &["ä", "€😀"]),
        (b"a\r\r\n", &["a\r"]),
        (b"12345678\n12345678\r\n", &["12345678", "12345678"]),
        (b"123456789\nx\n", &["! a line of more than 8 bytes, which starts with \"123456789\""]),
        (b"12345678\rx\n", &["! a line of more than 8 bytes, which starts with \"12345678\\r\""]),
        (b"         \n", &["! a line of more than 8 bytes, which starts with \"         \""]),
        (b"a\nhalf", &["a", "! the pipe ended in the middle of a line: \"half\""]),
        (b"a\n  \r", &["a"]),
        (b"\xff{}\n", &["! a line that is not UTF-8: \"\\xff{}\""]),
        (b"\xc3\n\xa4\n", &["! a line that is not UTF-8: \"\\xc3\""]),
        (b"\xef\xbb\xbf{}\n", &["! a line that starts with a byte order mark: \"\\u{feff}{}\""]),
        (b"\x1b[31m\xff\n", &["! a line that is not UTF-8: \"\\u{1b}[31m\\xff\""]),
    ] {
        assert_eq!(read_all(bytes, 8), wanted, "{bytes:?}");
        assert_eq!(
            read_all(BufReader::with_capacity(1, Drip(bytes, false)), 8),
            wanted,
            "{bytes:?}, dripping"
        );
    }
}

#[test]
fn an_endless_line_costs_no_more_than_the_cap() {
    let mut endless = BufReader::new(io::repeat(b'x'));
    let error = read_line(&mut endless, 100_000).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, FrameError::TooLong { cap: 100_000, .. }), "{text}");
    assert!(text.len() < 300, "{text}");
    let mut line = PartialLine::new(1000);
    for _ in 0..100 {
        assert!(line.push(&[b'x'; 50_000]).1.is_err());
        assert!(line.bytes.capacity() < 4000);
    }
}

#[test]
fn after_a_line_of_bad_bytes_the_next_one_is_readable() {
    let mut reader = &b"\xff\nok\n"[..];
    assert!(read_line(&mut reader, 8).is_err());
    assert_eq!(read_line(&mut reader, 8).unwrap().as_deref(), Some("ok"));
}

/// Counts its writes and flushes.
#[derive(Default)]
struct Tally(Vec<Vec<u8>>, usize);

impl Write for Tally {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1 += 1;
        Ok(())
    }
}

#[test]
fn a_value_is_one_write_and_a_flush() {
    let mut tally = Tally::default();
    write_line(&mut tally, &["a\nb"], 100).unwrap();
    assert_eq!(tally.0, [b"[\"a\\nb\"]\n"]);
    assert_eq!(tally.1, 1);
}

#[test]
fn what_is_too_long_or_no_json_is_not_written() {
    let mut tally = Tally::default();
    assert!(write_line(&mut tally, "1234", 6).is_ok());
    assert!(matches!(write_line(&mut tally, "12345", 6), Err(FrameError::TooLong { cap: 6, .. })));
    let unserialisable = std::collections::BTreeMap::from([([1], 2)]);
    assert!(matches!(write_line(&mut tally, &unserialisable, 6), Err(FrameError::Unserialisable(_))));
    assert_eq!(tally.0.len(), 1);
}
