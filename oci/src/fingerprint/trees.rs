//! Git's tree objects: the folders of commits.
//!
//! Invariant: a folder that many commits share is here once; a name in it is a name, never a path.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::tree::{Entry, RULES};
use crate::hash::hex;

/// Files that a commit may have: a few small trees can stand for more than any disk holds.
const MOST_FILES: u64 = 10_000_000;
/// Folders in folders that a commit may have: no system has longer paths.
pub const MOST_FOLDERS: usize = 1000;

/// Folders of commits, by the id of git's object for each.
#[derive(Debug, Default)]
pub struct Trees {
    trees: BTreeMap<String, BTreeMap<OsString, Node>>,
    pub(super) rules: BTreeMap<String, Vec<u8>>,
}

/// What a folder says of one name.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) entry: Entry,
    pub(super) exec: bool,
    pub(super) object: String,
}

impl Trees {
    /// Takes a tree as git stores it, whose own id is `id`. `None` is no tree; else these of its folders are not known.
    pub fn learn(&mut self, id: &str, bytes: &[u8]) -> Option<BTreeSet<String>> {
        let nodes = parse(bytes, id.len() / 2)?;
        let folders = nodes.values().filter(|node| node.entry == Entry::Folder).map(|node| &node.object);
        let unknown = folders.filter(|object| !self.trees.contains_key(*object)).cloned().collect();
        self.trees.insert(id.to_owned(), nodes);
        Some(unknown)
    }

    /// The objects with ignore rules; [`Trees::learn_rules`] is to get what is in them.
    #[must_use]
    pub fn rules(&self) -> BTreeSet<&str> {
        let rules = |folder: &BTreeMap<OsString, Node>| {
            folder.get(OsStr::new(RULES)).is_some_and(|node| node.entry == Entry::File)
        };
        let folders = self.trees.values().filter(|folder| rules(folder));
        folders.filter_map(|folder| Some(folder.get(OsStr::new(RULES))?.object.as_str())).collect()
    }

    /// Takes what is in the objects with ignore rules.
    pub fn learn_rules(&mut self, rules: BTreeMap<String, Vec<u8>>) {
        self.rules.extend(rules);
    }

    /// Whether all folders below this one are known and it has no more files than a commit may.
    pub(super) fn is_whole(&self, root: &str) -> bool {
        self.files(root, &mut BTreeMap::new(), 0).is_some_and(|files| files <= MOST_FILES)
    }

    fn files<'a>(&'a self, id: &'a str, known: &mut BTreeMap<&'a str, u64>, depth: usize) -> Option<u64> {
        if let Some(files) = known.get(id) {
            return Some(*files);
        }
        if depth > MOST_FOLDERS {
            return None;
        }
        let mut files: u64 = 0;
        for node in self.trees.get(id)?.values() {
            files = files.saturating_add(match node.entry {
                Entry::Folder => self.files(&node.object, known, depth + 1)?,
                _ => 1,
            });
        }
        known.insert(id, files);
        Some(files)
    }

    /// What is in a folder.
    pub(super) fn folder(&self, root: &str, path: &Path) -> Option<&BTreeMap<OsString, Node>> {
        let mut folder = self.trees.get(root)?;
        for name in path {
            folder = match folder.get(name)? {
                Node { entry: Entry::Folder, object, .. } => self.trees.get(object)?,
                _ => return None,
            };
        }
        Some(folder)
    }

    /// What is at a path that is not the root's.
    pub(super) fn node(&self, root: &str, path: &Path) -> Option<&Node> {
        self.folder(root, path.parent()?)?.get(path.file_name()?)
    }
}

/// Reads `<mode> <name>\0<id>`, again and again; an id has this many bytes.
fn parse(mut bytes: &[u8], id: usize) -> Option<BTreeMap<OsString, Node>> {
    let mut nodes = BTreeMap::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let (head, rest) = (&bytes[..end], bytes.get(end + 1 + id..)?);
        let blank = head.iter().position(|byte| *byte == b' ')?;
        let (mode, name) = (&head[..blank], &head[blank + 1..]);
        let entry = match mode {
            b"40000" => Entry::Folder,
            b"120000" => Entry::Symlink,
            b"160000" => Entry::Module,
            mode if mode.starts_with(b"100") => Entry::File,
            _ => return None,
        };
        if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
            return None;
        }
        let object = hex(&bytes[end + 1..end + 1 + id]);
        let name = OsStr::from_bytes(name).to_owned();
        nodes.insert(name, Node { entry, exec: mode == b"100755", object });
        bytes = rest;
    }
    Some(nodes)
}
