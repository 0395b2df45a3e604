//! What dwf and the runner say to each other: one JSON object a line, framed as the protocol is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of this wire; both sides come from one release, so it must be equal.
pub const VERSION: u32 = 2;

/// dwf to the runner. The end of input ends every action and then the runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Start an action.
    Start(Start),
    /// End one action: SIGTERM to its group, SIGKILL after the grace.
    Cancel {
        /// Which.
        id: u32,
        /// Milliseconds between the two signals.
        grace_ms: u64,
    },
}

/// An action to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Chosen by dwf, never used twice in a session.
    pub id: u32,
    /// Ways of doing it: the first whose `when` is found on its PATH; the last has none.
    pub choices: Vec<Choice>,
    /// Milliseconds after which the action is ended.
    pub timeout_ms: Option<u64>,
    /// Milliseconds between SIGTERM and SIGKILL when the time is over.
    pub grace_ms: u64,
    /// What this action may see, and no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
}

/// A value, and where its action looks for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Where.
    pub place: Place,
    /// What.
    pub value: String,
}

/// Where an action looks for a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In a variable of this name.
    Variable(String),
    /// In a file with this absolute path, which is there while the action is.
    File(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: ***", self.place)
    }
}

/// One way of doing an action, with every placeholder filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// A program that must be found.
    pub when: Option<String>,
    /// Run one after the other; the first failure ends the action.
    pub steps: Vec<Step>,
    /// Absolute working directory.
    pub cwd: String,
    /// Set on top of the runner's own environment; `null` takes away.
    pub env: BTreeMap<String, Option<String>>,
    /// Folders put in front of the runner's `PATH`.
    pub path: Vec<String>,
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// A name looked up on the action's PATH, or a path relative to `cwd`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// The runner to dwf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The runner is there, and where dwf means it to be; nothing is started before.
    Hello {
        /// [`VERSION`].
        version: u32,
    },
    /// Another kernel runs here, so the folder's numbers prove nothing: dwf is to make its mark in it.
    Unsure,
    /// This is not the folder that dwf means; the runner ends.
    Elsewhere,
    /// An action runs now.
    Started {
        /// Which.
        id: u32,
        /// Index of the choice that was taken.
        choice: usize,
    },
    /// An action wrote something.
    Output {
        /// Which.
        id: u32,
        /// Where to.
        stream: Stream,
        /// What; pieces of at most 64 KiB.
        data: Data,
    },
    /// An action ended, all of its output has been sent.
    Ended {
        /// Which.
        id: u32,
        /// How.
        end: End,
        /// Index of the step that ended it.
        step: usize,
        /// Processor time of all its processes that were waited for, in milliseconds.
        cpu_ms: u64,
        /// Peak resident memory of its largest process, in KiB.
        peak_kib: u64,
    },
}

/// A stream of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Output, exactly as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// Valid UTF-8.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It exited; 0 is success.
    Exit(i32),
    /// A signal that dwf did not ask for ended it.
    Signal(i32),
    /// The kernel ended it, or something of it, because the container's memory was used up.
    OutOfMemory,
    /// Its time was over. This wins over any exit code.
    TimedOut,
    /// dwf cancelled it. This wins over any exit code.
    Cancelled,
    /// A program could not be started.
    NotStarted {
        /// Its name.
        program: String,
        /// Why.
        reason: String,
        /// Whether it is because there is no such program.
        missing: bool,
    },
}
