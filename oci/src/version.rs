//! The version of an engine.
//!
//! Invariant: only the leading numbers count; what a distribution appends does not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `major.minor.patch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
    /// The third.
    pub patch: u32,
}

impl Version {
    /// A version from its numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is not a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionError(String);

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a version such as 4.3.1", self.0)
    }
}

impl std::error::Error for VersionError {}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError(text.chars().take(80).collect());
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = [0; 3];
        for (index, number) in numbers.iter_mut().enumerate() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            match rest[..end].parse() {
                Ok(parsed) => *number = parsed,
                Err(_) if index > 0 && end == 0 => break,
                Err(_) => return Err(error()),
            }
            match rest[end..].strip_prefix('.') {
                Some(next) => rest = next,
                None => break,
            }
        }
        let [major, minor, patch] = numbers;
        Ok(Self { major, minor, patch })
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("4.3.1", Some((4, 3, 1))),
            ("20.10.24+dfsg1", Some((20, 10, 24))),
            ("5.0.0-dev", Some((5, 0, 0))),
            ("v27.1", Some((27, 1, 0))),
            ("28", Some((28, 0, 0))),
            ("4.9.4-rhel", Some((4, 9, 4))),
            ("4.x", Some((4, 0, 0))),
            ("", None),
            ("dev", None),
            ("99999999999.1", None),
        ] {
            let parsed = text.parse::<Version>().ok();
            assert_eq!(parsed, expected.map(|(a, b, c)| Version::new(a, b, c)), "{text}");
        }
        assert!(Version::new(4, 10, 0) > Version::new(4, 3, 9));
    }
}
