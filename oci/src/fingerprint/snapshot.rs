//! The files of a commit as the folders that inputs are looked for in.
//!
//! Invariant: all of it is values; whoever has git asks it for the objects.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::{FingerprintError, Warning};
use super::record::{Kind, Record};
use super::tree::{Around, Entry, RULES, Tree};
use super::trees::{Node, Trees};
use super::{Fingerprint, Inputs, walk};

/// The files of a commit.
#[derive(Debug)]
pub struct Snapshot<'a> {
    trees: &'a Trees,
    root: &'a str,
    around: Around,
}

/// The inputs that a commit has, without their content.
#[derive(Debug)]
pub struct Sought {
    files: Vec<(String, Kind, bool, String)>,
    absent: BTreeSet<String>,
    warnings: Vec<Warning>,
    texts: BTreeMap<String, String>,
}

impl<'a> Snapshot<'a> {
    /// The files below a tree; `prefix` is the project's folder in the repository, `exclude` the repository's own
    /// `info/exclude`. `None` is a tree of which not all is known, or with more files than any commit has.
    #[must_use]
    pub fn new(trees: &'a Trees, root: &'a str, prefix: &Path, exclude: Option<Vec<u8>>) -> Option<Self> {
        if !trees.is_whole(root) {
            return None;
        }
        let around = Around { prefix: prefix.to_owned(), exclude, above: Vec::new() };
        let mut snapshot = Self { trees, root, around };
        let mut above: Vec<_> = prefix.ancestors().skip(1).map(|dir| snapshot.rules_of(dir)).collect();
        above.reverse();
        snapshot.around.above = above;
        Some(snapshot)
    }

    /// Whether the project had anything at this path.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        self.at(&self.within(path)).is_some()
    }

    /// The object of a regular file of the project.
    #[must_use]
    pub fn object(&self, path: &Path) -> Option<&'a str> {
        let node = self.trees.node(self.root, &self.within(path))?;
        (node.entry == Entry::File).then_some(node.object.as_str())
    }

    /// Finds the inputs.
    pub fn find(&self, inputs: &Inputs) -> Result<Sought, FingerprintError> {
        let found = walk::find(self, &inputs.patterns, &inputs.exclude)?;
        let sought = |(path, kind): (PathBuf, Kind)| {
            let node = self.trees.node(self.root, &self.within(&path));
            let (exec, object) = node.map(|node| (node.exec, node.object.clone())).unwrap_or_default();
            let path = path.into_os_string().into_string();
            Ok((path.map_err(|path| FingerprintError::NotUtf8(path.into()))?, kind, exec, object))
        };
        Ok(Sought {
            files: found.files.into_iter().map(sought).collect::<Result<_, _>>()?,
            absent: found.absent,
            warnings: found.warnings,
            texts: inputs.texts.clone(),
        })
    }

    /// A path relative to the root as one relative to the repository's top.
    fn within(&self, path: &Path) -> PathBuf {
        match path.as_os_str().is_empty() {
            // Joining nothing would add a slash.
            true => self.around.prefix.clone(),
            false => self.around.prefix.join(path),
        }
    }

    fn at(&self, path: &Path) -> Option<Entry> {
        match path.as_os_str().is_empty() {
            true => Some(Entry::Folder),
            false => self.trees.node(self.root, path).map(|node| node.entry),
        }
    }

    fn rules_of(&self, dir: &Path) -> Option<Vec<u8>> {
        let node = self.trees.node(self.root, &dir.join(RULES)).filter(|node| node.entry == Entry::File)?;
        self.trees.rules.get(&node.object).cloned()
    }
}

impl Tree for Snapshot<'_> {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, FingerprintError> {
        Ok(self.at(&self.within(path)))
    }

    fn list(&self, dir: &Path) -> Result<Vec<(OsString, Entry)>, FingerprintError> {
        let entry = |(name, node): (&OsString, &Node)| (name.clone(), node.entry);
        let folder = self.trees.folder(self.root, &self.within(dir));
        Ok(folder.into_iter().flatten().map(entry).collect())
    }

    fn rules(&self, dir: &Path) -> Result<Option<Vec<u8>>, FingerprintError> {
        Ok(self.rules_of(&self.within(dir)))
    }

    fn around(&self) -> Result<Around, FingerprintError> {
        Ok(self.around.clone())
    }
}

impl Sought {
    /// The objects whose content counts, each once.
    #[must_use]
    pub fn objects(&self) -> BTreeSet<&str> {
        self.files.iter().map(|(.., object)| object.as_str()).collect()
    }

    /// The fingerprint, once the SHA-256 of each object is known; `None` if one is not.
    #[must_use]
    pub fn fingerprint(self, contents: &BTreeMap<String, String>) -> Option<Fingerprint> {
        let record = |(path, kind, exec, object): (String, Kind, bool, String)| {
            let exec = exec && kind == Kind::File;
            Some(Record { path, kind, exec, sha256: Some(contents.get(&object)?.clone()) })
        };
        let records = self.files.into_iter().map(record).collect::<Option<_>>()?;
        Some(Fingerprint::new(records, self.absent, &self.texts, self.warnings))
    }
}
