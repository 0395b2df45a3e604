//! What an extension did wrong.

use std::path::PathBuf;

use devflow_protocol::client::ClientError;
use devflow_protocol::name::ExtensionName;

use crate::error::{Exit, Explain};

/// What an extension did wrong.
#[derive(Debug, thiserror::Error)]
#[error("extension `{name}` ({}) {problem}", .path.display())]
pub struct ExtensionError {
    /// Its name.
    pub name: ExtensionName,
    /// Its file.
    pub path: PathBuf,
    /// What it did.
    pub problem: Problem,
    /// What it was asked about, when it was more than its name.
    pub asked: Option<String>,
    /// How it ended, when it did.
    pub ending: Option<String>,
    /// The last lines it wrote to standard error.
    pub last_words: Vec<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It did not start.
    #[error("could not be started: {}", start_reason(.0))]
    Start(#[source] std::io::Error),
    /// It gave no usable answer.
    #[error("{}", client(.0))]
    Client(ClientError),
    /// It gave an answer that fits the protocol and still makes no sense.
    #[error("gave a wrong answer to {method}: {reason}")]
    Answer {
        /// The request.
        method: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// It calls itself something else.
    #[error("says its name is `{0}`")]
    Name(String),
    /// Its version is not one of those that devflow.toml allows.
    #[error("has version {found}, and devflow.toml allows {allowed}")]
    Version {
        /// Its version.
        found: String,
        /// The range.
        allowed: String,
    },
}

impl Problem {
    /// Whether the problem is that it ended.
    pub(super) fn is_an_end(&self) -> bool {
        use ClientError::{Closed, Io, Torn};

        matches!(self, Self::Client(Closed | Torn { .. } | Io { .. }))
    }
}

fn client(error: &ClientError) -> String {
    match error {
        ClientError::Answer { .. } => format!("says: {error}"),
        other => other.to_string(),
    }
}

/// Why a program did not start, in words.
pub fn start_reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) if code == nix::errno::Errno::ENOEXEC as i32 => {
            "it is no program for this machine, and has no #! line".to_owned()
        }
        Some(code) if code == nix::errno::Errno::ENOENT as i32 => {
            "the interpreter that it names does not exist".to_owned()
        }
        _ => error.to_string(),
    }
}

impl Explain for ExtensionError {
    fn exit(&self) -> Exit {
        Exit::Extension
    }

    fn detail(&self) -> Option<String> {
        let mut lines = Vec::new();
        if let Some(asked) = &self.asked {
            lines.push(format!("it was asked about {asked}"));
        }
        if let Some(ending) = &self.ending {
            lines.push(format!("it {ending}"));
        }
        if !self.last_words.is_empty() {
            lines.push("its last words:".to_owned());
            lines.extend(self.last_words.iter().map(|line| format!("  {line}")));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::Client(ClientError::Timeout { .. }) => Some(
                "a slow machine may need more: [extensions] initialize_timeout and request_timeout in your own \
                 configuration"
                    .to_owned(),
            ),
            Problem::Client(ClientError::Answer { data, .. }) => data.help.clone(),
            _ => None,
        }
    }
}
