//! What is known of an action's latest run.

use std::collections::BTreeMap;

use devflow_oci::hash::sha256_framed;
use serde::{Deserialize, Serialize};

/// The form of a record; another one is no record.
pub(super) const VERSION: u32 = 1;

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) version: u32,
    /// The action's full name.
    pub(super) action: String,
    pub(super) state: State,
}

/// The part of a record that every version has.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) version: u32,
}

/// How far the latest run came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It began, and nobody wrote down its end.
    Started,
    /// It failed.
    Failed,
    /// dwf stopped it.
    Stopped,
    /// It succeeded, but this input was another at its end.
    Changed(String),
    /// It succeeded.
    Passed(Box<Success>),
}

/// A success, and what it depended on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Success {
    /// The dwf run that it was part of.
    pub(super) run: String,
    /// What the action and its environment were, as the user would name it.
    pub(super) key: BTreeMap<String, String>,
    /// The digest of its input files.
    pub(super) inputs: String,
    /// What its needs had made.
    pub(super) needs: BTreeMap<String, String>,
    /// What it left behind.
    pub(super) outputs: BTreeMap<String, Left>,
}

/// What is at the place of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// Files, by the digest of their content.
    Files(String),
    /// A cache's folder. What is in it changes with every use, so it is known by its birth.
    Folder {
        device: u64,
        inode: u64,
        /// Nanoseconds since 1970.
        born: u64,
        /// What it held, without hidden entries.
        names: Vec<String>,
    },
}

impl Left {
    /// Whether an output that was `self` is still there.
    pub(super) fn still(&self, now: &Self) -> bool {
        match (self, now) {
            (
                Self::Folder { device, inode, born, names },
                Self::Folder { device: d, inode: i, born: b, names: n },
            ) => (device, inode, born) == (d, i, b) && names.iter().all(|name| n.contains(name)),
            _ => self == now,
        }
    }
}

/// What those that need an action compare: its files, or else that it was this very run.
pub(super) fn made(outputs: &BTreeMap<String, Left>, run: &str) -> String {
    let files = |(name, left): (&String, &Left)| match left {
        Left::Files(digest) => Some([name.clone(), digest.clone()]),
        Left::Nothing | Left::Folder { .. } => None,
    };
    let files: Option<Vec<[String; 2]>> = outputs.iter().map(files).collect();
    match files {
        Some(files) if !files.is_empty() => format!("files:{}", sha256_framed(files.concat())),
        _ => format!("run:{run}"),
    }
}
