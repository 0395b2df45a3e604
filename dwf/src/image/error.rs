//! Why there is no image.

use std::path::PathBuf;

use devflow_oci::bake::BakeError;
use devflow_oci::registry::Trouble;

use crate::error::{Exit, Explain};
use crate::identity;

/// Why there is no image, or why it went nowhere.
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
    /// What it is built from cannot be used.
    #[error("the image cannot be built from {path}: {reason}")]
    File {
        /// The file, relative to the project.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bake file cannot be used.
    #[error("docker-bake.hcl cannot be used: {0}")]
    Bake(BakeError),
    /// What a composed image is built from could not be laid out.
    #[error("what the image is built from cannot be written: {}", .0.display())]
    Layout(PathBuf, #[source] std::io::Error),
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
        /// Whether the disk is full.
        full: bool,
    },
    /// What it was built from is not what it was built for any more.
    #[error("image {name} was built while its files changed, and has lost its name again")]
    Changed {
        /// The image.
        name: String,
    },
    /// The registry did not do what was asked.
    #[error("image {name} could not be {done}: {trouble}")]
    Registry {
        /// The image.
        name: String,
        /// `pulled` or `pushed`.
        done: &'static str,
        /// Why.
        trouble: Trouble,
        /// What the engine's client said.
        words: String,
    },
    /// It has no registry.
    #[error("the image {name} has no registry in its name, so there is nowhere to {what} it")]
    NoRegistry {
        /// The image.
        name: String,
        /// `pull` or `push`.
        what: &'static str,
    },
    /// Its tag is not the fingerprint.
    #[error("the image {name} has a tag or digest of its own; dwf makes only what a fingerprint names")]
    Foreign {
        /// The image.
        name: String,
    },
    /// The engine has none of the files as they are.
    #[error("{engine} has no image of the project's files as they are, which would be {name}")]
    Unbuilt {
        /// The image.
        name: String,
        /// The engine.
        engine: String,
    },
    /// It is not what the files are.
    #[error("the image {name} is not what the project's files say: {reason}")]
    Stale {
        /// The image.
        name: String,
        /// How that can be told.
        reason: String,
    },
}

impl Explain for ImageError {
    fn exit(&self) -> Exit {
        match self {
            Self::Name { .. } | Self::File { .. } | Self::NoRegistry { .. } => Exit::Usage,
            Self::Bake(BakeError::Syntax(_)) => Exit::Usage,
            Self::Bake(BakeError::Refused { .. }) => Exit::Refused,
            Self::Foreign { .. } | Self::Unbuilt { .. } | Self::Stale { .. } => Exit::Refused,
            Self::Build { full: true, .. } | Self::Registry { trouble: Trouble::NoSpace, .. } => {
                Exit::Machine
            }
            Self::Layout(..) => Exit::Machine,
            Self::Ask { .. } | Self::Absent { .. } | Self::Build { .. } => Exit::Engine,
            Self::Changed { .. } | Self::Registry { .. } | Self::Stuck(_) => Exit::Engine,
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
            Self::Registry { words, .. } if !words.is_empty() => Some(format!("  {words}")),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Absent { .. } => format!(
                "write a {}, set `image` in [container], or run on this machine with: --profile host",
                identity::DOCKERFILE
            ),
            Self::Build { full: true, .. } | Self::Registry { trouble: Trouble::NoSpace, .. } => {
                "make room, for example with: dwf image prune".to_owned()
            }
            Self::Bake(BakeError::Refused { .. }) => {
                "take it away, or put it into a target of its own that inherits this one".to_owned()
            }
            Self::Changed { .. } => "build it again when nothing changes them any more".to_owned(),
            Self::NoRegistry { .. } => {
                "set `image` in [container] to a repository of a registry, such as ghcr.io/acme/shop-ci"
                    .to_owned()
            }
            Self::Unbuilt { .. } => "build it first: dwf image build".to_owned(),
            Self::Stale { .. } => "build it: dwf image build --force".to_owned(),
            Self::Registry { trouble, .. } => return trouble_hint(*trouble),
            _ => return None,
        };
        Some(hint)
    }
}

fn trouble_hint(trouble: Trouble) -> Option<String> {
    let hint = match trouble {
        Trouble::Denied => "log in with the engine's own client: `docker login`, or `podman login`",
        Trouble::Missing => "build it and send it there: dwf image build, then dwf image push",
        Trouble::Unreachable => "is the name of the registry right, and can this machine reach it?",
        Trouble::Corrupt => "tell whoever runs the registry; nothing of it was kept",
        Trouble::Platform => "build it here: dwf image build",
        Trouble::NoSpace | Trouble::Other => return None,
    };
    Some(hint.to_owned())
}
