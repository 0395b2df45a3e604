//! The folders that inputs are looked for in: those on disk, or those of a commit.
//!
//! Invariant: nothing is followed, and nothing but a regular file is ever opened.

use std::ffi::OsString;
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::error::FingerprintError;

/// The file of a folder that holds ignore rules.
pub(super) const RULES: &str = ".gitignore";
/// Bytes of a file of ignore rules.
const MAX_RULES: u64 = 16 << 20;
/// Bytes of a file in which git says where a folder is.
const MAX_POINTER: u64 = 8192;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Folder,
    File,
    Symlink,
    /// The folder of another repository, of which a commit knows no files.
    Module,
    /// What can be no input, by name.
    Other(&'static str),
}

/// The repository that a project is a folder of.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    /// The project's root, relative to the repository's top.
    pub(super) prefix: PathBuf,
    /// The rules of the whole repository.
    pub(super) exclude: Option<Vec<u8>>,
    /// The rules of each folder from the top down to the one above the root.
    pub(super) above: Vec<Option<Vec<u8>>>,
}

/// Paths are relative to the project's root.
pub(super) trait Tree {
    /// What is at a path; `None` if nothing is.
    fn entry(&self, path: &Path) -> Result<Option<Entry>, FingerprintError>;
    /// What is in a folder.
    fn list(&self, dir: &Path) -> Result<Vec<(OsString, Entry)>, FingerprintError>;
    /// The ignore rules of a folder.
    fn rules(&self, dir: &Path) -> Result<Option<Vec<u8>>, FingerprintError>;
    /// What is around the root.
    fn around(&self) -> Result<Around, FingerprintError>;
    /// Whether what git keeps for itself is left out.
    fn hides_git(&self) -> bool {
        true
    }
}

/// A project's files as they are.
pub(super) struct Disk<'a> {
    pub(super) root: &'a Path,
}

impl Tree for Disk<'_> {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, FingerprintError> {
        match self.root.join(path).symlink_metadata() {
            Ok(metadata) => Ok(Some(Entry::from(metadata.file_type()))),
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(FingerprintError::unreadable(path, &error)),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<(OsString, Entry)>, FingerprintError> {
        let list = || {
            let entry = |entry: io::Result<std::fs::DirEntry>| {
                let entry = entry?;
                Ok((entry.file_name(), Entry::from(entry.file_type()?)))
            };
            std::fs::read_dir(self.root.join(dir))?.map(entry).collect::<io::Result<Vec<_>>>()
        };
        list().map_err(|error| FingerprintError::unreadable(dir, &error))
    }

    fn rules(&self, dir: &Path) -> Result<Option<Vec<u8>>, FingerprintError> {
        let file = self.root.join(dir).join(RULES);
        rules(&file).map_err(|error| match file.symlink_metadata() {
            Ok(_) => FingerprintError::unreadable(&dir.join(RULES), &error),
            // Nothing in that folder can be looked at.
            Err(_) => FingerprintError::unreadable(dir, &error),
        })
    }

    fn around(&self) -> Result<Around, FingerprintError> {
        let Some(top) = self.root.ancestors().find(|dir| dir.join(".git").symlink_metadata().is_ok()) else {
            return Ok(Around::default());
        };
        let read = |file: PathBuf| rules(&file).map_err(|error| FingerprintError::unreadable(&file, &error));
        let mut above: Vec<_> =
            self.root.ancestors().skip(1).take_while(|dir| dir.starts_with(top)).collect();
        above.reverse();
        Ok(Around {
            prefix: self.root.strip_prefix(top).unwrap_or(Path::new("")).to_owned(),
            exclude: exclude_file(top).map_or(Ok(None), read)?,
            above: above.iter().map(|dir| read(dir.join(RULES))).collect::<Result<_, _>>()?,
        })
    }
}

/// The same files as a builder sees them: it knows nothing of git.
pub(super) struct Plain<'a>(pub(super) Disk<'a>);

impl Tree for Plain<'_> {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, FingerprintError> {
        self.0.entry(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<(OsString, Entry)>, FingerprintError> {
        self.0.list(dir)
    }

    fn rules(&self, _dir: &Path) -> Result<Option<Vec<u8>>, FingerprintError> {
        Ok(None)
    }

    fn around(&self) -> Result<Around, FingerprintError> {
        Ok(Around::default())
    }

    fn hides_git(&self) -> bool {
        false
    }
}

impl From<FileType> for Entry {
    fn from(kind: FileType) -> Self {
        match kind {
            kind if kind.is_file() => Self::File,
            kind if kind.is_dir() => Self::Folder,
            kind if kind.is_symlink() => Self::Symlink,
            kind if kind.is_socket() => Self::Other("a socket"),
            kind if kind.is_fifo() => Self::Other("a pipe"),
            _ => Self::Other("a device"),
        }
    }
}

/// Opens a regular file, whatever its name has become since somebody looked.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // A link must not lead elsewhere, a pipe without a writer must not keep us waiting.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

/// A file of rules, like git not through a link; what is no file has none.
fn rules(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => read(path, MAX_RULES).map(Some),
        Err(error) if !is_nothing(&error) => Err(error),
        _ => Ok(None),
    }
}

fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    match file.take(most + 1).read_to_end(&mut bytes)? as u64 > most {
        true => Err(io::Error::other(format!("it has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// `info/exclude` of a repository, whose `.git` may be a file that says where its folder is.
fn exclude_file(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    if git.is_dir() {
        return Some(git.join("info/exclude"));
    }
    let text = |path: &Path| String::from_utf8(read(path, MAX_POINTER).ok()?).ok();
    let folder = top.join(text(&git)?.strip_prefix("gitdir:")?.trim());
    let common = match text(&folder.join("commondir")) {
        Some(common) => folder.join(common.trim()),
        None => folder,
    };
    Some(common.join("info/exclude"))
}
