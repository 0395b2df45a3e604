//! Why there is no image.

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
    /// Images that should have gone are still there.
    #[error("{} cannot be removed", match .0.len() { 1 => "an image".to_owned(), many => format!("{many} images") })]
    Stuck(Vec<String>),
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
            _ => Exit::Engine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Absent { tried, .. } => {
                Some(tried.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
            }
            Self::Stuck(lines) => {
                Some(lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
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
