//! What is left of what an action made.
//!
//! Invariant: files are known by their content; a whole cache by its folder, which a prune takes away and nobody can
//! put back; what cannot be looked at is no output.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::{Inputs, literal};
use devflow_protocol::name::{CacheName, ExtensionName};
use devflow_protocol::path::RelPath;

use super::record::Left;
use crate::plan::Action;

/// Where the caches of each member and stack are on disk.
pub type CacheFolders = BTreeMap<(RelPath, ExtensionName, CacheName), PathBuf>;

/// Entries of a cache's folder; one with more is not looked at.
const ENTRIES: usize = 10_000;

/// A place where an action leaves something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Files: below this folder, at this path.
    Files(PathBuf, String),
    /// A cache.
    Cache(PathBuf),
    /// A cache that has no folder.
    Nowhere,
}

/// The places of an action's outputs, as the user would name them.
pub(super) fn places(action: &Action, root: &Path, caches: &CacheFolders) -> BTreeMap<String, Place> {
    let folder = |cache: &CacheName| {
        let stack = action.name.stack.clone()?;
        caches.get(&(action.name.member.clone(), stack, cache.clone())).cloned()
    };
    let place = |output: &devflow_protocol::message::Output| match (&output.path, &output.cache) {
        (Some(path), None) => {
            let path = path.below(&action.name.member).to_string();
            (path.clone(), Place::Files(root.to_owned(), path))
        }
        (None, Some(cache)) => {
            (format!("the cache {cache}"), folder(cache).map_or(Place::Nowhere, Place::Cache))
        }
        (Some(path), Some(cache)) => (
            format!("{path} in the cache {cache}"),
            folder(cache).map_or(Place::Nowhere, |folder| Place::Files(folder, path.to_string())),
        ),
        (None, None) => ("an output".to_owned(), Place::Nowhere),
    };
    action.outputs.iter().map(place).collect()
}

/// What is there; `None` where that cannot be told.
pub(super) fn look(place: &Place) -> Option<Left> {
    match place {
        Place::Files(folder, path) => files(folder, path),
        Place::Cache(folder) => cache(folder),
        Place::Nowhere => None,
    }
}

fn files(folder: &Path, path: &str) -> Option<Left> {
    let pattern = if path == "." { "**".to_owned() } else { literal(path) };
    let inputs = Inputs { patterns: vec![pattern], ..Inputs::default() };
    Fingerprint::of_context(folder, &inputs).ok().map(|found| Left::Files(found.hex))
}

fn cache(folder: &Path) -> Option<Left> {
    let metadata = match folder.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Left::Nothing),
        _ => return None,
    };
    // Without its birth, a folder that took over the number of another could not be told from it.
    let born = metadata.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).ok()? {
        // What tools keep there for themselves comes and goes.
        match entry.ok()?.file_name().into_string() {
            Ok(name) if !name.starts_with('.') => names.push(name),
            _ => continue,
        }
        if names.len() > ENTRIES {
            return None;
        }
    }
    names.sort();
    let (device, inode) = (metadata.dev(), metadata.ino());
    Some(Left::Folder { device, inode, born: u64::try_from(born.as_nanos()).ok()?, names })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_known_by_their_content() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::Files(dir.path().to_owned(), "a/dist".to_owned());
        let absent = look(&place).unwrap();
        fs::create_dir_all(dir.path().join("a/dist/deep")).unwrap();
        // Ignored or not: it is what was made.
        fs::write(dir.path().join(".gitignore"), "dist\n").unwrap();
        let file = dir.path().join("a/dist/deep/x");
        fs::write(&file, "1").unwrap();
        let first = look(&place).unwrap();
        assert!(!absent.still(&first));
        fs::remove_dir_all(dir.path().join("a")).unwrap();
        assert!(!first.still(&look(&place).unwrap()) && absent.still(&look(&place).unwrap()));
        fs::create_dir_all(dir.path().join("a/dist/deep")).unwrap();
        fs::write(&file, "1").unwrap();
        assert!(first.still(&look(&place).unwrap()));
        // A clock that stood still changes nothing.
        let time = file.metadata().unwrap().modified().unwrap();
        fs::write(&file, "2").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        assert!(!first.still(&look(&place).unwrap()));
    }

    #[test]
    fn a_cache_is_known_by_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cache");
        let place = Place::Cache(folder.clone());
        assert_eq!(look(&place), Some(Left::Nothing));
        fs::create_dir_all(folder.join("debug")).unwrap();
        let first = look(&place).unwrap();
        // Work goes on in it.
        fs::create_dir(folder.join("release")).unwrap();
        fs::write(folder.join(".lock"), "").unwrap();
        assert!(first.still(&look(&place).unwrap()));
        let second = look(&place).unwrap();
        fs::remove_file(folder.join(".lock")).unwrap();
        assert!(second.still(&look(&place).unwrap()));
        fs::remove_dir(folder.join("debug")).unwrap();
        assert!(!first.still(&look(&place).unwrap()));
        // Pruned, and made anew with what it had.
        fs::remove_dir_all(&folder).unwrap();
        assert!(!first.still(&look(&place).unwrap()));
        fs::create_dir_all(folder.join("debug")).unwrap();
        assert!(!first.still(&look(&place).unwrap()));
        fs::remove_dir_all(&folder).unwrap();
        std::os::unix::fs::symlink(dir.path(), &folder).unwrap();
        assert_eq!(look(&place), None);
    }
}
