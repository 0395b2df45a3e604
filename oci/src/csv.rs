//! One field of the comma-separated values that `--mount` takes.
//!
//! Invariant: whatever the text, an engine reads it back as one field.

use std::borrow::Cow;

/// The field, quoted where anything in it could end it, or be trimmed.
pub(crate) fn field(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c.is_alphanumeric() || "_-./:=@%+~".contains(c)) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields() {
        for (text, quoted) in [
            ("src=/w/shop", "src=/w/shop"),
            ("src=/w/p,src=/etc", "\"src=/w/p,src=/etc\""),
            ("src=/w/a\"b", "\"src=/w/a\"\"b\""),
            ("src=/w/a b ", "\"src=/w/a b \""),
            ("src=/w/é:=", "src=/w/é:="),
        ] {
            assert_eq!(field(text), quoted);
        }
    }
}
