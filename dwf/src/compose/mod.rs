//! The composed image: what all stacks say that they need, as the text of one Dockerfile.
//!
//! Invariant: pure. The same answers and configuration give the same text, a part of it for each stack, which depends on
//! that stack alone; nothing that an extension says can become more than the word it stands for.

mod base;
mod error;
mod option;
mod part;
mod places;
mod quote;
mod text;
mod word;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use devflow_oci::ImageRef;
use devflow_protocol::path::RelPath;

use crate::config::ImageSection;
use crate::plan::Described;

pub use error::{Asker, ComposeError};

/// What an image is composed of.
pub struct Wishes<'a> {
    /// What the extensions said.
    pub described: &'a [Described],
    /// What devflow.toml says.
    pub section: &'a ImageSection,
    /// The digest (`sha256:…`) that an image of this name is pinned to.
    pub pinned: &'a dyn Fn(&str) -> Option<String>,
}

/// A Dockerfile that stands in no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// Its text.
    pub text: String,
    /// The files of the project that it copies, relative to the root; it needs no other context.
    pub files: BTreeSet<RelPath>,
    /// The images that it begins with and copies from, as one would pin them.
    pub images: BTreeSet<ImageRef>,
    /// The stacks that it was composed for.
    pub stacks: BTreeSet<String>,
}

/// Composes the image; `None` where no stack says what it needs, and devflow.toml names no base.
pub fn compose(wishes: &Wishes<'_>) -> Result<Option<Composed>, ComposeError> {
    let mut chosen = Vec::new();
    for described in wishes.described {
        if let Some(image) = &described.result.image {
            let asker = Asker::Stack(described.stack.clone(), described.member.clone());
            let option = option::choose(&asker, image, wishes.section)?;
            chosen.push(option::Chosen {
                asker,
                stack: &described.stack,
                member: &described.member,
                image,
                option,
            });
        }
    }
    // The order in which they were asked is of no meaning.
    chosen.sort_by(|a, b| (a.stack, a.member).cmp(&(b.stack, b.member)));
    let Some(base) = base::choose(&chosen, wishes.section)? else { return Ok(None) };
    let packages = word::packages(&chosen, wishes.section)?;
    places::check(&chosen)?;
    let parts = part::parts(&chosen)?;
    let images = std::iter::once(&base).chain(parts.iter().flat_map(|part| part.images()));
    Ok(Some(Composed {
        images: images.filter(|image| image.digest().is_none()).cloned().collect(),
        files: parts.iter().flat_map(|part| part.files()).collect(),
        stacks: parts.iter().map(|part| part.stack.to_string()).collect(),
        text: text::dockerfile(&base, &packages, &parts, wishes.pinned)?,
    }))
}
