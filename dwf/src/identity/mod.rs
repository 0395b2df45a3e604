//! The identity of the project's image: what its fingerprint is computed from, now and earlier.
//!
//! Invariant: it depends on the project's files, its configuration and the answers only.

mod memory;
mod needs;
mod origin;
pub mod revision;

use std::path::Path;

use devflow_oci::Fingerprint;
use devflow_oci::bake;
use devflow_oci::fingerprint::{FingerprintError, Inputs, literal};
use tokio::sync::oneshot;

use crate::compose::ComposeError;
use crate::config;
use crate::error::{Exit, Explain};
use crate::lock::Lock;
use crate::plan::Answers;
use crate::project::Project;

pub use memory::{Memory, MemoryError};
pub use needs::{HERE, Needs};
pub use origin::Origin;

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

/// What the image is made from of a project whose stacks have been described.
pub fn origin(project: &Project, answers: &Answers) -> Result<Origin, ComposeError> {
    Origin::of(&project.config.file, dockerfile(project), answers, &pinned(project.lock.as_ref()))
}

/// The digests that a lock pins base images to.
pub fn pinned(lock: Option<&Lock>) -> impl Fn(&str) -> Option<String> {
    move |name| Some(lock?.digest_of(name)?.to_string())
}

/// What goes into the fingerprint of a project whose stacks have been described.
pub fn current(project: &Project, origin: &Origin, answers: &Answers) -> Inputs {
    let bake = project.root.join(bake::FILE).symlink_metadata().is_ok();
    inputs(&project.config.file, origin, bake, answers)
}

/// Computes a fingerprint.
pub async fn fingerprint(root: &Path, inputs: &Inputs) -> Result<Fingerprint, IdentityError> {
    let (root, inputs) = (root.to_owned(), inputs.clone());
    apart(move || Fingerprint::compute(&root, &inputs)).await.map_err(IdentityError)
}

/// Reads files on a thread of its own: signals are heard meanwhile, and end dwf without it.
pub async fn apart<T: Send + 'static>(work: impl Fn() -> T + Clone + Send + 'static) -> T {
    let (tell, told) = oneshot::channel();
    let elsewhere = {
        let work = work.clone();
        move || tell.send(work())
    };
    // Where no thread can be had, or it came to no end, this one does it.
    let answer = match std::thread::Builder::new().name("files".to_owned()).spawn(elsewhere) {
        Ok(_) => told.await.ok(),
        Err(_) => None,
    };
    answer.unwrap_or_else(work)
}

fn inputs(file: &config::File, origin: &Origin, bake: bool, answers: &Answers) -> Inputs {
    // Where there is a Dockerfile, it may say what is built from it.
    let bake = (bake && matches!(origin, Origin::File(_))).then(|| literal(bake::FILE));
    let written = file.container.fingerprint_inputs.iter().map(|glob| glob.get_ref().clone());
    let mut patterns: Vec<String> = written.chain(origin.patterns()).chain(bake).collect();
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
    Inputs { patterns, exclude: vec![literal(cache)], texts: origin.texts() }
}
