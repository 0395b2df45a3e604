//! What `dwf init` does to one file, and doing it.
//!
//! Invariant: a file is there as it was, or whole as it should be; no link is followed.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::InitError;
use crate::files;

/// Bytes of a file that is looked at.
const MAX_BYTES: u64 = 1 << 20;

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is new.
    Write,
    /// It was there, and is given up.
    Replace,
    /// It gets lines at its end.
    Extend,
    /// It is there, and says something else.
    Keep,
    /// It is as it should be.
    Same,
}

/// A file, and what happens to it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) step: Step,
    name: &'static str,
    /// All that will be in it.
    content: Vec<u8>,
    /// What is new in it.
    new: String,
}

impl Change {
    /// A file that is dwf's to write.
    pub(super) fn file(
        root: &Path,
        name: &'static str,
        text: String,
        force: bool,
    ) -> Result<Self, InitError> {
        let step = match there(root, name) {
            Ok(None) => Step::Write,
            Ok(Some(old)) if old == text.as_bytes() => Step::Same,
            // Whatever it is, it is not looked into.
            Ok(Some(_)) | Err(_) if !force => Step::Keep,
            Ok(Some(_)) => Step::Replace,
            Err(error) => return Err(error),
        };
        Ok(Self { step, name, content: text.clone().into_bytes(), new: text })
    }

    /// A file that gets what it lacks; `missing` says what that is.
    pub(super) fn lines(
        root: &Path,
        name: &'static str,
        missing: impl FnOnce(Option<&str>) -> String,
    ) -> Result<Self, InitError> {
        let old = there(root, name)?;
        let text = old.as_deref().map(String::from_utf8_lossy);
        let new = missing(text.as_deref());
        let (step, content) = match old {
            None => (Step::Write, new.clone().into_bytes()),
            Some(old) if new.is_empty() => (Step::Same, old),
            Some(old) => (Step::Extend, extended(old, &new)),
        };
        Ok(Self { step, name, content, new })
    }

    /// What happens, for a person; with all that is new, if nothing happens yet.
    pub(super) fn shown(&self, whole: bool) -> String {
        let (word, more) = match self.step {
            Step::Write => ("write", ""),
            Step::Replace => ("replace", ""),
            Step::Extend => ("extend", ""),
            Step::Keep => ("keep", "  (it is there already; --force replaces it)"),
            Step::Same => ("same", ""),
        };
        let mut text = format!("{word:<8} {}{more}\n", self.name);
        if whole && self.is_written() {
            for line in self.new.lines() {
                text.push_str(format!("  | {line}").trim_end());
                text.push('\n');
            }
        }
        text
    }

    fn is_written(&self) -> bool {
        matches!(self.step, Step::Write | Step::Replace | Step::Extend)
    }
}

/// What is in a file; `None` where there is none.
fn there(root: &Path, name: &str) -> Result<Option<Vec<u8>>, InitError> {
    match files::read_here(&root.join(name), MAX_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(InitError::There(name.to_owned(), error)),
    }
}

/// A text with lines at its end, which end as its own do.
fn extended(mut old: Vec<u8>, new: &str) -> Vec<u8> {
    let windows = old.windows(2).any(|pair| pair == b"\r\n");
    let end = if windows { "\r\n" } else { "\n" };
    if !old.is_empty() {
        if !old.ends_with(b"\n") {
            old.extend(end.bytes());
        }
        old.extend(end.bytes());
    }
    old.extend(new.replace('\n', end).bytes());
    old
}

/// Makes the changes. All contents are on disk before the first of them gets its name.
pub(super) fn make(root: &Path, changes: &[Change]) -> Result<(), InitError> {
    let written = changes.iter().filter(|change| change.is_written());
    let staged: Result<Vec<_>, _> = written.map(|change| Ok((change, stage(root, change)?))).collect();
    for (change, file) in staged? {
        let path = root.join(change.name);
        let named = match change.step {
            // Somebody may have made it meanwhile.
            Step::Write => file.persist_noclobber(&path),
            _ => file.persist(&path),
        };
        named.map_err(|error| InitError::Write(path, error.error))?;
    }
    Ok(())
}

fn stage(root: &Path, change: &Change) -> Result<NamedTempFile, InitError> {
    let path: PathBuf = root.join(change.name);
    let old = path.symlink_metadata().ok().filter(|meta| meta.is_file() && change.step == Step::Extend);
    let mode = old.map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    let write = || {
        let mut file =
            tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(root)?;
        file.write_all(&change.content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|error| InitError::Write(path, error))
}
