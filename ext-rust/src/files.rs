//! Reading the project's files: the only place that touches the disk.
//!
//! Invariant: every read is bounded, and nothing outside the project's root is read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::Failure;

use crate::words;

/// Bytes of one file.
const FILE: u64 = 1 << 20;
/// Entries of one folder.
const ENTRIES: usize = 20_000;

/// The files of a project, by paths relative to its root (`""` is the root itself).
pub(crate) struct Files {
    root: PathBuf,
    dir: String,
    reads: RefCell<BTreeSet<String>>,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) folder: bool,
}

impl Files {
    /// The files below `root`, on behalf of the member in `dir`.
    pub(crate) fn new(root: &str, dir: &str) -> Result<Self, Failure> {
        let dir = if dir == "." { "" } else { dir };
        let root = fs::canonicalize(root).map_err(|error| {
            Failure::invalid_project(".", None, format!("{root} cannot be read: {error}"))
        })?;
        Ok(Self { root, dir: dir.to_owned(), reads: RefCell::default() })
    }

    /// What was looked at so far, relative to the member; what lies above it cannot be named.
    pub(crate) fn reads(&self) -> Vec<RelPath> {
        let reads = self.reads.borrow();
        let below = |path| words::below(path, &self.dir).filter(|below| !below.is_empty());
        reads.iter().map(String::as_str).filter_map(below).filter_map(|path| path.parse().ok()).collect()
    }

    /// The text of a file; nothing when there is none.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Failure> {
        self.reads.borrow_mut().insert(path.to_owned());
        let Some(place) = self.inside(path)? else { return Ok(None) };
        let wrong = |reason: String| self.wrong(path, None, reason);
        if !place.is_file() {
            return Ok(None);
        }
        let mut text = String::new();
        let file = File::open(&place).map_err(|error| wrong(error.to_string()))?;
        match file.take(FILE + 1).read_to_string(&mut text) {
            Ok(_) if text.len() as u64 > FILE => Err(wrong(format!("it is larger than {FILE} bytes"))),
            Ok(_) => Ok(Some(text)),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Whether there is such a file. Its absence is a fact that an answer may depend on, too.
    pub(crate) fn has(&self, path: &str) -> Result<bool, Failure> {
        self.reads.borrow_mut().insert(path.to_owned());
        Ok(self.inside(path)?.is_some_and(|place| place.is_file()))
    }

    /// A folder's entries in order, without hidden ones; none when there is no such folder.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Entry>, Failure> {
        self.reads.borrow_mut().insert(path.to_owned());
        let Some(place) = self.inside(path)?.filter(|place| place.is_dir()) else { return Ok(Vec::new()) };
        let wrong = |reason: String| self.wrong(path, None, reason);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&place).map_err(|error| wrong(error.to_string()))? {
            let entry = entry.map_err(|error| wrong(error.to_string()))?;
            if let Ok(name) = entry.file_name().into_string()
                && !name.starts_with('.')
            {
                entries.push(Entry { folder: entry.path().is_dir(), name });
            }
            if entries.len() > ENTRIES {
                return Err(wrong(format!("it has more than {ENTRIES} entries")));
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// The failure that a file is wrong.
    pub(crate) fn wrong(&self, path: &str, line: Option<u64>, reason: impl AsRef<str>) -> Failure {
        let file = words::relative(path, &self.dir);
        let at = line.map(|line| format!(":{line}")).unwrap_or_default();
        Failure::invalid_project(&file, line, format!("{file}{at}: {}", reason.as_ref()))
    }

    /// Where a path really is; nothing when it does not exist, a failure when it leads out.
    fn inside(&self, path: &str) -> Result<Option<PathBuf>, Failure> {
        match fs::canonicalize(self.root.join(Path::new(path))) {
            Ok(place) if place.starts_with(&self.root) => Ok(Some(place)),
            Ok(_) => Err(self.wrong(path, None, "it is a link that leads out of the project")),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(self.wrong(path, None, error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_bounded_and_stay_inside() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let project = tempfile::tempdir().unwrap();
        let at = |name: &str| project.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/big"), "x".repeat(FILE as usize + 1)).unwrap();
        fs::write(at("a/bytes"), [0xff]).unwrap();
        fs::write(at("a/fine"), "text").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), at("a/out")).unwrap();
        std::os::unix::fs::symlink(at("a/fine"), at("a/in")).unwrap();
        std::os::unix::fs::symlink(at("a/loop"), at("a/loop")).unwrap();

        let files = Files::new(project.path().to_str().unwrap(), "a").unwrap();
        assert_eq!(files.text("a/fine").unwrap().as_deref(), Some("text"));
        assert_eq!(files.text("a/in").unwrap().as_deref(), Some("text"));
        for absent in ["a/none", "a/b", "a/fine/x"] {
            assert_eq!(files.text(absent).unwrap(), None, "{absent}");
        }
        for (bad, part) in
            [("a/big", "larger"), ("a/out", "out of the project"), ("a/bytes", "UTF-8"), ("a/loop", "")]
        {
            let failure = files.text(bad).unwrap_err();
            assert!(failure.message.contains(part), "{}", failure.message);
            assert_eq!(failure.data["file"], bad.trim_start_matches("a/"));
        }
        let reads: Vec<_> = files.reads().into_iter().map(String::from).collect();
        assert_eq!(reads, ["b", "big", "bytes", "fine", "fine/x", "in", "loop", "none", "out"]);
        assert_eq!(files.list("a/b").unwrap(), []);
    }
}
