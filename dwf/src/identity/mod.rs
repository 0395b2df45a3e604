//! The identity of the project's image: what its fingerprint is computed from, now and earlier.
//!
//! Invariant: it depends on the project's files, its configuration and the answers only.

mod memory;
mod needs;
pub mod revision;

use std::path::Path;

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::{FingerprintError, Inputs, literal};
use tokio::sync::oneshot;

use crate::config;
use crate::error::{Exit, Explain};
use crate::plan::Answers;
use crate::project::Project;

pub use memory::{Memory, MemoryError};
pub use needs::{HERE, Needs};

/// The Dockerfile that is used when it exists.
pub const DOCKERFILE: &str = "Dockerfile.devflow";

/// The fingerprint could not be computed.
#[derive(Debug, thiserror::Error)]
#[error("the fingerprint cannot be computed: {0}")]
pub struct IdentityError(FingerprintError);

impl Explain for IdentityError {
    fn exit(&self) -> Exit {
        match self.0 {
            FingerprintError::Unreadable { .. } => Exit::Machine,
            _ => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match &self.0 {
            FingerprintError::Unreadable { .. } => {
                "make it readable, or leave it out with a line in .gitignore"
            }
            FingerprintError::NotAFile { .. } | FingerprintError::NotUtf8(_) => {
                "leave it out with a line in .gitignore, or name fewer files in `fingerprint_inputs`"
            }
            FingerprintError::Pattern { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// The Dockerfile, relative to the project's root, when there is or should be one.
pub fn dockerfile(project: &Project) -> Option<String> {
    match &project.config.file.container.dockerfile {
        Some(path) => Some(path.get_ref().clone()),
        None => project.root.join(DOCKERFILE).symlink_metadata().is_ok().then(|| DOCKERFILE.to_owned()),
    }
}

/// What goes into the fingerprint of a project whose stacks have been described.
pub fn current(project: &Project, answers: &Answers) -> Inputs {
    inputs(&project.config.file, dockerfile(project), answers)
}

/// Computes a fingerprint on a thread of its own: signals are heard meanwhile, and end dwf without it.
pub async fn fingerprint(root: &Path, inputs: &Inputs) -> Result<Fingerprint, IdentityError> {
    let (tell, told) = oneshot::channel();
    let compute = {
        let (root, inputs) = (root.to_owned(), inputs.clone());
        move || tell.send(Fingerprint::compute(&root, &inputs))
    };
    // Where no thread can be had, or it came to no end, this one does it.
    let answer = match std::thread::Builder::new().name("fingerprint".to_owned()).spawn(compute) {
        Ok(_) => told.await.ok(),
        Err(_) => None,
    };
    answer.unwrap_or_else(|| Fingerprint::compute(root, inputs)).map_err(IdentityError)
}

fn inputs(file: &config::File, dockerfile: Option<String>, answers: &Answers) -> Inputs {
    let written = file.container.fingerprint_inputs.iter().map(|glob| glob.get_ref().clone());
    let mut patterns: Vec<String> = written.chain(dockerfile.as_deref().map(literal)).collect();
    for described in &answers.described {
        for glob in &described.result.fingerprint {
            patterns.push(match described.member.is_here() {
                true => glob.clone(),
                false => format!("{}/{glob}", literal(described.member.as_str())),
            });
        }
    }
    patterns.sort();
    patterns.dedup();
    let cache = file.cache.root.as_ref().map_or(crate::cache::DEFAULT, |root| root.get_ref());
    Inputs { patterns, exclude: vec![literal(cache)], ..Inputs::default() }
}
