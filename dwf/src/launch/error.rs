//! Why an extension is not started.

use std::path::PathBuf;

use devflow_protocol::name::ExtensionName;

use crate::discover::Found;
use crate::error::{Exit, Explain};
use crate::store::StoreError;

/// Why an extension is not started.
#[derive(Debug, thiserror::Error)]
#[error("extension `{name}` ({}) {reason}", .path.display())]
pub struct LaunchError {
    /// Its name.
    pub name: ExtensionName,
    /// Its file.
    pub path: PathBuf,
    /// Why.
    pub reason: Reason,
}

impl LaunchError {
    pub(super) fn new(found: &Found, reason: Reason) -> Self {
        Self { name: found.name.clone(), path: found.path.clone(), reason }
    }
}

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// Others could change it.
    #[error("{0}")]
    Unsafe(&'static str),
    /// It is not what was pinned.
    #[error("is not what devflow.lock pins")]
    Changed {
        /// The hash of what was pinned.
        pinned: String,
        /// The hash of what is there.
        found: String,
    },
    /// It is neither a program nor a script.
    #[error("could not be started: it is no program for this machine, and has no #! line")]
    NoProgram,
    /// Its `#!` line cannot be followed.
    #[error("could not be started: its #! line {0}")]
    Line(String),
    /// Its interpreter cannot be had.
    #[error("could not be started: the interpreter that it names {0}")]
    Interpreter(String),
    /// Its verified copy cannot be kept.
    #[error("could not be started: {}", whole(.0))]
    Store(#[from] StoreError),
}

impl Explain for LaunchError {
    fn exit(&self) -> Exit {
        match &self.reason {
            Reason::Changed { .. } | Reason::Unsafe(_) => Exit::Refused,
            Reason::Store(error) => error.exit(),
            Reason::Read(_) | Reason::NoProgram | Reason::Line(_) | Reason::Interpreter(_) => Exit::Extension,
        }
    }

    fn detail(&self) -> Option<String> {
        match &self.reason {
            Reason::Changed { pinned, found } => {
                Some(format!("  pinned  sha256:{pinned}\n  found   sha256:{found}"))
            }
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match &self.reason {
            Reason::Changed { .. } => Some(format!(
                "if the change is meant, look at it and move the pin: dwf ext update {}",
                self.name
            )),
            Reason::Store(error) => error.hint(),
            Reason::Interpreter(_) => Some(
                "in the #! line, name the interpreter itself, as in #!/usr/bin/env NAME with NAME in a folder of \
                 PATH outside the project"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn whole(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
