//! The identity of an environment: one digest over the files and texts that make it. `FINGERPRINT.md` is the format.
//!
//! Invariant: the same inputs give the same digest on every machine, whatever their order, place, owner and times; no
//! file outside the project, no ignored file and no symbolic link's target is ever read into it.

mod content;
mod error;
mod glob;
mod ignored;
mod pattern;
mod record;
mod rule;
mod snapshot;
mod tree;
mod trees;
mod walk;

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod odd_tests;
#[cfg(test)]
mod snapshot_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use error::{FingerprintError, Warning};
pub use record::{Change, Kind, Record, diff};
pub use snapshot::{Snapshot, Sought};
pub use trees::{MOST_FOLDERS, Trees};

use crate::hash::{hex, sha256};

/// The first bytes of what is hashed.
const HEADER: &[u8] = b"devflow fingerprint 1\n";

/// What goes into a fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inputs {
    /// Paths and globs, relative to the project's root; a folder means all that is in it.
    pub patterns: Vec<String>,
    /// Paths and globs of what is left out all the same.
    pub exclude: Vec<String>,
    /// Texts that are in no file, by name.
    pub texts: BTreeMap<String, String>,
}

/// A digest, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// 64 hexadecimal digits.
    pub hex: String,
    /// What was hashed, in order.
    pub records: Vec<Record>,
    /// What the author of the inputs should know.
    pub warnings: Vec<Warning>,
}

/// Whether a path or glob can be an input.
pub fn check(pattern: &str) -> Result<(), FingerprintError> {
    pattern::parse(pattern).map(|_| ())
}

/// The pattern that means this one path, whatever is in its name.
#[must_use]
pub fn literal(path: &str) -> String {
    glob::escaped(path)
}

impl Fingerprint {
    /// Reads the inputs below a project's root.
    pub fn compute(root: &Path, inputs: &Inputs) -> Result<Self, FingerprintError> {
        Self::on_disk(&tree::Disk { root }, root, inputs)
    }

    /// As [`Fingerprint::compute`], of several inputs at once; what they share is read once.
    pub fn compute_each(root: &Path, all: &[Inputs]) -> Result<Vec<Self>, FingerprintError> {
        let tree = tree::Disk { root };
        let find = |inputs: &Inputs| walk::find(&tree, &inputs.patterns, &inputs.exclude);
        let found = all.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let union: BTreeSet<_> = found.iter().flat_map(|found| found.files.iter().cloned()).collect();
        let records = content::read(root, &Vec::from_iter(union))?;
        let by_path: BTreeMap<&str, &Record> = records.iter().map(|r| (r.path.as_str(), r)).collect();
        let one = |(inputs, found): (&Inputs, walk::Found)| {
            let paths = found.files.iter().filter_map(|(path, _)| path.to_str());
            let own = paths.filter_map(|path| by_path.get(path).map(|record| (*record).clone())).collect();
            Self::new(own, found.absent, &inputs.texts, found.warnings)
        };
        Ok(all.iter().zip(found).map(one).collect())
    }

    /// As [`Fingerprint::compute`], of what a builder sees: it takes what git would ignore, and git's own folder.
    pub fn of_context(root: &Path, inputs: &Inputs) -> Result<Self, FingerprintError> {
        Self::on_disk(&tree::Plain(tree::Disk { root }), root, inputs)
    }

    fn on_disk(tree: &dyn tree::Tree, root: &Path, inputs: &Inputs) -> Result<Self, FingerprintError> {
        let found = walk::find(tree, &inputs.patterns, &inputs.exclude)?;
        let records = content::read(root, &found.files)?;
        Ok(Self::new(records, found.absent, &inputs.texts, found.warnings))
    }

    /// The fingerprint that these records make, in any order.
    #[must_use]
    pub fn of(mut records: Vec<Record>) -> Self {
        records.sort();
        Self { hex: digest(&records), records, warnings: Vec::new() }
    }

    fn new(
        mut records: Vec<Record>,
        absent: BTreeSet<String>,
        texts: &BTreeMap<String, String>,
        warnings: Vec<Warning>,
    ) -> Self {
        let plain = |path, kind, sha256| Record { path, kind, exec: false, sha256 };
        records.extend(absent.into_iter().map(|path| plain(path, Kind::Absent, None)));
        records.extend(texts.iter().map(|(name, text)| plain(name.clone(), Kind::Text, Some(sha256(text)))));
        Self { warnings, ..Self::of(records) }
    }
}

/// The digest over sorted records.
fn digest(records: &[Record]) -> String {
    let mut hasher = Sha256::new_with_prefix(HEADER);
    for record in records {
        hasher.update((record.path.len() as u64).to_be_bytes());
        hasher.update(&record.path);
        hasher.update([record.kind.letter(), if record.exec { b'x' } else { b'-' }]);
        hasher.update(record.sha256.as_deref().unwrap_or_default());
        hasher.update(b"\n");
    }
    hex(&hasher.finalize())
}
