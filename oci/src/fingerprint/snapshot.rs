//! The files of a commit, as git lists them, as the folders that inputs are looked for in.
//!
//! Invariant: all of it is values; whoever has git asks it for the listing and the objects.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::{FingerprintError, Warning};
use super::record::{Kind, Record};
use super::tree::{Around, Entry, RULES, Tree};
use super::{Fingerprint, Inputs, walk};

/// The arguments for git that list a commit as [`Snapshot::parse`] reads it.
#[must_use]
pub fn listing(commit: &str) -> Vec<String> {
    ["ls-tree", "-r", "-z", "--full-tree", commit].map(str::to_owned).into()
}

/// The files of a commit.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// By path, relative to the repository's top.
    files: BTreeMap<PathBuf, Node>,
    folders: BTreeMap<PathBuf, BTreeSet<OsString>>,
    rules: BTreeMap<String, Vec<u8>>,
    around: Around,
}

#[derive(Debug)]
struct Node {
    entry: Entry,
    exec: bool,
    object: String,
}

/// The inputs that a commit has, without their content.
#[derive(Debug)]
pub struct Sought {
    files: Vec<(String, Kind, bool, String)>,
    absent: BTreeSet<String>,
    warnings: Vec<Warning>,
    texts: BTreeMap<String, String>,
}

impl Snapshot {
    /// Reads git's listing of a commit; `prefix` is the project's folder in the repository. `None` is no such listing.
    #[must_use]
    pub fn parse(listing: &[u8], prefix: &Path) -> Option<Self> {
        let mut snapshot = Self::default();
        for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let tab = line.iter().position(|byte| *byte == b'\t')?;
            let (head, path) = (std::str::from_utf8(&line[..tab]).ok()?, &line[tab + 1..]);
            let mut words = head.split(' ');
            let (mode, _, object) = (words.next()?, words.next()?, words.next()?);
            let entry = match mode {
                "120000" => Entry::Symlink,
                "160000" => Entry::Module,
                mode if mode.starts_with("100") => Entry::File,
                _ => return None,
            };
            snapshot.add(
                Path::new(OsStr::from_bytes(path)),
                Node { entry, exec: mode == "100755", object: object.to_owned() },
            );
        }
        snapshot.around.prefix = prefix.to_owned();
        Some(snapshot)
    }

    fn add(&mut self, path: &Path, node: Node) {
        let mut path = path.to_owned();
        self.files.insert(path.clone(), node);
        while let (Some(name), Some(parent)) = (path.file_name().map(OsStr::to_owned), path.parent()) {
            let parent = parent.to_owned();
            let siblings = self.folders.entry(parent.clone()).or_default();
            // Whoever is known has known parents.
            if !siblings.insert(name) {
                break;
            }
            path = parent;
        }
    }

    /// Whether the project had anything at this path.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        self.at(&self.within(path)).is_some()
    }

    /// The object of a regular file of the project.
    #[must_use]
    pub fn object(&self, path: &Path) -> Option<&str> {
        let node = self.files.get(&self.within(path))?;
        (node.entry == Entry::File).then_some(node.object.as_str())
    }

    /// The objects with ignore rules; [`Snapshot::learn`] is to get what is in them.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        let is_rules = |path: &Path| path.file_name() == Some(OsStr::new(RULES));
        self.files
            .iter()
            .filter(move |(path, node)| node.entry == Entry::File && is_rules(path))
            .map(|(_, node)| node.object.as_str())
    }

    /// Takes what is in the objects with ignore rules, and the repository's own `info/exclude`.
    pub fn learn(&mut self, rules: BTreeMap<String, Vec<u8>>, exclude: Option<Vec<u8>>) {
        self.rules = rules;
        self.around.exclude = exclude;
        let mut above: Vec<_> =
            self.around.prefix.ancestors().skip(1).map(|dir| self.rules_of(dir)).collect();
        above.reverse();
        self.around.above = above;
    }

    /// Finds the inputs.
    pub fn find(&self, inputs: &Inputs) -> Result<Sought, FingerprintError> {
        let found = walk::find(self, &inputs.patterns, &inputs.exclude)?;
        let sought = |(path, kind): (PathBuf, Kind)| {
            let node = self.files.get(&self.within(&path));
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
        match self.files.get(path) {
            Some(node) => Some(node.entry),
            None => self.folders.contains_key(path).then_some(Entry::Folder),
        }
    }

    fn rules_of(&self, dir: &Path) -> Option<Vec<u8>> {
        self.rules.get(&self.files.get(&dir.join(RULES))?.object).cloned()
    }
}

impl Tree for Snapshot {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, FingerprintError> {
        Ok(self.at(&self.within(path)))
    }

    fn list(&self, dir: &Path) -> Result<Vec<(OsString, Entry)>, FingerprintError> {
        let dir = self.within(dir);
        let names = self.folders.get(&dir).into_iter().flatten();
        Ok(names.filter_map(|name| Some((name.clone(), self.at(&dir.join(name))?))).collect())
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
