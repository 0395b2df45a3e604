//! What went wrong, for one printer: a message, what stands behind it, and what to do next.
//!
//! Invariant: every module has its own error type; this is the only place they meet, and the only
//! place that knows exit codes.

use std::fmt;

/// The exit codes of dwf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// An action failed, or a check says no.
    Failed,
    /// Usage or configuration.
    Usage,
    /// Refused: trust, lock, owner.
    Refused,
    /// An extension broke.
    Extension,
    /// The engine or the image broke.
    Engine,
    /// The machine: disk, permissions.
    Machine,
    /// A bug in dwf.
    Bug,
    /// Ended by this signal.
    Signal(i32),
}

impl Exit {
    /// The code as the shell sees it.
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Extension => 4,
            Self::Engine => 5,
            Self::Machine => 6,
            Self::Bug => 70,
            Self::Signal(number) => 128_u8.saturating_add(u8::try_from(number).unwrap_or(0)),
        }
    }
}

/// A module's error, with its exit code and, where there is one, a block of text that shows it
/// (the source line, the last words of a program) and what to do next.
pub trait Explain: std::error::Error + Send + Sync + 'static {
    /// The exit code.
    fn exit(&self) -> Exit;

    /// Lines that show the place or the last words, ready to print.
    fn detail(&self) -> Option<String> {
        None
    }

    /// What to do next.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Any module's error.
pub struct Error(Box<dyn Explain>);

impl Error {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// Lines that show the place or the last words, ready to print.
    pub fn detail(&self) -> Option<String> {
        self.0.detail()
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        self.0.hint()
    }

    /// The causes behind the message, nearest first.
    pub fn causes(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut next = self.0.source();
        while let Some(cause) = next {
            out.push(cause.to_string());
            next = cause.source();
        }
        out
    }
}

impl<E: Explain> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The nearest of `names` to what was written, if one is near enough to be meant.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| name)
}

/// Text from elsewhere, safe to print in one line: control characters escaped, at most `max` characters.
pub fn printable(text: &str, max: usize) -> String {
    let mut out: String = text
        .chars()
        .take(max)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    if text.chars().nth(max).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("stak", ["name", "stack", "members"]), Some("stack"));
        assert_eq!(nearest("zebra", ["name", "stack", "members"]), None);
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb", 20), "a\\u{1b}[31mb");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
