//! Why no image can be composed.

use std::fmt;

use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use crate::config;
use crate::error::{Exit, Explain};

/// Who asks for something of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// A stack, in a member.
    Stack(ExtensionName, RelPath),
    /// devflow.toml.
    Project,
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack(stack, member) if member.is_here() => write!(f, "stack {stack}"),
            Self::Stack(stack, member) => write!(f, "stack {stack} in {member}"),
            Self::Project => f.write_str(config::FILE),
        }
    }
}

/// What somebody asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Wish {
    /// Who.
    pub by: Asker,
    /// For what.
    pub wants: String,
}

/// Why no image can be composed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ComposeError {
    /// An extension says something that cannot be put into an image.
    #[error("what {asker} says of its image cannot be used: {reason}")]
    Answer {
        /// Who.
        asker: Asker,
        /// What is wrong with it.
        reason: String,
    },
    /// Stacks that fit no common base.
    #[error("there is no base image for both: {} fits {}, {} fits {}", .0[0].by, .0[0].wants, .0[1].by, .0[1].wants)]
    Base(Box<[Wish; 2]>),
    /// A base that devflow.toml names and a stack does not fit.
    #[error("the base image {base} is not one that {asker} fits: {}", list(.fits))]
    Unfit {
        /// The base.
        base: String,
        /// Who does not fit.
        asker: Asker,
        /// What it fits.
        fits: Vec<String>,
    },
    /// Bases whose packages dwf cannot install.
    #[error("dwf does not know how to install packages on {}", list(.0))]
    Unknown(Vec<String>),
    /// No way is left.
    #[error("{asker} offers no way that `sources` allows: {}", if .offered.is_empty() { "none at all".to_owned() } else { list(.offered) })]
    Source {
        /// Who.
        asker: Asker,
        /// The sources that it offers.
        offered: Vec<String>,
    },
    /// Two wishes that cannot both come true.
    #[error("{what}: {} says {}, {} says {}", .wishes[0].by, .wishes[0].wants, .wishes[1].by, .wishes[1].wants)]
    Conflict {
        /// What they disagree about.
        what: String,
        /// The two.
        wishes: Box<[Wish; 2]>,
    },
    /// The lock pins an image to what is no digest.
    #[error("{image} is pinned to {digest:?}, which is no digest")]
    Digest {
        /// The image.
        image: String,
        /// What stands there.
        digest: String,
    },
}

impl ComposeError {
    /// Two wishes, each with whose it is, that cannot both come true.
    pub(super) fn conflict(what: String, first: (&Asker, String), second: (&Asker, String)) -> Self {
        Self::Conflict { what, wishes: both(first, second) }
    }

    /// Two stacks that fit no common base.
    pub(super) fn apart(first: (&Asker, &[String]), second: (&Asker, &[String])) -> Self {
        Self::Base(both((first.0, list(first.1)), (second.0, list(second.1))))
    }
}

fn both(first: (&Asker, String), second: (&Asker, String)) -> Box<[Wish; 2]> {
    Box::new([first, second].map(|(by, wants)| Wish { by: by.clone(), wants }))
}

fn list(words: &[String]) -> String {
    words.join(", ")
}

impl Explain for ComposeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Answer { .. } | Self::Base(_) => Exit::Extension,
            Self::Conflict { wishes, .. } => match wishes.iter().any(|wish| wish.by == Asker::Project) {
                true => Exit::Usage,
                false => Exit::Extension,
            },
            Self::Unfit { .. } | Self::Unknown(_) | Self::Source { .. } | Self::Digest { .. } => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        const OWN: &str = "write a Dockerfile.devflow: then nothing is composed";
        Some(match self {
            Self::Answer { .. } => return None,
            Self::Base(_) | Self::Conflict { .. } => OWN.to_owned(),
            Self::Unfit { fits, .. } => format!(
                "a base of your own has to be one of these and be named like it: registry.example/any/{}",
                fits.first().map_or("NAME:TAG", String::as_str)
            ),
            Self::Unknown(_) => format!("it knows debian and ubuntu; or {OWN}"),
            Self::Source { .. } => format!("allow another one in [image] sources, or {OWN}"),
            Self::Digest { .. } => "pin it anew: dwf image refresh".to_owned(),
        })
    }
}
