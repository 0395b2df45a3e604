//! Copies of what was verified, for what has to be run by a path: each in a folder named by its hash.
//!
//! Invariant: what is given out was compared, byte for byte, with what was verified.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::files;

/// The folder of the copies.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    uid: u32,
}

impl Store {
    /// The store of a user in that user's state.
    pub fn new(state: &Path, uid: u32) -> Self {
        Self { root: state.join("verified"), uid }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file with these bytes, whose hash this is.
    pub fn file(&self, sha256: &str, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        self.private()?;
        let dir = self.root.join(sha256);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let path = dir.join(name);
        if files::read(&path, bytes.len() as u64).is_ok_and(|kept| kept == bytes) && !path.is_symlink() {
            return Ok(path);
        }
        let mut file = tempfile::NamedTempFile::new_in(&dir)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o500))?;
        file.into_temp_path().persist(&path)?;
        Ok(path)
    }

    /// Makes the folder; one that others can change is no place for what was verified.
    fn private(&self) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        let meta = self.root.symlink_metadata()?;
        match meta.is_dir() && meta.uid() == self.uid && meta.mode() & 0o077 == 0 {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it has to be a folder of the user, with mode 700",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_what_was_verified() {
        let dir = tempfile::tempdir().unwrap();
        let uid = nix::unistd::geteuid().as_raw();
        let store = Store::new(dir.path(), uid);
        let path = store.file("hash", "x", b"one").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!((std::fs::read(&path).unwrap(), mode(&path)), (b"one".to_vec(), 0o500));
        let first = path.metadata().unwrap().ino();
        assert_eq!(store.file("hash", "x", b"one").unwrap().metadata().unwrap().ino(), first);
        // What somebody changed or replaced is written anew.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(&path, "evil").unwrap();
        assert_eq!(std::fs::read(store.file("hash", "x", b"one").unwrap()).unwrap(), b"one");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/bin/sh", &path).unwrap();
        assert_eq!(std::fs::read(store.file("hash", "x", b"one").unwrap()).unwrap(), b"one");
        std::fs::set_permissions(store.root(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(store.file("hash", "x", b"one").is_err());
    }
}
