//! Which of its ways a stack takes.

use devflow_protocol::message::{Image, ImageOption};
use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use super::error::{Asker, ComposeError};
use crate::config::{ImageSection, ImageSource};

/// The sources of a project that lists none, the best first. An extension offers the distribution only where that has what
/// the project asks for, and it is the least: one image to begin with and to pin, whose updates are the distribution's.
const DEFAULT: [ImageSource; 2] = [ImageSource::Distribution, ImageSource::Images];

/// What one stack in one member needs.
pub(super) struct Chosen<'a> {
    pub(super) asker: Asker,
    pub(super) stack: &'a ExtensionName,
    pub(super) member: &'a RelPath,
    pub(super) image: &'a Image,
    pub(super) option: &'a ImageOption,
}

impl Chosen<'_> {
    /// Says what is wrong with the answer.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> ComposeError {
        ComposeError::Answer { asker: self.asker.clone(), reason: reason.into() }
    }
}

/// The stack's first way from the best source that it offers and the project allows.
pub(super) fn choose<'a>(
    asker: &Asker,
    image: &'a Image,
    section: &ImageSection,
) -> Result<&'a ImageOption, ComposeError> {
    let mut sources = Vec::new();
    for option in &image.options {
        sources.push(match option.source.as_str() {
            "images" => ImageSource::Images,
            "distribution" => ImageSource::Distribution,
            other => {
                let reason = format!("{other:?} is no source: it is `images` or `distribution`");
                return Err(ComposeError::Answer { asker: asker.clone(), reason });
            }
        });
    }
    let allowed: Vec<ImageSource> = match &section.sources {
        Some(listed) => listed.iter().map(|source| *source.get_ref()).collect(),
        None => DEFAULT.to_vec(),
    };
    let at = allowed.iter().find_map(|best| sources.iter().position(|source| source == best));
    at.and_then(|at| image.options.get(at)).ok_or_else(|| ComposeError::Source {
        asker: asker.clone(),
        offered: image.options.iter().map(|option| option.source.clone()).collect(),
    })
}
