//! Files that reports are written to.
//!
//! Invariant: a reader sees the old file or the new one, never a part; the folder is the one that
//! was there before any action ran, whatever an action has put in its place.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::error::{Exit, Explain};

/// A report's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// JUnit's XML.
    Junit,
    /// JSON.
    Json,
}

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The system says no.
    #[error("the report {} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// It has no form.
    #[error("the report {} cannot be made: {reason}", path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Explain for ReportError {
    fn exit(&self) -> Exit {
        match self {
            Self::Write(..) => Exit::Machine,
            Self::Make { .. } => Exit::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Write(..) => {
                Some("name a file in a folder that is there and that no action removes".to_owned())
            }
            Self::Make { .. } => None,
        }
    }
}

/// A file that is to be written.
#[derive(Debug)]
pub struct Target {
    /// What is written.
    pub format: Format,
    path: PathBuf,
    folder: OwnedFd,
    name: String,
}

impl Target {
    /// Makes the file's folder, and holds on to it.
    pub fn new(format: Format, path: PathBuf) -> Result<Self, ReportError> {
        let failed = |error: io::Error| ReportError::Write(path.clone(), error);
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let name = name.ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        if path.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let parent = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(failed)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let folder = open(parent, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        Ok(Self { format, path: path.clone(), folder, name })
    }

    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a text there.
    pub fn write(&self, text: &str) -> Result<(), ReportError> {
        let fresh = format!(".{}.dwf-{}", self.name, std::process::id());
        self.replace(&fresh, text).map_err(|error| {
            // What is left of it is of no use; that it cannot be removed changes nothing.
            let _ = unlinkat(&self.folder, fresh.as_str(), UnlinkatFlags::NoRemoveDir);
            ReportError::Write(self.path.clone(), error)
        })
    }

    fn replace(&self, fresh: &str, text: &str) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&self.folder, fresh, flags, Mode::from_bits_truncate(0o644))?;
        let mut file = File::from(file);
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(renameat(&self.folder, fresh, &self.folder, self.name.as_str())?)
    }
}

/// Adds a text to a file that somebody else began; `most` is what the file may have in all.
pub fn append(path: &Path, most: u64, text: impl Fn(usize) -> String) -> Result<(), ReportError> {
    let failed = |error| ReportError::Write(path.to_owned(), error);
    let mut file = File::options().append(true).create(true).open(path).map_err(failed)?;
    let there = file.metadata().map_err(failed)?.len();
    let room = usize::try_from(most.saturating_sub(there)).unwrap_or(usize::MAX);
    file.write_all(text(room).as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_whole_to_where_its_folder_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/reports/r.xml");
        let target = Target::new(Format::Junit, path.clone()).unwrap();
        target.write("one").unwrap();
        target.write("two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");

        let elsewhere = dir.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::rename(dir.path().join("new/reports"), dir.path().join("new/old")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, dir.path().join("new/reports")).unwrap();
        target.write("three").unwrap();
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0, "a link leads nowhere");
        assert_eq!(std::fs::read_to_string(dir.path().join("new/old/r.xml")).unwrap(), "three");

        std::fs::remove_dir_all(dir.path().join("new/old")).unwrap();
        assert!(target.write("four").is_err(), "the folder is gone");
        assert!(Target::new(Format::Json, dir.path().to_owned()).is_err(), "a folder is no file");
    }

    #[test]
    fn what_is_added_knows_its_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("summary");
        std::fs::write(&path, "12345").unwrap();
        append(&path, 8, |room| "x".repeat(room)).unwrap();
        append(&path, 8, |room| "x".repeat(room)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "12345xxx");
    }
}
