//! Paths on the wire: relative, `/`-separated, never leaving their folder.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A path relative to the member's folder (or, for caches, to the cache): `.` or `a/b/c`.
/// It has no `..`, no `.` inside, no empty part, no backslash and no control character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// Bytes of the longest path.
pub(crate) const LONGEST: usize = 4096;

/// Why a text is not a relative path of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPath(String);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a path inside the project: it is relative, separated by /, without ..", self.0)
    }
}

impl std::error::Error for InvalidPath {}

impl RelPath {
    /// The folder itself.
    pub fn here() -> Self {
        Self(".".to_owned())
    }

    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the folder itself.
    pub fn is_here(&self) -> bool {
        self.0 == "."
    }

    /// This path below another one.
    pub fn below(&self, parent: &RelPath) -> RelPath {
        match (parent.is_here(), self.is_here()) {
            (true, _) => self.clone(),
            (_, true) => parent.clone(),
            _ => Self(format!("{}/{}", parent.0, self.0)),
        }
    }
}

impl Default for RelPath {
    fn default() -> Self {
        Self::here()
    }
}

impl TryFrom<String> for RelPath {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        let part = |part: &str| !part.is_empty() && part != "." && part != "..";
        let plain = !text.chars().any(|c| c.is_control() || c == '\\');
        if text == "." || (plain && text.len() <= LONGEST && text.split('/').all(part)) {
            Ok(Self(text))
        } else {
            Err(InvalidPath(text.chars().take(80).collect()))
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RelPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        const PATTERN: &str = concat!(
            r"^(?:\.|(?!\.{1,2}(?:/|$))[^/\\\u0000-\u001f\u007f-\u009f]+",
            r"(?:/(?!\.{1,2}(?:/|$))[^/\\\u0000-\u001f\u007f-\u009f]+)*)$"
        );
        let mut schema = crate::schema::word::text("`.` or `a/b/c`, relative and without `..`.", PATTERN);
        schema.insert("maxLength".to_owned(), LONGEST.into());
        schema
    }
}

impl std::str::FromStr for RelPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        text.to_owned().try_into()
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> String {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_stay_inside() {
        for good in [".", "a", "a/b", "crates/core", ".hidden", "with space", "ä"] {
            assert!(good.parse::<RelPath>().is_ok(), "{good}");
        }
        for bad in ["", "/a", "..", "a/..", "../a", "a//b", "a/", "./a", "a\\b", "a\0", "a\nb"] {
            assert!(bad.parse::<RelPath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn joining() {
        let path = |text: &str| text.parse::<RelPath>().unwrap();
        assert_eq!(path("b").below(&path("a")), path("a/b"));
        assert_eq!(path(".").below(&path("a")), path("a"));
        assert_eq!(path("b").below(&path(".")), path("b"));
    }
}
