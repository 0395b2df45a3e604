//! What the project's image is made from.

use std::collections::BTreeMap;

use devflow_oci::fingerprint::{Kind, literal};
use devflow_oci::{Fingerprint, ImageRef};
use devflow_protocol::path::RelPath;

use super::DOCKERFILE;
use crate::compose::{ComposeError, Composed, Wishes, compose};
use crate::config;
use crate::error::{Exit, Explain};
use crate::plan::Answers;

/// The name of a composed text among the inputs of a fingerprint.
const TEXT: &str = "Dockerfile";

/// A file that the image is made from, and that its fingerprint does not hold.
#[derive(Debug, thiserror::Error)]
#[error("the image copies {path}, which {reason}")]
pub struct UncoveredError {
    path: RelPath,
    reason: &'static str,
}

impl Explain for UncoveredError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(format!("an extension asks for it; or write a {DOCKERFILE}: then nothing is composed"))
    }
}

/// What the project's image is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A Dockerfile of the project, relative to its root.
    File(String),
    /// What its stacks need.
    Composed(Composed),
    /// It is named with a tag or digest of its own, and somebody else makes it.
    Named,
    /// Nothing says what.
    Nothing,
}

impl Origin {
    /// That of a project, or of one of its commits: with this configuration, and this Dockerfile if it has one.
    pub fn of(
        file: &config::File,
        dockerfile: Option<String>,
        answers: &Answers,
        pinned: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ComposeError> {
        let image = file.container.image.as_ref();
        let image = image.and_then(|image| image.get_ref().parse::<ImageRef>().ok());
        match dockerfile {
            Some(path) => Ok(Self::File(path)),
            None if image.is_some_and(|image| !image.is_bare()) => Ok(Self::Named),
            None => {
                let wishes = Wishes { described: &answers.described, section: &file.image, pinned };
                Ok(compose(&wishes)?.map_or(Self::Nothing, Self::Composed))
            }
        }
    }

    /// Fails where the fingerprint does not hold every file that a composed image copies.
    pub fn covered(&self, fingerprint: &Fingerprint) -> Result<(), UncoveredError> {
        let Self::Composed(composed) = self else { return Ok(()) };
        for file in &composed.files {
            let record = fingerprint.records.iter().find(|record| record.path == file.as_str());
            let reason = match record.map(|record| record.kind) {
                Some(Kind::File) => continue,
                Some(Kind::Symlink) => "is a symbolic link",
                Some(Kind::Absent) => "is not there",
                Some(Kind::Text) | None => "git ignores, so that no fingerprint would tell when it changes",
            };
            return Err(UncoveredError { path: file.clone(), reason });
        }
        Ok(())
    }

    /// The files of the project that it is made from, as patterns.
    pub(super) fn patterns(&self) -> Vec<String> {
        match self {
            Self::File(path) => vec![literal(path)],
            Self::Composed(composed) => composed.files.iter().map(|file| literal(file.as_str())).collect(),
            Self::Named | Self::Nothing => Vec::new(),
        }
    }

    /// What of it stands in no file.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        match self {
            Self::Composed(composed) => [(TEXT.to_owned(), composed.text.clone())].into(),
            _ => BTreeMap::new(),
        }
    }
}
