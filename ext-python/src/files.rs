//! Reading the project's files: the only place that touches the disk.
//!
//! Invariant: every read is bounded, and nothing outside the project's root is read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::Failure;

use crate::words;

/// Bytes of one file; lock files are looked at, never read.
const FILE: u64 = 2 << 20;
/// Entries of folders that are looked at, in all, and how deep.
const ENTRIES: usize = 20_000;
const DEPTH: usize = 12;

/// The files of a project, by paths relative to its root (`""` is the root itself).
pub(crate) struct Files {
    root: PathBuf,
    dir: String,
    reads: RefCell<BTreeSet<String>>,
}

/// The Python files below a folder, relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Their paths, in order.
    pub(crate) files: Vec<String>,
    /// Whether there was too much to look at all of it.
    pub(crate) cut: bool,
}

impl Files {
    /// The files below `root`, on behalf of the member in `dir`.
    pub(crate) fn new(root: &str, dir: &str) -> Result<Self, Failure> {
        let root = fs::canonicalize(root).map_err(|error| {
            Failure::invalid_project(".", None, format!("{root} cannot be read: {error}"))
        })?;
        Ok(Self { root, dir: dir.to_owned(), reads: RefCell::default() })
    }

    /// What was looked at so far, relative to the member; what lies above it cannot be named.
    pub(crate) fn reads(&self) -> Vec<RelPath> {
        let reads = self.reads.borrow();
        reads.iter().filter_map(|path| words::below(path, &self.dir)?.parse().ok()).collect()
    }

    /// The text of a file; nothing when there is none.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Failure> {
        let Some(place) = self.inside(path)?.filter(|place| place.is_file()) else { return Ok(None) };
        let wrong = |reason: String| self.wrong(path, None, &reason);
        let mut text = String::new();
        let file = File::open(&place).map_err(|error| wrong(error.to_string()))?;
        match file.take(FILE + 1).read_to_string(&mut text) {
            Ok(_) if text.len() as u64 > FILE => Err(wrong(format!("it is larger than {FILE} bytes"))),
            Ok(_) => Ok(Some(text.trim_start_matches('\u{feff}').to_owned())),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Whether there is such a file. Its absence is a fact that an answer may depend on, too.
    pub(crate) fn has(&self, path: &str) -> Result<bool, Failure> {
        Ok(self.inside(path)?.is_some_and(|place| place.is_file()))
    }

    /// The names of the folders in a folder, in order, without hidden ones.
    pub(crate) fn folders(&self, path: &str) -> Result<Vec<String>, Failure> {
        let Some(place) = self.inside(path)? else { return Ok(Vec::new()) };
        let mut budget = ENTRIES;
        let entries = list(&place, &mut budget).into_iter();
        Ok(entries.filter(|(_, folder)| *folder).map(|(name, _)| name).collect())
    }

    /// The Python files below a folder, without hidden, generated and foreign ones. No link is followed.
    pub(crate) fn tree(&self, path: &str) -> Result<Tree, Failure> {
        let mut tree = Tree::default();
        let Some(top) = self.inside(path)? else { return Ok(tree) };
        let mut budget = ENTRIES;
        let mut todo = vec![(top, String::new(), 0)];
        while let Some((place, prefix, depth)) = todo.pop() {
            for (name, folder) in list(&place, &mut budget) {
                let (inner, relative) = (place.join(&name), format!("{prefix}{name}"));
                if !folder {
                    tree.files.extend(name.ends_with(".py").then_some(relative));
                } else if depth == DEPTH {
                    tree.cut = true;
                } else if !is_foreign(&name) && !inner.join("pyvenv.cfg").exists() {
                    todo.push((inner, relative + "/", depth + 1));
                }
            }
        }
        tree.cut |= budget == 0;
        tree.files.sort();
        Ok(tree)
    }

    /// The failure that a file is wrong.
    pub(crate) fn wrong(&self, path: &str, line: Option<u64>, reason: &str) -> Failure {
        let file = words::below(path, &self.dir).unwrap_or(path);
        let at = line.map(|line| format!(":{line}")).unwrap_or_default();
        Failure::invalid_project(file, line, format!("{file}{at}: {reason}"))
    }

    /// Where a path really is; nothing when it does not exist, a failure when it leads out.
    fn inside(&self, path: &str) -> Result<Option<PathBuf>, Failure> {
        self.reads.borrow_mut().insert(path.to_owned());
        match fs::canonicalize(self.root.join(path)) {
            Ok(place) if place.starts_with(&self.root) => Ok(Some(place)),
            Ok(_) => Err(self.wrong(path, None, "it is a link that leads out of the project")),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(self.wrong(path, None, &error.to_string())),
        }
    }
}

/// The entries of a folder and whether each is a folder; what cannot be read has none.
fn list(place: &std::path::Path, budget: &mut usize) -> Vec<(String, bool)> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            break;
        }
        let Ok(kind) = entry.file_type() else { continue };
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && !kind.is_symlink()
        {
            entries.push((name, kind.is_dir()));
        }
    }
    entries.sort();
    entries
}

fn is_foreign(folder: &str) -> bool {
    ["node_modules", "__pycache__", "site-packages", "target", "build", "dist"].contains(&folder)
        || folder.ends_with(".egg-info")
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
        fs::create_dir_all(at("a/b/__pycache__")).unwrap();
        fs::write(at("a/big"), "x".repeat(FILE as usize + 1)).unwrap();
        fs::write(at("a/bytes"), [0xff]).unwrap();
        fs::write(at("a/fine"), "text").unwrap();
        fs::write(at("a/b/x.py"), "").unwrap();
        fs::write(at("a/b/__pycache__/y.py"), "").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), at("a/out")).unwrap();
        std::os::unix::fs::symlink(at("a/loop"), at("a/loop")).unwrap();

        let files = Files::new(project.path().to_str().unwrap(), "a").unwrap();
        assert_eq!(files.text("a/fine").unwrap().as_deref(), Some("text"));
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
        assert_eq!(files.tree("a").unwrap(), Tree { files: vec!["b/x.py".to_owned()], cut: false });
        assert_eq!(files.folders("a").unwrap(), ["b"]);
        let reads: Vec<_> = files.reads().into_iter().map(String::from).collect();
        assert_eq!(reads, ["b", "big", "bytes", "fine", "fine/x", "loop", "none", "out"]);
    }
}
