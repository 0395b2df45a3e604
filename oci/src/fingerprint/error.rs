//! What can go wrong with a fingerprint, and what its author should know though nothing did.
//!
//! Invariant: each names one path or pattern, relative to the project's root.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// Why there is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FingerprintError {
    /// This file or folder cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// This pattern makes no sense.
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that matches and that no record can hold.
    NotUtf8(PathBuf),
    /// A socket, pipe or device.
    NotAFile {
        /// Which.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
}

impl FingerprintError {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.into(), reason: error.to_string() }
    }

    pub(super) fn pattern(pattern: &str, problem: impl Into<String>) -> Self {
        Self::Pattern { pattern: pattern.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, reason } => {
                write!(f, "cannot read the fingerprint's input {path:?}: {reason}")
            }
            Self::Pattern { pattern, problem } => write!(f, "the fingerprint's input {pattern:?} {problem}"),
            Self::NotUtf8(path) => write!(f, "the fingerprint's input {path:?} has a name that is not UTF-8"),
            Self::NotAFile { path, kind } => {
                write!(
                    f,
                    "the fingerprint's input {path:?} is {kind}, and only files and links can be inputs"
                )
            }
        }
    }
}

impl std::error::Error for FingerprintError {}

/// What the author of the inputs should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// A glob that matches no file.
    NoMatch(String),
    /// A path asked for that git would ignore; it is left out.
    Ignored(String),
    /// A path asked for that lies behind this symbolic link; it counts as absent.
    BehindLink(String, PathBuf),
    /// Another repository in a folder of a commit, which does not know that one's files.
    Module(PathBuf),
    /// A line of this file of ignore rules that git does not understand either.
    Rule(PathBuf, String),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch(glob) => write!(f, "the fingerprint's input {glob:?} matches no file"),
            Self::Ignored(path) => {
                write!(f, "the fingerprint's input {path:?} is ignored by git and is left out")
            }
            Self::BehindLink(path, link) => {
                write!(
                    f,
                    "the fingerprint's input {path:?} counts as absent: the symbolic link {link:?} is not followed"
                )
            }
            Self::Module(path) => {
                write!(
                    f,
                    "{path:?} is another repository, of which no file is in the fingerprint of a commit"
                )
            }
            Self::Rule(path, rule) => {
                write!(f, "{path:?} has the ignore rule {rule:?}, which makes no sense")
            }
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
