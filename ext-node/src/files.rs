//! The only place that touches the file system: bounded reads below the project's root.
//!
//! Invariant: nothing outside the root is opened, whatever links say, nothing but regular files is
//! read, and every look is remembered, so that the answer can name what it depends on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use devflow_protocol::sdk::Failure;

use crate::paths;

/// Bytes of a settings file.
pub(crate) const SMALL: u64 = 2 << 20;
/// Bytes of a lock file.
pub(crate) const LARGE: u64 = 64 << 20;
/// Entries of a folder that are looked at.
const ENTRIES: usize = 4096;

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: String,
    /// Whether it is a folder.
    pub(crate) folder: bool,
}

/// The project's files. Paths are relative to its root.
pub(crate) struct Files {
    root: PathBuf,
    seen: RefCell<BTreeSet<String>>,
}

impl Files {
    /// The files below an absolute path.
    pub(crate) fn below(root: &str) -> Result<Self, Failure> {
        let root = fs::canonicalize(root)
            .map_err(|error| Failure::invalid_project(".", None, format!("cannot open {root}: {error}")))?;
        Ok(Self { root, seen: RefCell::default() })
    }

    /// What was looked at, whether it was there or not.
    pub(crate) fn seen(self) -> BTreeSet<String> {
        self.seen.into_inner()
    }

    fn place(&self, path: &str) -> Option<PathBuf> {
        self.seen.borrow_mut().insert(path.to_owned());
        let place = fs::canonicalize(self.root.join(path)).ok()?;
        place.starts_with(&self.root).then_some(place)
    }

    /// Whether a regular file is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.place(path).is_some_and(|place| place.is_file())
    }

    /// The text of a file; none where there is no file.
    pub(crate) fn text(&self, path: &str, most: u64) -> Result<Option<String>, Failure> {
        let wrong = |what: String| Failure::invalid_project(path, None, format!("{path} {what}"));
        let Some(place) = self.place(path).filter(|place| place.is_file()) else { return Ok(None) };
        let file = File::open(place).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let mut bytes = Vec::new();
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > most {
            return Err(wrong(format!("is larger than {} MiB", most >> 20)));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8".to_owned()))?;
        Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }

    /// The entries of a folder by name; none where there is no folder.
    pub(crate) fn entries(&self, dir: &str) -> Vec<Entry> {
        let Some(listing) = self.place(dir).and_then(|place| fs::read_dir(place).ok()) else {
            return Vec::new();
        };
        let mut entries: Vec<Entry> = listing
            .take(ENTRIES)
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name = entry.file_name().into_string().ok()?;
                Some(Entry { folder: entry.file_type().ok()?.is_dir(), name })
            })
            .collect();
        entries.sort();
        entries
    }

    /// Whether a folder, or one a few levels below it, holds a file that `wanted` accepts: it is
    /// given the folder's path and the file's name.
    pub(crate) fn any(&self, dir: &str, depth: u8, wanted: &dyn Fn(&str, &str) -> bool) -> bool {
        let entries = self.entries(dir);
        if entries.iter().any(|entry| !entry.folder && wanted(dir, &entry.name)) {
            return true;
        }
        let inner = entries.iter().filter(|entry| entry.folder && is_source(&entry.name));
        depth > 0 && inner.take(64).any(|entry| self.any(&paths::join(dir, &entry.name), depth - 1, wanted))
    }
}

/// Whether a folder may hold the project's own files.
pub(crate) fn is_source(name: &str) -> bool {
    !name.starts_with('.')
        && !matches!(name, "node_modules" | "bower_components" | "dist" | "build" | "coverage")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_and_nothing_but_files() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("package.json"), "{}").unwrap();
        let dir = tempfile::tempdir().unwrap();
        symlink(outside.path().join("package.json"), dir.path().join("package.json")).unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/b.json"), "\u{feff}{}").unwrap();
        let files = Files::below(dir.path().to_str().unwrap()).unwrap();
        assert_eq!(files.text("package.json", SMALL).unwrap(), None);
        assert_eq!(files.text("a", SMALL).unwrap(), None);
        assert_eq!(files.text("a/b.json", SMALL).unwrap().unwrap(), "{}");
        assert!(files.text("a/b.json", 2).unwrap_err().message.contains("larger"));
        assert!(files.any(".", 2, &|_, name| name == "b.json"));
        assert!(!files.any(".", 0, &|_, name| name == "b.json"));
        assert!(files.seen().contains("package.json"));
    }
}
