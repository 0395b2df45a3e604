//! Why a lock cannot be used.

use std::path::PathBuf;

use super::{FILE, VERSION};
use crate::config::Diagnostic;
use crate::error::{Exit, Explain};

/// Why a lock cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read.
    #[error("{FILE} cannot be read")]
    Read(#[source] std::io::Error),
    /// It is not UTF-8.
    #[error("{FILE} is not UTF-8 text")]
    Encoding,
    /// Somebody merged and did not finish.
    #[error("{FILE} has an unresolved merge conflict")]
    Conflict(Box<Diagnostic>),
    /// It has another version than this dwf knows.
    #[error("{}", .0.message())]
    Version(Box<Diagnostic>),
    /// Something in it is wrong.
    #[error("{}", .0.message())]
    Content(Box<Diagnostic>),
    /// It cannot be written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] std::io::Error),
}

impl Explain for LockError {
    fn exit(&self) -> Exit {
        match self {
            // What a newer dwf wrote may say more than this one can verify.
            Self::Version(_) => Exit::Refused,
            Self::Write(..) => Exit::Machine,
            Self::Read(_) | Self::Encoding | Self::Conflict(_) | Self::Content(_) => Exit::Usage,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Conflict(diagnostic) | Self::Version(diagnostic) | Self::Content(diagnostic) => {
                Some(diagnostic.shown())
            }
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict(_) => Some(
                "take one side (git checkout --ours devflow.lock), and pin again what the other side changed: \
                 dwf ext pin"
                    .to_owned(),
            ),
            Self::Version(_) => Some(format!("this dwf knows version {VERSION}; a newer dwf may know more")),
            _ => None,
        }
    }
}
