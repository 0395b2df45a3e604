//! Why nothing was written, or not all of it.

use std::io;
use std::path::PathBuf;

use crate::error::{Exit, Explain};

/// Why nothing was written, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum InitError {
    /// What is there cannot be looked at, or is something else than a file.
    #[error("{0} is there, and is not a file that dwf can read; nothing was written")]
    There(String, #[source] io::Error),
    /// The folder cannot be written to.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl Explain for InitError {
    fn exit(&self) -> Exit {
        match self {
            Self::There(_, error) if error.kind() == io::ErrorKind::PermissionDenied => Exit::Machine,
            Self::There(..) => Exit::Usage,
            Self::Write(..) => Exit::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::There(name, error) if error.kind() == io::ErrorKind::InvalidInput => {
                Some(format!("dwf follows no link here: make {name} a file of its own, or remove it"))
            }
            _ => None,
        }
    }
}
