//! Conversations with extensions as a file: one JSON object a line, `{"extension","to","message"}`,
//! or `line` in the place of `message` for a line that was no JSON.
//!
//! Invariant: what was said is kept as it was said; only replaying looks into it.

mod record;
mod replay;

pub use record::Recorder;
pub use replay::{Conversation, read};

use std::borrow::Cow;
use std::path::PathBuf;

use devflow_protocol::client::To;
use devflow_protocol::name::ExtensionName;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Exit, Explain};

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<'a> {
    extension: ExtensionName,
    to: To,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    message: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    line: Option<Cow<'a, str>>,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The file cannot be written.
    #[error("cannot record to {}", .0.display())]
    Write(PathBuf, #[source] std::io::Error),
    /// The file cannot be read.
    #[error("the recording {} cannot be read", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is no recording.
    #[error("{}:{line}: this is no line of a recording: {reason}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The extension is not in it, or it is one of several.
    #[error("the recording {} has no conversation {wanted}", .path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: String,
        /// Whose conversations it has.
        known: Vec<String>,
    },
}

impl Explain for TranscriptError {
    fn exit(&self) -> Exit {
        match self {
            Self::Write(..) => Exit::Machine,
            Self::Read(..) | Self::Line { .. } | Self::Name { .. } => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Write(..) => None,
            Self::Read(..) | Self::Line { .. } => {
                Some("record one with: dwf plan --trace-ext FILE".to_owned())
            }
            Self::Name { known, .. } if known.is_empty() => Some("it is empty".to_owned()),
            Self::Name { known, .. } => Some(format!("it has those of {}: --name NAME", known.join(", "))),
        }
    }
}
