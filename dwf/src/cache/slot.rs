//! The places below a cache root where something of dwf's may be.

use std::fmt;
use std::path::Path;

use devflow_protocol::name::CacheName;

/// The place of one entry. Everything else below a cache root is not dwf's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// `<name>`: downloads.
    Shared(CacheName),
    /// `env/<key>/<name>`: build products of one environment.
    Environment(String, CacheName),
    /// `tmp/<run>`: what a run wrote over read-only downloads.
    Layers(String),
}

impl Slot {
    /// The slot at a path relative to the root.
    pub fn at(path: &Path) -> Option<Self> {
        Self::parse(path.to_str()?, '/')
    }

    /// The slot whose files are named so.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::parse(id, '+')
    }

    fn parse(text: &str, between: char) -> Option<Self> {
        let parts: Vec<&str> = text.split(between).collect();
        match parts.as_slice() {
            ["env", key, name] if is_hex(key, 16) => {
                Some(Self::Environment((*key).to_owned(), name.parse().ok()?))
            }
            ["tmp", run] if is_hex(run, 12) => Some(Self::Layers((*run).to_owned())),
            [name] => Some(Self::Shared(name.parse().ok()?)),
            _ => None,
        }
    }

    /// The folders that lead to it, itself the last.
    pub fn parts(&self) -> Vec<&str> {
        match self {
            Self::Shared(name) => vec![name.as_str()],
            Self::Environment(key, name) => vec!["env", key, name.as_str()],
            Self::Layers(run) => vec!["tmp", run],
        }
    }

    /// What its files are called. No name of a cache holds a `+`.
    pub fn id(&self) -> String {
        self.parts().join("+")
    }

    /// How far it is shared.
    pub fn scope(&self) -> &'static str {
        match self {
            Self::Shared(_) => "shared",
            Self::Environment(..) => "environment",
            Self::Layers(_) => "run",
        }
    }
}

/// The path relative to the root.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join("/"))
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
