//! One input of a fingerprint, and how two lists of them differ.
//!
//! Invariant: a record says the same on every machine: no absolute path, no time, no owner.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A path that was asked for and is not there.
    Absent,
    /// A regular file.
    File,
    /// A symbolic link; its content is the text of its target.
    Symlink,
    /// A text that is in no file.
    Text,
}

impl Kind {
    /// The byte that stands for it in the digest. In the order of the kinds.
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Absent => b'a',
            Self::File => b'f',
            Self::Symlink => b'l',
            Self::Text => b't',
        }
    }
}

/// One input. The order of records is that of the bytes of their paths, then of their kinds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// Relative to the project's root, `/`-separated; a text's name.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Whether its owner may run it.
    pub exec: bool,
    /// The SHA-256 of its content; `None` where it is absent.
    pub sha256: Option<String>,
}

/// `file  x e3b0c442… path`, a line of `--explain`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Absent => "absent",
            Kind::File => "file",
            Kind::Symlink => "symlink",
            Kind::Text => "text",
        };
        let exec = if self.exec { 'x' } else { '-' };
        let sha256 = self.sha256.as_deref().unwrap_or("-");
        write!(f, "{kind:<7} {exec} {sha256:<64} {}", self.path.escape_debug())
    }
}

/// How one input differs between two fingerprints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the second has it.
    Added(Record),
    /// Only the first has it.
    Removed(Record),
    /// Both have it, differently.
    Changed {
        /// As the first has it.
        from: Record,
        /// As the second has it.
        to: Record,
    },
}

/// `+ path`, `- path` or `~ path: what`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(record) => write!(f, "+ {}", record.path.escape_debug()),
            Self::Removed(record) => write!(f, "- {}", record.path.escape_debug()),
            Self::Changed { from, to } => {
                let what = match (from.kind == to.kind, from.sha256 == to.sha256) {
                    (false, _) => "kind",
                    (true, false) => "content",
                    (true, true) => "permission to run",
                };
                write!(f, "~ {}: {what}", to.path.escape_debug())
            }
        }
    }
}

/// What makes the second list another than the first.
#[must_use]
pub fn diff(from: &[Record], to: &[Record]) -> Vec<Change> {
    // A text and a file may have one name; a file that became a link is one that changed.
    let key = |record: &Record| (record.path.clone(), record.kind == Kind::Text);
    let by_path =
        |records: &[Record]| records.iter().map(|r| (key(r), r.clone())).collect::<BTreeMap<_, _>>();
    let (mut before, after) = (by_path(from), by_path(to));
    let mut changes: Vec<Change> = Vec::new();
    for (key, to) in after {
        match before.remove(&key) {
            None => changes.push(Change::Added(to)),
            Some(from) if from != to => changes.push(Change::Changed { from, to }),
            Some(_) => {}
        }
    }
    changes.extend(before.into_values().map(Change::Removed));
    changes.sort_by(|a, b| path(a).cmp(path(b)));
    changes
}

fn path(change: &Change) -> &str {
    match change {
        Change::Added(record) | Change::Removed(record) | Change::Changed { to: record, .. } => &record.path,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Record, diff};

    fn record(path: &str, kind: Kind, exec: bool, sha256: &str) -> Record {
        Record { path: path.to_owned(), kind, exec, sha256: Some(sha256.to_owned()) }
    }

    #[test]
    fn differences() {
        let from = [
            record("a", Kind::File, false, "1"),
            record("b", Kind::File, false, "1"),
            record("c", Kind::File, false, "1"),
            record("d", Kind::File, false, "1"),
            record("e", Kind::File, false, "1"),
            record("e", Kind::Text, false, "1"),
        ];
        let to = [
            record("a", Kind::File, false, "1"),
            record("b", Kind::File, false, "2"),
            record("c", Kind::File, true, "1"),
            record("d", Kind::Symlink, false, "1"),
            record("e", Kind::Text, false, "1"),
            record("f\n", Kind::File, false, "1"),
        ];
        let lines: Vec<_> = diff(&from, &to).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["~ b: content", "~ c: permission to run", "~ d: kind", "- e", "+ f\\n"]);
        assert!(diff(&to, &to).is_empty());
    }

    #[test]
    fn lines() {
        let line = record("bin/x", Kind::File, true, "12").to_string();
        assert_eq!(line, format!("file    x 12{} bin/x", " ".repeat(62)));
    }
}
