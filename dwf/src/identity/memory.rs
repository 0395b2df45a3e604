//! What earlier fingerprints of a project were made of, in the user's own state.
//!
//! Invariant: it is private and bounded; losing it loses nothing but an explanation, and what in it is not true is not
//! believed.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::Record;
use devflow_oci::hash::{is_sha256, sha256};

use crate::error::{Exit, Explain};
use crate::files;

/// Fingerprints of one project that are remembered.
const MOST: usize = 20;
/// Bytes of one of them: some ten thousand inputs.
const MAX_BYTES: usize = 4 << 20;

/// The fingerprint is not known any more.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It never was, or was long ago.
    #[error("dwf does not remember what the fingerprint {0} was made of")]
    Unknown(String),
    /// What is remembered is not it.
    #[error("what {} remembers is not that fingerprint", .0.display())]
    Damaged(PathBuf),
}

impl Explain for MemoryError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown(_) => format!(
                "it remembers the last {MOST} that this user had of this project on this machine; a git revision is always \
                 known: dwf fingerprint --diff HEAD"
            ),
            Self::Damaged(path) => format!("remove {}", path.display()),
        })
    }
}

/// The memory of one project.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
    most: usize,
}

impl Memory {
    /// The memory of the project at this place, below dwf's own state.
    pub fn new(root: &Path, state: &Path) -> Self {
        let folder = state.join("fingerprints").join(sha256(root.as_os_str().as_encoded_bytes()));
        Self { folder, most: MOST }
    }

    /// A memory in this folder, of so many at most.
    pub fn within(folder: PathBuf, most: usize) -> Self {
        Self { folder, most }
    }

    /// Whether this is a fingerprint, rather than a revision.
    pub fn is_fingerprint(text: &str) -> bool {
        is_sha256(text)
    }

    /// What a fingerprint was made of.
    pub fn recall(&self, hex: &str) -> Result<Fingerprint, MemoryError> {
        let path = self.path(hex);
        let bytes = match files::read(&path, MAX_BYTES as u64) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(MemoryError::Unknown(hex.to_owned()));
            }
            Err(_) => return Err(MemoryError::Damaged(path)),
        };
        let records: Option<Vec<Record>> = serde_json::from_slice(&bytes).ok();
        match records.map(Fingerprint::of) {
            Some(fingerprint) if fingerprint.hex == hex => Ok(fingerprint),
            _ => Err(MemoryError::Damaged(path)),
        }
    }

    /// The fingerprint that was met last.
    pub fn last(&self) -> Option<String> {
        let (_, path) = self.known().ok()?.pop()?;
        path.file_stem()?.to_str().filter(|hex| Self::is_fingerprint(hex)).map(str::to_owned)
    }

    /// Remembers a fingerprint, and forgets those that were not met for longest.
    pub fn keep(&self, fingerprint: &Fingerprint) -> io::Result<()> {
        let path = self.path(&fingerprint.hex);
        if let Ok(file) = fs::File::options().write(true).open(&path) {
            return file.set_modified(SystemTime::now());
        }
        let bytes = serde_json::to_vec(&fingerprint.records)?;
        if bytes.len() > MAX_BYTES {
            return Ok(());
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&bytes)?;
        file.persist(&path).map_err(|error| error.error)?;
        self.forget()
    }

    fn forget(&self) -> io::Result<()> {
        let mut known = self.known()?;
        let surplus = known.len().saturating_sub(self.most);
        for (_, path) in known.drain(..surplus) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is remembered, the oldest first.
    fn known(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let mut known = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Another dwf may have forgotten it meanwhile.
            if let Ok(time) = entry.metadata().and_then(|metadata| metadata.modified()) {
                known.push((time, entry.path()));
            }
        }
        known.sort();
        Ok(known)
    }

    fn path(&self, hex: &str) -> PathBuf {
        self.folder.join(format!("{hex}.json"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use devflow_oci::fingerprint::Kind;

    use super::*;

    fn fingerprint(name: &str) -> Fingerprint {
        let path = name.to_owned();
        Fingerprint::of(vec![Record { path, kind: Kind::File, exec: true, sha256: Some(sha256(name)) }])
    }

    #[test]
    fn the_last_ones_are_remembered() {
        let state = tempfile::tempdir().unwrap();
        let memory = Memory::new(Path::new("/p"), &state.path().join("new"));
        let all: Vec<_> = (0..MOST + 3).map(|n| fingerprint(&n.to_string())).collect();
        for (age, one) in all.iter().enumerate() {
            memory.keep(one).unwrap();
            // Two of them may be as old as each other.
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64);
            fs::File::options().write(true).open(memory.path(&one.hex)).unwrap().set_modified(time).unwrap();
        }
        assert!(matches!(memory.recall(&all[2].hex), Err(MemoryError::Unknown(_))));
        assert_eq!(memory.recall(&all[3].hex).unwrap(), all[3]);
        // One that is met again is young again.
        assert_eq!(memory.last().as_ref(), all.last().map(|last| &last.hex));
        memory.keep(&all[3]).unwrap();
        assert_eq!(memory.last().as_ref(), Some(&all[3].hex));
        memory.keep(&fingerprint("more")).unwrap();
        assert!(memory.recall(&all[3].hex).is_ok() && memory.recall(&all[4].hex).is_err());
        assert_eq!(fs::read_dir(&memory.folder).unwrap().count(), MOST);

        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&memory.folder), mode(&memory.path(&all[3].hex))), (0o700, 0o600));
        let other = Memory::new(Path::new("/q"), &state.path().join("new"));
        assert!(other.recall(&all[3].hex).is_err() && other.last().is_none());
    }

    #[test]
    fn what_is_not_true_is_not_believed() {
        let state = tempfile::tempdir().unwrap();
        let memory = Memory::new(Path::new("/p"), state.path());
        let (one, two) = (fingerprint("one"), fingerprint("two"));
        memory.keep(&one).unwrap();
        let text = fs::read(memory.path(&one.hex)).unwrap();
        for wrong in [&b"{"[..], b"[]", b"[{\"path\":\"a\"}]", &text] {
            fs::write(memory.path(&two.hex), wrong).unwrap();
            let error = memory.recall(&two.hex).unwrap_err();
            assert!(matches!(error, MemoryError::Damaged(_)), "{error}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_remembered() {
        let state = tempfile::tempdir().unwrap();
        let memory = Memory::new(Path::new("/p"), state.path());
        let large = fingerprint(&"x".repeat(MAX_BYTES));
        memory.keep(&large).unwrap();
        assert!(matches!(memory.recall(&large.hex), Err(MemoryError::Unknown(_))));
    }
}
