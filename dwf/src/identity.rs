//! The identity of the project's image: what its fingerprint is computed from.

use std::path::PathBuf;

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::{FingerprintError, Inputs};

use crate::error::{Exit, Explain};
use crate::plan::Answers;
use crate::project::Project;

/// The Dockerfile that is used when it exists.
pub const DOCKERFILE: &str = "Dockerfile.devflow";

/// The fingerprint could not be computed.
#[derive(Debug, thiserror::Error)]
#[error("the fingerprint cannot be computed: {0}")]
pub struct IdentityError(FingerprintError);

impl Explain for IdentityError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// The project's Dockerfile, relative to its root, when there is or should be one.
pub fn dockerfile(project: &Project) -> Option<String> {
    match &project.config.file.container.dockerfile {
        Some(path) => Some(path.get_ref().clone()),
        None => project.root.join(DOCKERFILE).symlink_metadata().is_ok().then(|| DOCKERFILE.to_owned()),
    }
}

/// The fingerprint of a project whose stacks have been described.
pub fn fingerprint(project: &Project, answers: &Answers) -> Result<Fingerprint, IdentityError> {
    Fingerprint::compute(&project.root, &inputs(project, answers)).map_err(IdentityError)
}

fn inputs(project: &Project, answers: &Answers) -> Inputs {
    let written = project.config.file.container.fingerprint_inputs.iter().map(|glob| glob.get_ref().clone());
    let mut patterns: Vec<String> = written.chain(dockerfile(project)).collect();
    for described in &answers.described {
        for glob in &described.result.fingerprint {
            patterns.push(match described.member.is_here() {
                true => glob.clone(),
                false => format!("{}/{glob}", globset::escape(described.member.as_str())),
            });
        }
    }
    patterns.sort();
    patterns.dedup();
    let cache = project.config.file.cache.root.as_ref().map_or(crate::cache::DEFAULT, |root| root.get_ref());
    let inside = PathBuf::from(cache);
    let exclude = if inside.is_absolute() { Vec::new() } else { vec![format!("{cache}/**")] };
    Inputs { patterns, exclude, ..Inputs::default() }
}
