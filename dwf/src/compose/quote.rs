//! Words of a Dockerfile that came from elsewhere.
//!
//! Invariant: what is quoted stays on its line, and a builder reads it back as exactly what went in.

use std::fmt::Write;

/// A list of words in the JSON form, of ASCII alone: no builder expands anything in it, and no terminal is driven by it.
pub(super) fn json<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| json_string(word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

fn json_string(word: &str) -> String {
    let mut out = String::from('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }),
        }
    }
    out.push('"');
    out
}

/// The value of a variable. `None` for what has no place in a line.
pub(super) fn value(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut out = String::from('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    Some(out)
}
