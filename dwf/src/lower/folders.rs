//! What must be on disk before anything is mounted or started.
//!
//! Invariant: folders are made for the user who will write in them, before an engine could make
//! them as root; links in the way are refused, never followed out of their place.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::error::{Exit, Explain};

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
    /// A link is where a folder should be.
    #[error("{} is a link, and only a folder can be mounted over", .0.display())]
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

/// Makes what is missing; new folders and files belong to `owner`.
pub fn prepare(list: &[Prepare], owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    for item in list {
        match item {
            Prepare::Folder(path) => folder(path, owner)?,
            Prepare::File(path) => file(path, owner)?,
            Prepare::MountPoint { workspace, relative } => mount_point(workspace, relative, owner)?,
            Prepare::Links { folder: links, kept, disk, own } => {
                folder(links, owner)?;
                link(links, kept, disk, own).map_err(|error| FolderError::Make(links.clone(), error))?;
            }
        }
    }
    Ok(())
}

fn folder(path: &Path, owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    let failed = |error| FolderError::Make(path.to_owned(), error);
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        folder(parent, owner)?;
    }
    match std::fs::create_dir(path) {
        Ok(()) => give(path, 0o755, owner).map_err(failed),
        // Another dwf was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn file(path: &Path, owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    let failed = |error| FolderError::Make(path.to_owned(), error);
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => give(path, 0o644, owner).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn mount_point(workspace: &Path, relative: &Path, owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    let mut path = workspace.to_owned();
    for part in relative.components() {
        path.push(part);
        match path.symlink_metadata() {
            Ok(meta) if meta.file_type().is_symlink() => return Err(FolderError::Link(path)),
            Ok(_) => {}
            Err(_) => folder(&path, owner)?,
        }
    }
    Ok(())
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
            // A file that the tool made in the folder itself gives way only to a kept entry.
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
        prepare(std::slice::from_ref(&item), None).unwrap();
        std::fs::remove_file(own.join("old")).unwrap();
        std::fs::write(own.join("new"), "").unwrap();
        std::fs::write(links.join("made-by-tool"), "").unwrap();
        prepare(&[item], None).unwrap();
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
        assert!(matches!(prepare(&[item], None), Err(FolderError::Link(_))));
        let item = Prepare::MountPoint { workspace: workspace.clone(), relative: "a/b".into() };
        prepare(&[item], None).unwrap();
        assert!(workspace.join("a/b").is_dir());
    }
}
