//! The fingerprints of commits: computed from git's objects, without checking anything out.
//!
//! Invariant: what the commit's own devflow.toml says of the inputs counts; the extensions' part is that of today, because
//! they read files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use devflow_oci::Fingerprint;
use devflow_oci::bake;
use devflow_oci::fingerprint::{Snapshot, Sought};
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
    /// It is this commit that has none.
    #[error("{0}: {1}")]
    Of(String, Box<RevisionError>),
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
            Self::Of(_, error) => error.exit(),
            Self::Listing | Self::Exclude(..) => Exit::Machine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.detail(),
            Self::Lock(error) => error.detail(),
            Self::Of(_, error) => error.detail(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.hint(),
            Self::Identity(error) => error.hint(),
            Self::Compose(error) => error.hint(),
            Self::Of(_, error) => error.hint(),
            _ => None,
        }
    }
}

/// A commit: what to call it, and its tree.
pub type Named = (String, String);

/// The fingerprint that a commit of the project's repository has.
pub async fn fingerprint(
    revision: &str,
    project: &Project,
    answers: &Answers,
    world: &World,
) -> Result<Fingerprint, RevisionError> {
    let repository = Repository::around(&project.root, world).await?;
    let commit = repository.commit(revision).await?;
    let tree = repository.roots(vec![commit]).await?.into_values().next().ok_or(RevisionError::Listing)?;
    let found = fingerprints(&repository, &[(revision.to_owned(), tree)], answers).await?;
    found.into_values().next().ok_or(RevisionError::Listing)
}

/// The fingerprints that commits have, by their trees. What they share is read once, by a number of processes that does
/// not depend on theirs.
pub async fn fingerprints(
    repository: &Repository,
    commits: &[Named],
    answers: &Answers,
) -> Result<BTreeMap<String, Fingerprint>, RevisionError> {
    let mut trees = repository.trees(commits.iter().map(|(_, tree)| tree.clone()).collect()).await?;
    let rules = repository.objects("blob", trees.rules(), small).await?;
    trees.learn_rules(rules);
    let exclude = match files::read(&repository.exclude, RULES as u64) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(RevisionError::Exclude(repository.exclude.clone(), error)),
    };
    let mut snapshots = BTreeMap::new();
    for (name, tree) in commits {
        let snapshot = Snapshot::new(&trees, tree, &repository.prefix, exclude.clone());
        snapshots.insert(tree.as_str(), (name, snapshot.ok_or(RevisionError::Listing)?));
    }
    let own = |snapshot: &Snapshot<'_>| {
        [config::FILE, lock::FILE].map(|file| snapshot.object(Path::new(file)).map(str::to_owned))
    };
    let wanted: BTreeSet<String> =
        snapshots.values().flat_map(|(_, snapshot)| own(snapshot)).flatten().collect();
    let wanted = wanted.iter().map(String::as_str).collect();
    let texts: BTreeMap<String, Vec<u8>> = repository.objects("blob", wanted, small).await?;

    let mut sought = BTreeMap::new();
    for (tree, (name, snapshot)) in &snapshots {
        let own = own(snapshot).map(|id| id.and_then(|id| texts.get(&id)).cloned());
        let found = seek(name, snapshot, own, answers);
        let found = found.map_err(|error| RevisionError::Of((*name).clone(), Box::new(error)))?;
        sought.insert((*tree).to_owned(), found);
    }
    let hash = |hash: &mut Sha256, piece: &[u8]| {
        hash.update(piece);
        Ok(())
    };
    let wanted = sought.values().flat_map(Sought::objects).collect();
    let hashes: BTreeMap<String, Sha256> = repository.objects("blob", wanted, hash).await?;
    let contents = hashes.into_iter().map(|(id, hash)| (id, hash::hex(&hash.finalize()))).collect();
    let fingerprint = |(tree, sought): (String, Sought)| Some((tree, sought.fingerprint(&contents)?));
    sought.into_iter().map(fingerprint).collect::<Option<_>>().ok_or(RevisionError::Listing)
}

/// The inputs of one commit.
fn seek(
    name: &str,
    snapshot: &Snapshot<'_>,
    [written, pins]: [Option<Vec<u8>>; 2],
    answers: &Answers,
) -> Result<Sought, RevisionError> {
    let file = match written {
        Some(bytes) => {
            let shown = format!("{name}:{}", config::FILE);
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
    Ok(snapshot.find(&inputs(&file, &origin, bake, answers)).map_err(IdentityError)?)
}

/// Keeps an object that must be small.
fn small(bytes: &mut Vec<u8>, piece: &[u8]) -> Result<(), GitError> {
    bytes.extend_from_slice(piece);
    let reason = || format!("a file of rules has more than {RULES} bytes");
    match bytes.len() > RULES {
        true => Err(GitError::Failed { asked: "cat-file".to_owned(), reason: reason() }),
        false => Ok(()),
    }
}
