//! The cache root itself: one folder for both profiles.

use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use super::slot::Slot;
use crate::error::{Exit, Explain};
use crate::project::Project;
use crate::world::World;

/// Where it is when nobody says, relative to the project.
pub const DEFAULT: &str = ".cache/devflow";

/// The cache root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It is not absolute.
    #[error("DWF_CACHE_ROOT is {0:?}, which is not an absolute path")]
    Relative(String),
    /// It is another user's.
    #[error("the cache root {} belongs to another user", .0.display())]
    Owner(PathBuf),
    /// A link is on the way to it.
    #[error("the cache root's {} is a link", .0.display())]
    Link(PathBuf),
    /// Its index cannot be used.
    #[error("{} cannot be used", .0.display())]
    Index(PathBuf, #[source] std::io::Error),
    /// Somebody is taking an entry away, and does not come to an end.
    #[error("the cache {0} is being removed by another process")]
    Busy(Slot),
    /// It is no folder, or cannot be made one.
    #[error("the cache root {} cannot be used", .0.display())]
    Make(PathBuf, #[source] std::io::Error),
}

impl Explain for CacheError {
    fn exit(&self) -> Exit {
        match self {
            Self::Relative(_) => Exit::Usage,
            Self::Owner(_) | Self::Link(_) => Exit::Refused,
            Self::Make(..) | Self::Index(..) | Self::Busy(_) => Exit::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        if let Self::Busy(_) = self {
            return Some("is a `dwf cache prune` stopped somewhere?".to_owned());
        }
        Some("choose another one: DWF_CACHE_ROOT=/absolute/path".to_owned())
    }
}

/// Where the cache root is: `DWF_CACHE_ROOT`, `[cache] root`, or the default.
pub fn root(project: &Project, world: &World) -> Result<PathBuf, CacheError> {
    match (world.var("DWF_CACHE_ROOT"), &project.config.file.cache.root) {
        (Some(path), _) if Path::new(path).is_absolute() => Ok(PathBuf::from(path)),
        (Some(path), _) => Err(CacheError::Relative(path.to_owned())),
        (None, Some(path)) => Ok(project.root.join(path.get_ref())),
        (None, None) => Ok(project.root.join(DEFAULT)),
    }
}

/// The cache root with links resolved, if it is there. Below `project` no link is followed: it could have come with the
/// project, or from an action.
pub fn existing(root: &Path, project: &Path, world: &World) -> Result<Option<PathBuf>, CacheError> {
    for dir in root.ancestors().take_while(|dir| dir.starts_with(project) && *dir != project) {
        if dir.is_symlink() {
            return Err(CacheError::Link(dir.to_owned()));
        }
    }
    let failed = |error| CacheError::Make(root.to_owned(), error);
    let root = match root.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let meta = root.metadata().map_err(failed)?;
    if !meta.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    if world.uid != 0 && meta.uid() != world.uid {
        return Err(CacheError::Owner(root));
    }
    Ok(Some(root))
}

/// Makes the cache root if it is missing, marked as a cache; gives its path with links resolved.
pub fn open(
    root: &Path,
    project: &Path,
    owner: Option<(u32, u32)>,
    world: &World,
) -> Result<PathBuf, CacheError> {
    let failed = |error| CacheError::Make(root.to_owned(), error);
    let give = |path: &Path| match owner {
        Some((uid, gid)) => chown(path, Some(uid), Some(gid)).map_err(failed),
        None => Ok(()),
    };
    if existing(root, project, world)?.is_none() {
        let mut missing: Vec<&Path> = root.ancestors().take_while(|dir| !dir.exists()).collect();
        while let Some(dir) = missing.pop() {
            match std::fs::create_dir(dir) {
                Ok(()) => give(dir)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
    let root = existing(root, project, world)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    // The signature is the Cache Directory Tagging Specification's.
    let marks = [
        (".gitignore", "*\n"),
        (
            "CACHEDIR.TAG",
            "Signature: 8a477f597d28d172789f06886806bc55\n# Made by dwf; it may be deleted at any time.\n",
        ),
    ];
    for (name, text) in marks {
        let path = root.join(name);
        if path.symlink_metadata().is_err() {
            std::fs::write(&path, text).map_err(failed)?;
            give(&path)?;
        }
    }
    Ok(root)
}
