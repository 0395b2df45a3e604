//! Text as it may be shown.

use std::borrow::Cow;

/// Text as it may be shown: what would drive a terminal, or turn its reading direction, is escaped.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.escape_default().to_string())
}

/// JSON that stays the same JSON: what would drive a terminal is escaped as JSON does.
pub fn shown_json(json: &str) -> Cow<'_, str> {
    // In JSON such a character can only stand in a text; none of them is beyond the first 65,536.
    escaped(json, |c| format!("\\u{:04x}", u32::from(c)))
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

/// What an action wrote, as plain text: without colours, and with what is no UTF-8 replaced.
pub fn plain(bytes: &[u8]) -> String {
    // The crate takes tabs away, too; no sequence has one inside.
    let pieces: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\t').map(strip_ansi_escapes::strip).collect();
    String::from_utf8_lossy(&pieces.join(&b'\t')).into_owned()
}

/// A span of time for a person, in whole seconds.
pub fn seconds(time: std::time::Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn json_stays_the_same_json() {
        let text = "a\u{202e}b\u{9b}c\u{7f}";
        let json = serde_json::to_string(text).unwrap();
        let printed = shown_json(&json).into_owned();
        assert_eq!(printed, r#""a\u202eb\u009bc\u007f""#);
        assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
    }

    #[test]
    fn output_becomes_plain() {
        assert_eq!(plain(b"\x1b[1;31merror\x1b[0m:\t\xff\r\n"), "error:\t\u{fffd}\n");
    }

    #[test]
    fn spans_of_time() {
        for (time, text) in [(0, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (3_725, "1 h 02 min")] {
            assert_eq!(seconds(Duration::from_secs(time)), text);
        }
    }
}
