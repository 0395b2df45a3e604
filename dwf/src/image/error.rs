//! Why there is no image.

use std::path::PathBuf;

use crate::error::{Exit, Explain};
use crate::identity;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Its name is none.
    #[error("{text:?} is not the name of an image: {reason}")]
    Name {
        /// What was written.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// The engine did not answer.
    #[error("the engine could not be asked for image {name}: {reason}")]
    Ask {
        /// The image.
        name: String,
        /// What it says.
        reason: String,
    },
    /// Nothing worked.
    #[error("image {name} cannot be had")]
    Absent {
        /// The image.
        name: String,
        /// What was tried.
        tried: Vec<String>,
    },
    /// What a composed image is built from could not be laid out.
    #[error("what the image is built from cannot be written: {}", .0.display())]
    Layout(PathBuf, #[source] std::io::Error),
    /// The build failed.
    #[error("image {name} could not be built from {dockerfile}")]
    Build {
        /// The image.
        name: String,
        /// The Dockerfile.
        dockerfile: String,
        /// What the build said last.
        words: String,
    },
}

impl Explain for ImageError {
    fn exit(&self) -> Exit {
        match self {
            Self::Name { .. } => Exit::Usage,
            Self::Layout(..) => Exit::Machine,
            _ => Exit::Engine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Absent { tried, .. } => {
                Some(tried.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
            }
            Self::Build { words, .. } => Some(words.trim_end().to_owned()),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Absent { .. } => Some(format!(
                "write a {}, set `image` in [container], or run on this machine with: --profile host",
                identity::DOCKERFILE
            )),
            _ => None,
        }
    }
}
