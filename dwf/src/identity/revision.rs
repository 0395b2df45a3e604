//! The fingerprint of a commit: computed from git's objects, without checking anything out.
//!
//! Invariant: what the commit's own devflow.toml says of the inputs counts; the extensions' part is that of today, because
//! they read files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devflow_oci::Fingerprint;
use devflow_oci::bake;
use devflow_oci::fingerprint::Snapshot;
use devflow_oci::hash;
use sha2::{Digest, Sha256};

use super::{DOCKERFILE, IdentityError, Origin, inputs, pinned};
use crate::compose::ComposeError;
use crate::config::{self, ConfigError};
use crate::error::{Exit, Explain};
use crate::files;
use crate::git::{GitError, Repository};
use crate::lock::{self, Lock, LockError};
use crate::plan::Answers;
use crate::project::Project;
use crate::world::World;

/// Bytes of a file of ignore rules.
const RULES: usize = 16 << 20;

/// There is no fingerprint of a commit.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// Git has no answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The inputs are wrong.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No image can be composed of what it says.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// Its devflow.lock is wrong.
    #[error("the devflow.lock of that commit cannot be used: {0}")]
    Lock(#[from] LockError),
    /// Its devflow.toml is wrong.
    #[error("the devflow.toml of that commit cannot be used: {0}")]
    Config(ConfigError),
    /// What git says makes no sense.
    #[error("git lists that commit in a way that makes no sense")]
    Listing,
    /// The repository's own ignore rules cannot be read.
    #[error("{} cannot be read", .0.display())]
    Exclude(PathBuf, #[source] std::io::Error),
}

impl Explain for RevisionError {
    fn exit(&self) -> Exit {
        match self {
            Self::Git(error) => error.exit(),
            Self::Identity(error) => error.exit(),
            Self::Compose(error) => error.exit(),
            Self::Lock(error) => error.exit(),
            Self::Config(error) => error.exit(),
            Self::Listing | Self::Exclude(..) => Exit::Machine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.detail(),
            Self::Lock(error) => error.detail(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.hint(),
            Self::Identity(error) => error.hint(),
            Self::Compose(error) => error.hint(),
            _ => None,
        }
    }
}

/// The fingerprint that a commit of the project's repository has.
pub async fn fingerprint(
    revision: &str,
    project: &Project,
    answers: &Answers,
    world: &World,
) -> Result<Fingerprint, RevisionError> {
    let repository = Repository::around(&project.root, world).await?;
    let commit = repository.commit(revision).await?;
    let listing = repository.list(&commit).await?;
    let mut snapshot = Snapshot::parse(&listing, &repository.prefix).ok_or(RevisionError::Listing)?;

    let own = [config::FILE, lock::FILE].map(Path::new);
    let wanted = snapshot.rules().chain(own.into_iter().filter_map(|file| snapshot.object(file))).collect();
    let small: BTreeMap<String, Vec<u8>> = repository
        .objects(wanted, |bytes: &mut Vec<u8>, piece| {
            bytes.extend_from_slice(piece);
            let reason = || format!("a file of rules has more than {RULES} bytes");
            match bytes.len() > RULES {
                true => Err(GitError::Failed { asked: "cat-file".to_owned(), reason: reason() }),
                false => Ok(()),
            }
        })
        .await?;
    let [written, pins] = own.map(|file| snapshot.object(file).and_then(|id| small.get(id)).cloned());
    let exclude = match files::read(&repository.exclude, RULES as u64) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(RevisionError::Exclude(repository.exclude, error)),
    };
    snapshot.learn(small, exclude);

    let file = match written {
        Some(bytes) => {
            let shown = format!("{revision}:{}", config::FILE);
            config::load_text(bytes, Path::new(&shown)).map_err(RevisionError::Config)?.file
        }
        None => config::File::default(),
    };
    let dockerfile = match &file.container.dockerfile {
        Some(path) => Some(path.get_ref().clone()),
        None => snapshot.holds(Path::new(DOCKERFILE)).then(|| DOCKERFILE.to_owned()),
    };
    let pins = pins.map(|bytes| Lock::parse(&String::from_utf8_lossy(&bytes))).transpose()?;
    let origin = Origin::of(&file, dockerfile, answers, &pinned(pins.as_ref()))?;
    let bake = snapshot.holds(Path::new(bake::FILE));
    let sought = snapshot.find(&inputs(&file, &origin, bake, answers)).map_err(IdentityError)?;
    let hashes: BTreeMap<String, Sha256> = repository
        .objects(sought.objects(), |hash: &mut Sha256, piece| {
            hash.update(piece);
            Ok(())
        })
        .await?;
    let contents = hashes.into_iter().map(|(id, hash)| (id, hash::hex(&hash.finalize()))).collect();
    sought.fingerprint(&contents).ok_or(RevisionError::Listing)
}
