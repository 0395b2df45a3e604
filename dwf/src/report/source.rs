//! The files in which an action's tools report.
//!
//! Invariant: what is read is a regular file below its base, which no link led to, and which was
//! written since the action could start.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use devflow_protocol::path::RelPath;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;

/// A file that may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// A folder that dwf itself has chosen.
    base: PathBuf,
    /// The file below it.
    path: RelPath,
    before: Option<Stamp>,
}

/// What tells a file that was written again from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Source {
    /// A file below a folder, as it is now: what is there already is another run's.
    pub fn new(base: PathBuf, path: RelPath) -> Self {
        let mut source = Self { base, path, before: None };
        source.before = source.look().ok().flatten().map(|(_, stamp)| stamp);
        source
    }

    /// The file's path, for a person.
    pub fn path(&self) -> &Path {
        Path::new(self.path.as_str())
    }

    /// Opens the file, if it was written since.
    pub fn open(&self) -> io::Result<Option<File>> {
        let found = self.look()?;
        Ok(found.filter(|(_, stamp)| self.before != Some(*stamp)).map(|(file, _)| file))
    }

    fn look(&self) -> io::Result<Option<(File, Stamp)>> {
        let file = match self.walk() {
            Ok(file) => File::from(file),
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ELOOP | Errno::ENOTDIR) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a link is in the way"));
            }
            Err(error) => return Err(error.into()),
        };
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let stamp =
            Stamp { inode: meta.ino(), length: meta.len(), changed: (meta.ctime(), meta.ctime_nsec()) };
        Ok(Some((file, stamp)))
    }

    /// One part at a time, so that no link is followed, whoever puts one there meanwhile.
    fn walk(&self) -> nix::Result<OwnedFd> {
        let folder = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut at = open(&self.base, folder, Mode::empty())?;
        let (folders, name) = self.path.as_str().rsplit_once('/').unwrap_or(("", self.path.as_str()));
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            at = openat(&at, part, folder | OFlag::O_NOFOLLOW, Mode::empty())?;
        }
        // O_NONBLOCK: opening a FIFO must not wait.
        let file = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(&at, name, file, Mode::empty())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn read(source: &Source) -> Result<Option<String>, String> {
        let mut text = String::new();
        let file = source.open().map_err(|error| error.to_string())?;
        let Some(mut file) = file else { return Ok(None) };
        file.read_to_string(&mut text).unwrap();
        Ok(Some(text))
    }

    #[test]
    fn only_what_is_new_and_no_link_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        let source = |path: &str| Source::new(dir.path().to_owned(), path.parse().unwrap());
        std::fs::create_dir_all(at("a/b")).unwrap();

        let report = source("a/b/r.xml");
        assert_eq!(read(&report), Ok(None), "nothing is there");
        std::fs::write(at("a/b/r.xml"), "one").unwrap();
        assert_eq!(read(&report), Ok(Some("one".into())));

        let report = source("a/b/r.xml");
        assert_eq!(read(&report), Ok(None), "it is of another run");
        std::fs::write(at("fresh"), "one").unwrap();
        std::fs::rename(at("fresh"), at("a/b/r.xml")).unwrap();
        assert_eq!(read(&report), Ok(Some("one".into())), "the same words, written again");

        std::os::unix::fs::symlink("/etc", at("link")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at("a/secret")).unwrap();
        nix::unistd::mkfifo(&at("a/fifo"), Mode::S_IRWXU).unwrap();
        for path in ["link/passwd", "a/secret", "a/fifo", "a/b", "a/b/r.xml/x"] {
            assert!(read(&source(path)).is_err(), "{path}");
        }
    }
}
