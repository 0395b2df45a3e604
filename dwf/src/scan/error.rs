//! Why an image could not be scanned.

use std::io;
use std::path::PathBuf;

use devflow_oci::ContainerError;
use devflow_oci::scan::{self, ReportError};
use devflow_oci::user::UserError;

use crate::error::{Exit, Explain};

/// Why an image could not be scanned. None of them is a pass.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The engine did not answer.
    #[error("the engine could not be asked for image {name}: {reason}")]
    Ask {
        /// The image.
        name: String,
        /// What it says.
        reason: String,
    },
    /// There is no image to scan.
    #[error("image {0} is not there")]
    Absent(String),
    /// The file of accepted findings cannot be read.
    #[error("{} cannot be read", .0.display())]
    Ignored(PathBuf, #[source] io::Error),
    /// The report cannot be written to this file.
    #[error("the report cannot be written to {}: {}", .0.display(), .1)]
    Destination(PathBuf, &'static str),
    /// The folder for the archive and the report cannot be used.
    #[error("{} cannot be used to scan in", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// The engine did not hand the image out.
    #[error("image {name} could not be saved: {reason}")]
    Save {
        /// The image.
        name: String,
        /// What the engine says.
        reason: String,
    },
    /// Nothing scans.
    #[error(
        "there is no scanner: no `{}` on PATH, and its image {image} cannot be had: {reason}",
        scan::PROGRAM
    )]
    Missing {
        /// The image.
        image: String,
        /// The line that pulls it.
        pull: String,
        /// What the engine says.
        reason: String,
    },
    /// The scanner did not do its work.
    #[error("the scanner {scanner} broke: {how}")]
    Broke {
        /// Which.
        scanner: String,
        /// How it ended.
        how: String,
        /// What it said last.
        words: String,
    },
    /// The scanner left no report.
    #[error("the scanner left no report that can be read")]
    NoReport(#[source] io::Error),
    /// Its report cannot be believed.
    #[error("{0}")]
    Report(ReportError),
    /// The scanner's container cannot be made.
    #[error("{0}")]
    Container(ContainerError),
    /// The engine cannot map the user.
    #[error("{0}")]
    User(UserError),
    /// The report could not be written.
    #[error("the report could not be written to {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl Explain for ScanError {
    fn exit(&self) -> Exit {
        match self {
            Self::Ignored(..) | Self::Destination(..) => Exit::Usage,
            Self::Folder(..) | Self::Write(..) => Exit::Machine,
            _ => Exit::Engine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Broke { words, .. } if !words.is_empty() => Some(words.clone()),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Absent(_) => "make it be there: dwf image build".to_owned(),
            Self::Ignored(..) => format!("{} is a regular file in the project's root", scan::IGNORE_FILE),
            Self::Folder(..) => {
                "make room, or choose another cache root: DWF_CACHE_ROOT=/absolute/path".to_owned()
            }
            Self::Missing { pull, .. } => {
                format!("install Trivy, or let the engine have its image: {pull}")
            }
            Self::Broke { .. } => {
                "an image that was not scanned has not passed; the scanner needs its database, and for that the network"
                    .to_owned()
            }
            Self::NoReport(_) | Self::Report(ReportError::NotAReport(_) | ReportError::Version(_)) => {
                "use a Trivy that writes reports of schema version 2: 0.20 to 0.69 do".to_owned()
            }
            Self::Report(ReportError::Nothing) => {
                "use an image of a distribution that Trivy knows".to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}
