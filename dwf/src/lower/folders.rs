//! What must be on disk before anything is mounted or started.
//!
//! Invariant: folders are made for the user who will write in them, before an engine could make
//! them as root; a link in the way is refused, never followed.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::error::{Exit, Explain};

/// How often a folder is made again that went while folders were made in it.
const TRIES: u32 = 5;

/// Something that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepare {
    /// A folder below the cache root or the state.
    Folder(PathBuf),
    /// An empty file, when there is none.
    File(PathBuf),
    /// A folder of the workspace that something is mounted over.
    MountPoint {
        /// The workspace.
        workspace: PathBuf,
        /// The folder, relative to it.
        relative: PathBuf,
    },
    /// A tool's home: links to the kept entries of a cache, and to everything else of the user's own.
    Links {
        /// The folder of links.
        folder: PathBuf,
        /// The kept entries.
        kept: Vec<String>,
        /// The cache's folder, which has them.
        disk: PathBuf,
        /// The user's own home of the tool.
        own: PathBuf,
    },
}

/// Something could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system says no.
    #[error("{} cannot be made", .0.display())]
    Make(PathBuf, #[source] io::Error),
    /// A link is where a folder or file should be.
    #[error("{} is not what dwf made there: a link, or a file of another kind", .0.display())]
    Link(PathBuf),
}

impl Explain for FolderError {
    fn exit(&self) -> Exit {
        match self {
            Self::Make(..) => Exit::Machine,
            Self::Link(_) => Exit::Refused,
        }
    }
}

/// Makes what is missing below these bases, which are the user's own; new folders and files belong
/// to `owner`.
pub fn prepare(list: &[Prepare], bases: &[&Path], owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    for item in list {
        match item {
            Prepare::Folder(path) => folder(path, bases, owner)?,
            Prepare::File(path) => file(path, owner)?,
            Prepare::MountPoint { workspace, relative } => below(workspace, relative, owner)?,
            Prepare::Links { folder: links, kept, disk, own } => {
                folder(links, bases, owner)?;
                link(links, kept, disk, own).map_err(|error| FolderError::Make(links.clone(), error))?;
            }
        }
    }
    Ok(())
}

fn folder(path: &Path, bases: &[&Path], owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    let base = bases.iter().find_map(|base| Some((*base, path.strip_prefix(base).ok()?)));
    match base {
        Some((base, relative)) => {
            std::fs::create_dir_all(base).map_err(|error| FolderError::Make(base.to_owned(), error))?;
            below(base, relative, owner)
        }
        None => Err(FolderError::Make(path.to_owned(), io::ErrorKind::PermissionDenied.into())),
    }
}

/// Makes a folder below a base; a link on the way is refused.
fn below(base: &Path, relative: &Path, owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    for _ in 0..TRIES {
        match parts(base, relative, owner) {
            // Another run took away a folder above it that was empty.
            Err(FolderError::Make(_, error)) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
    }
    parts(base, relative, owner)
}

fn parts(base: &Path, relative: &Path, owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    let mut path = base.to_owned();
    for part in relative.components() {
        path.push(part);
        let failed = |error| FolderError::Make(path.clone(), error);
        match std::fs::create_dir(&path) {
            Ok(()) => give(&path, 0o755, owner).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let kind = path.symlink_metadata().map_err(failed)?.file_type();
                if kind.is_symlink() {
                    return Err(FolderError::Link(path));
                }
                if !kind.is_dir() {
                    return Err(failed(io::ErrorKind::NotADirectory.into()));
                }
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

fn file(path: &Path, owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    let failed = |error| FolderError::Make(path.to_owned(), error);
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => give(path, 0o644, owner).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match path.symlink_metadata().map_err(failed)?.is_file() {
                true => Ok(()),
                false => Err(FolderError::Link(path.to_owned())),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

/// Gives a new file or folder its owner and mode, whatever the umask is.
fn give(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    match owner {
        Some((uid, gid)) => std::os::unix::fs::lchown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

fn link(folder: &Path, kept: &[String], disk: &Path, own: &Path) -> io::Result<()> {
    let mut wanted: Vec<(PathBuf, PathBuf)> =
        kept.iter().map(|name| (folder.join(name), disk.join(name))).collect();
    // A user who has no such home yet has nothing to link.
    for entry in std::fs::read_dir(own).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if kept.iter().all(|kept| name != kept.as_str()) {
            wanted.push((folder.join(&name), own.join(&name)));
        }
    }
    for entry in std::fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let stale = path.is_symlink() && wanted.iter().all(|(link, _)| *link != path);
        if stale {
            std::fs::remove_file(&path)?;
        }
    }
    for (link, target) in wanted {
        match std::fs::read_link(&link) {
            Ok(there) if there == target => {}
            Ok(_) => replace(&target, &link)?,
            // What the tool made in the folder itself stays, and is not shared.
            Err(_) if link.symlink_metadata().is_ok() => {}
            Err(_) => replace(&target, &link)?,
        }
    }
    Ok(())
}

/// Puts a link in place in one step, so that another dwf never sees none.
fn replace(target: &Path, link: &Path) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(format!(".dwf-{}-", std::process::id()));
    name.push(link.file_name().unwrap_or_default());
    let fresh = link.with_file_name(name);
    let _ = std::fs::remove_file(&fresh);
    symlink(target, &fresh)?;
    std::fs::rename(&fresh, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(folder: &Path) -> Vec<String> {
        let entry = |entry: std::fs::DirEntry| {
            let target = std::fs::read_link(entry.path()).map(|path| path.to_string_lossy().into_owned());
            format!("{} -> {}", entry.file_name().to_string_lossy(), target.unwrap_or_default())
        };
        let mut lines: Vec<String> = std::fs::read_dir(folder).unwrap().flatten().map(entry).collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_home_of_links_keeps_the_users_own() {
        let dir = tempfile::tempdir().unwrap();
        let (links, disk, own) = (dir.path().join("links"), dir.path().join("disk"), dir.path().join("own"));
        std::fs::create_dir(&own).unwrap();
        for name in ["config", "downloads", "old"] {
            std::fs::write(own.join(name), "").unwrap();
        }
        let item = Prepare::Links {
            folder: links.clone(),
            kept: vec!["downloads".into()],
            disk: disk.clone(),
            own: own.clone(),
        };
        let bases = [dir.path()];
        std::fs::create_dir(&disk).unwrap();
        prepare(std::slice::from_ref(&item), &bases, None).unwrap();
        std::fs::remove_file(own.join("old")).unwrap();
        std::fs::write(own.join("new"), "").unwrap();
        std::fs::write(links.join("made-by-tool"), "").unwrap();
        prepare(&[item], &bases, None).unwrap();
        let (own, disk) = (own.display(), disk.display());
        assert_eq!(
            show(&links),
            [
                format!("config -> {own}/config"),
                format!("downloads -> {disk}/downloads"),
                "made-by-tool -> ".to_owned(),
                format!("new -> {own}/new"),
            ]
        );
    }

    #[test]
    fn nothing_is_mounted_over_a_link() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/etc", dir.path().join("modules")).unwrap();
        let workspace = dir.path().to_owned();
        let item = Prepare::MountPoint { workspace: workspace.clone(), relative: "modules/x".into() };
        assert!(matches!(prepare(&[item], &[], None), Err(FolderError::Link(_))));
        let item = Prepare::MountPoint { workspace: workspace.clone(), relative: "a/b".into() };
        prepare(&[item], &[], None).unwrap();
        let planted = Prepare::Folder(workspace.join("modules/x"));
        assert!(matches!(prepare(&[planted], &[&workspace], None), Err(FolderError::Link(_))));
        assert!(workspace.join("a/b").is_dir());
    }
}
