//! Why bytes could not be brought here.

use crate::error::{Exit, Explain};
use crate::store::{Mismatch, StoreError};

/// Why bytes could not be brought here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file or folder cannot be read.
    #[error("{source_shown} cannot be used")]
    Read {
        /// Where they come from.
        source_shown: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A server did not give them.
    #[error("{url} cannot be fetched: {reason}")]
    Http {
        /// The address.
        url: String,
        /// Why.
        reason: String,
        /// Whether the server says that there is nothing at this address.
        absent: bool,
    },
    /// An archive holds what no archive of an extension may hold, or none can be read.
    #[error("the archive {source_shown} is refused: {reason}")]
    Archive {
        /// Where it comes from.
        source_shown: String,
        /// Why.
        reason: String,
    },
    /// Nobody can tell which file is the program.
    #[error("{source_shown}: {reason}")]
    Program {
        /// Where they come from.
        source_shown: String,
        /// Why.
        reason: String,
    },
    /// They are not those that were pinned.
    #[error(transparent)]
    Mismatch(#[from] Box<Mismatch>),
    /// They cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificates that the user named cannot be used.
    #[error("SSL_CERT_FILE names {path}, which has no usable certificates")]
    Certificates {
        /// The file.
        path: String,
    },
}

impl FetchError {
    /// Whether the server says that there is nothing at this address.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Http { absent: true, .. })
    }
}

impl Explain for FetchError {
    fn exit(&self) -> Exit {
        match self {
            Self::Read { .. } | Self::Http { .. } | Self::Certificates { .. } => Exit::Machine,
            Self::Archive { .. } => Exit::Refused,
            Self::Program { .. } => Exit::Usage,
            Self::Mismatch(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Mismatch(error) => error.detail(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Mismatch(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Program { .. } => Some(
                "say it: dwf ext pin --name NAME, and --entry PATH inside an archive or folder".to_owned(),
            ),
            _ => None,
        }
    }
}
