//! The store: extensions by the hash of their bytes, below the user's data folder.
//!
//! Invariant: nothing is given out whose bytes do not have the hash that its folder is named by, but to `launch`, which
//! hashes what it starts; and nothing comes in but what the user asked for by a command.

mod bytes;

#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use bytes::{copy, copy_tree, create, hash_file, hash_tree, list, seal};
use tempfile::TempDir;

use crate::error::{Exit, Explain};
use crate::lock::{Hash, Kind};
use crate::world::{World, WorldError};

/// How the file of an extension that is one file is called in the store.
pub const PROGRAM: &str = "program";

/// Bytes that an extension may have, as one file or as all files of a tree.
pub const MAX_BYTES: u64 = 256 << 20;

/// Age of what an interrupted command left behind.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// The store.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    uid: u32,
}

/// A private folder in which an extension is put together; it goes away with the value.
#[derive(Debug)]
pub struct Stage(TempDir);

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no place for it.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A file or folder of it cannot be read or written.
    #[error("{} cannot be used", .0.display())]
    Io(PathBuf, #[source] std::io::Error),
    /// Others may change it.
    #[error("{} {}", .0.display(), .1)]
    Shared(PathBuf, &'static str),
    /// What is in it is not what it says.
    #[error("{} was changed: it has the hash sha256:{found}", .path.display())]
    Changed {
        /// The folder.
        path: PathBuf,
        /// The hash of what is there.
        found: String,
    },
}

impl Explain for StoreError {
    fn exit(&self) -> Exit {
        match self {
            Self::World(_) | Self::Io(..) => Exit::Machine,
            Self::Shared(..) | Self::Changed { .. } => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::World(error) => error.hint(),
            Self::Io(..) => None,
            Self::Shared(path, _) => Some(format!("if it is yours: chmod -R go-w '{}'", path.display())),
            Self::Changed { .. } => Some("get it again: dwf ext sync".to_owned()),
        }
    }
}

/// Bytes that are not those that were pinned.
#[derive(Debug, thiserror::Error)]
#[error("{what} is not what devflow.lock pins")]
pub struct Mismatch {
    /// What was looked at.
    pub what: String,
    /// Where it came from.
    pub source_shown: String,
    /// The hash that is pinned.
    pub expected: Hash,
    /// The hash that was found.
    pub found: String,
    /// What to do next.
    pub next: String,
}

impl Explain for Mismatch {
    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn detail(&self) -> Option<String> {
        let Self { source_shown, expected, found, .. } = self;
        Some(format!("  expected  {expected}\n  found     sha256:{found}\n  source    {source_shown}"))
    }

    fn hint(&self) -> Option<String> {
        Some(self.next.clone())
    }
}

impl Store {
    /// The store of a user.
    pub fn new(world: &World) -> Result<Self, WorldError> {
        Ok(Self { root: world.data()?.join("ext"), uid: world.uid })
    }

    /// What extensions run from that have to be run by a path: copies of verified bytes. It is no
    /// part of the store proper, so that starting an extension puts nothing there.
    pub fn of_copies(world: &World) -> Result<Self, WorldError> {
        Ok(Self { root: world.state()?.join("verified"), uid: world.uid })
    }

    fn place(&self, hash: &Hash) -> PathBuf {
        self.root.join("sha256").join(hash.hex())
    }

    /// The folder that an extension would be in, when it is there and nobody else may change it. Whoever starts what is
    /// in it looks at its bytes.
    pub fn find(&self, hash: &Hash) -> Result<Option<PathBuf>, StoreError> {
        let place = self.place(hash);
        if place.symlink_metadata().is_err() {
            return Ok(None);
        }
        for folder in [&self.root, &place] {
            self.private(folder)?;
        }
        Ok(Some(place))
    }

    /// The folder of an extension, with its bytes looked at; `None` when it is not there.
    pub fn get(&self, kind: Kind, hash: &Hash) -> Result<Option<PathBuf>, StoreError> {
        let Some(place) = self.find(hash)? else { return Ok(None) };
        let found = hash_of(kind, &place).map_err(|error| StoreError::Io(place.clone(), error))?;
        match found == hash.hex() {
            true => Ok(Some(place)),
            false => Err(StoreError::Changed { path: place, found }),
        }
    }

    /// A folder to put something together in.
    pub fn stage(&self) -> Result<Stage, StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::Io(path, error)
        };
        let tmp = self.root.join("tmp");
        for folder in [&self.root, &tmp, &self.root.join("sha256")] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
            self.private(folder)?;
        }
        sweep(&tmp);
        let dir = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&tmp)
            .map_err(failed(&tmp))?;
        DirBuilder::new().mode(0o700).create(dir.path().join("content")).map_err(failed(&tmp))?;
        Ok(Stage(dir))
    }

    /// Takes in what was put together, whose hash this is; gives its folder.
    pub fn keep(&self, stage: &Stage, kind: Kind, hash: &Hash) -> Result<PathBuf, StoreError> {
        let place = self.place(hash);
        let failed = |error| StoreError::Io(place.clone(), error);
        match self.get(kind, hash) {
            Ok(Some(there)) => return Ok(there),
            Ok(None) => {}
            // What was changed makes place for what it should be.
            Err(StoreError::Changed { .. }) => {
                fs::rename(&place, stage.0.path().join("changed")).map_err(failed)?;
            }
            Err(error) => return Err(error),
        }
        match fs::rename(stage.content(), &place) {
            // Another dwf was faster; what it put there is looked at.
            Err(error) if place.exists() => {
                self.get(kind, hash)?.ok_or(error).map(|_| ()).map_err(failed)?;
            }
            other => other.map_err(failed)?,
        }
        let parent = place.parent().unwrap_or(&self.root);
        fs::File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(place)
    }

    fn private(&self, folder: &Path) -> Result<(), StoreError> {
        let meta = folder.metadata().map_err(|error| StoreError::Io(folder.to_owned(), error))?;
        let wrong = |reason| Err(StoreError::Shared(folder.to_owned(), reason));
        match meta.mode() & 0o022 {
            _ if meta.uid() != self.uid && meta.uid() != 0 => wrong("belongs to another user"),
            0 => Ok(()),
            _ => wrong("may be changed by others"),
        }
    }
}

impl Stage {
    /// The folder that will be kept.
    pub fn content(&self) -> PathBuf {
        self.0.path().join("content")
    }

    /// The whole folder; what is outside of the content goes away.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The hash of what is in a folder of the store.
pub fn hash_of(kind: Kind, folder: &Path) -> std::io::Result<String> {
    match kind {
        Kind::Elf | Kind::Script => hash_file(&folder.join(PROGRAM)),
        Kind::Tree => hash_tree(folder),
    }
}

/// Removes what commands left that were killed long ago.
fn sweep(tmp: &Path) {
    for entry in fs::read_dir(tmp).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > STALE) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
