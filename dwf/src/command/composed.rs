//! What dwf composes for a project that has no Dockerfile, as far as its commands need it.

use std::collections::BTreeSet;

use devflow_oci::ImageRef;

use crate::error::Error;
use crate::plan::Answers;
use crate::project::Project;

/// A composed image.
#[derive(Debug, Default)]
pub(super) struct Composed {
    /// Its Dockerfile.
    pub(super) dockerfile: Option<String>,
    /// The images that it begins with or copies from, as they are named before a digest is added.
    pub(super) images: BTreeSet<ImageRef>,
}

/// What is composed of the answers.
pub(super) fn composed(project: &Project, _answers: &Answers) -> Result<Composed, Error> {
    let base = project.config.file.image.base.as_ref().and_then(|base| base.get_ref().parse().ok());
    Ok(Composed { dockerfile: None, images: base.into_iter().collect() })
}
