//! Pieces of foreign text that are safe to show.
//!
//! Invariant: what leaves here is one line, cannot steer a terminal, and is bounded.

use std::fmt::Write;

/// Bytes of a bad line that an error quotes.
pub const LINE: usize = 200;
/// Bytes of a message or a reason that is passed on.
pub const MESSAGE: usize = 1000;

/// The first `max` bytes, with everything escaped that is not plain text; `…` says that more followed.
pub fn excerpt(bytes: &[u8], max: usize) -> String {
    let mut out = String::new();
    let mut end = bytes.len().min(max);
    // Not in the middle of a character: its first byte would look like garbage.
    while end < bytes.len() && end > max.saturating_sub(3) && bytes[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    for chunk in bytes[..end].utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut out, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    if end < bytes.len() {
        out.push('…');
    }
    out
}

/// A text of at most [`MESSAGE`] bytes, escaped as [`excerpt`] does.
pub fn message(text: &str) -> String {
    excerpt(text.as_bytes(), MESSAGE)
}

fn push(out: &mut String, c: char) {
    let invisible = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if c.is_control() || invisible {
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        for (bytes, shown) in [
            (&b"plain \"text\""[..], "plain \"text\""),
            (b"a\nb\r\tc", "a\\nb\\r\\tc"),
            (b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            (b"\xff\xfe ok", "\\xff\\xfe ok"),
            ("ä \u{202e}x\u{feff}".as_bytes(), "ä \\u{202e}x\\u{feff}"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
        ] {
            assert_eq!(excerpt(bytes, 200), shown);
        }
    }

    #[test]
    fn it_is_bounded_and_cuts_between_characters() {
        assert_eq!(excerpt(b"abcdef", 3), "abc…");
        assert_eq!(excerpt(b"abc", 3), "abc");
        assert_eq!(excerpt("aä".as_bytes(), 2), "a…");
        assert_eq!(excerpt("a😀".as_bytes(), 4), "a…");
        assert_eq!(excerpt(&[0x80; 8], 4), "\\x80…");
    }
}
