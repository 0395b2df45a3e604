//! The private folder of one scan.
//!
//! Invariant: it goes away with the scan, and what a scan that was killed left is removed by the next one; a folder that
//! a scan still holds is never touched.

use std::fs::File;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg, OFlag};
use tempfile::TempDir;

use super::ScanError;
use crate::files;

/// What its name begins with; no cache can be called so.
const PREFIX: &str = ".scan-";
/// Tries, should another scan take a new folder for one that was left.
const TRIES: usize = 5;

/// A folder that nobody else may read.
#[derive(Debug)]
pub struct Folder {
    dir: TempDir,
    /// Held as long as the scan goes on, and let go by the system if it is killed.
    _held: Flock<File>,
}

impl Folder {
    /// Makes one below the cache root, after removing what was left there.
    pub fn new(cache_root: &Path) -> Result<Self, ScanError> {
        let failed = |error| ScanError::Folder(cache_root.to_owned(), error);
        sweep(cache_root).map_err(failed)?;
        for _ in 0..TRIES {
            let private = PermissionsExt::from_mode(0o700);
            let dir = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(cache_root);
            let dir = dir.map_err(failed)?;
            if let Some(held) = hold(dir.path())
                && dir.path().is_dir()
            {
                return Ok(Self { dir, _held: held });
            }
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A new file in it.
    pub fn create(&self, name: &str) -> Result<File, ScanError> {
        files::create_private(&self.path().join(name)).map_err(|error| self.failed(error))
    }

    /// Why it cannot be used.
    pub fn failed(&self, error: io::Error) -> ScanError {
        ScanError::Folder(self.path().to_owned(), error)
    }
}

/// Holds a folder, unless somebody does.
fn hold(path: &Path) -> Option<Flock<File>> {
    let flags = (OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits();
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}

fn sweep(cache_root: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(cache_root)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        if let Some(_held) = hold(&entry.path()) {
            // What cannot be removed is no more than space.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn it_is_private_and_goes_away() {
        let root = tempfile::tempdir().unwrap();
        let names = || std::fs::read_dir(root.path()).unwrap().count();
        let folder = Folder::new(root.path()).unwrap();
        folder.create("x").unwrap();
        assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);

        // Another scan goes on; one was killed; something else only looks like one.
        std::fs::create_dir_all(root.path().join(".scan-killed/more")).unwrap();
        std::fs::create_dir(root.path().join("target")).unwrap();
        symlink(root.path().join("target"), root.path().join(".scan-link")).unwrap();
        std::fs::write(root.path().join(".scan-file"), "").unwrap();
        let other = Folder::new(root.path()).unwrap();
        assert!(!root.path().join(".scan-killed").exists());
        assert!(folder.path().join("x").exists() && root.path().join("target").exists());
        assert_eq!(names(), 5);
        drop((folder, other));
        assert_eq!(names(), 3);
    }
}
