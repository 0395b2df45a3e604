//! Looking at everything that decides whether an action has to run.
//!
//! Invariant: nothing is changed, and no link is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::{Inputs, Kind};
use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use super::key::{Environment, key};
use super::outputs::{CacheFolders, Place, look, places};
use super::record::Left;
use super::store::{Earlier, Store};
use super::{inputs, ledger::Ledger};
use crate::plan::Plan;

/// Which members have which stacks.
pub type Described = Vec<(RelPath, ExtensionName)>;

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The actions.
    pub plan: Plan,
    /// The project's root.
    pub root: PathBuf,
    /// Which members have which stacks.
    pub members: Described,
    /// The cache root, relative to the project.
    pub cache: String,
    /// Where actions run.
    pub environment: Environment,
    /// Where their caches are.
    pub caches: CacheFolders,
    /// What is known of earlier runs.
    pub store: Store,
    /// Why everything runs, if it does.
    pub all: Option<String>,
    /// Whether what was asked for runs in any case.
    pub asked: bool,
}

/// The inputs of one action.
pub(super) type Files = Result<usize, String>;

/// What was seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Different lists of inputs, and what they were.
    pub(super) lists: Vec<Inputs>,
    pub(super) found: Vec<Fingerprint>,
    pub(super) actions: Vec<SeenAction>,
}

/// What was seen of one action.
#[derive(Debug, Clone)]
pub(super) struct SeenAction {
    pub(super) key: BTreeMap<String, String>,
    pub(super) files: Files,
    pub(super) places: BTreeMap<String, Place>,
    pub(super) outputs: BTreeMap<String, Option<Left>>,
    pub(super) earlier: Earlier,
}

impl Survey {
    /// Looks, and decides what has to run.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self, self.look())
    }

    fn look(&self) -> Seen {
        let mut lists: Vec<Inputs> = Vec::new();
        let mut index = Vec::new();
        for action in &self.plan.actions {
            let wanted = inputs::of(&self.plan, action, &self.members, &self.cache);
            let at = lists.iter().position(|known| *known == wanted).unwrap_or(lists.len());
            if at == lists.len() {
                lists.push(wanted);
            }
            index.push(at);
        }
        let found = Fingerprint::compute_each(&self.root, &lists);
        let files = |at: usize| match &found {
            Ok(found) => match found.get(at).and_then(|found| leading_out(&self.root, found)) {
                Some(link) => Err(format!("{link} is a link to something that is not among its inputs")),
                None => Ok(at),
            },
            Err(error) => Err(error.to_string()),
        };
        let files: Vec<Files> = (0..lists.len()).map(files).collect();
        let action = |(action, at): (&crate::plan::Action, usize)| {
            let places = places(action, &self.root, &self.caches);
            SeenAction {
                key: key(&self.plan, action, &self.environment),
                files: files.get(at).cloned().unwrap_or(Ok(at)),
                outputs: seen(&places),
                places,
                earlier: self.store.read(&action.name),
            }
        };
        let actions = self.plan.actions.iter().zip(index).map(action).collect();
        Seen { lists, found: found.unwrap_or_default(), actions }
    }
}

/// What is at these places.
pub(super) fn seen(places: &BTreeMap<String, Place>) -> BTreeMap<String, Option<Left>> {
    places.iter().map(|(name, place)| (name.clone(), look(place))).collect()
}

/// A link among the inputs that leads to what is not.
fn leading_out(root: &Path, found: &Fingerprint) -> Option<String> {
    let mut links = found.records.iter().filter(|record| record.kind == Kind::Symlink).peekable();
    links.peek()?;
    let paths: BTreeSet<&str> = found.records.iter().map(|record| record.path.as_str()).collect();
    let covered = |path: &str| {
        let inside = format!("{path}/");
        let mut from = paths.range(inside.as_str()..);
        paths.contains(path) || from.next().is_some_and(|next| next.starts_with(&inside))
    };
    let leads_out = |path: &str| match root.join(path).canonicalize() {
        Ok(target) => target.strip_prefix(root).map_or(true, |inner| !inner.to_str().is_some_and(covered)),
        // It leads nowhere.
        Err(_) => false,
    };
    links.find(|link| leads_out(&link.path)).map(|link| link.path.clone())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_to_what_is_no_input_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for path in ["a/x", "b/y", "c/z"] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), "").unwrap();
        }
        let check = |target: &str, leads_out: bool| {
            symlink(target, root.join("a/link")).unwrap();
            let inputs = Inputs {
                patterns: vec!["**".to_owned()],
                exclude: vec!["c".to_owned()],
                ..Inputs::default()
            };
            let found = Fingerprint::compute(&root, &inputs).unwrap();
            assert_eq!(leading_out(&root, &found).is_some(), leads_out, "{target}");
            std::fs::remove_file(root.join("a/link")).unwrap();
        };
        for target in ["x", "../b", "../b/y", "nowhere"] {
            check(target, false);
        }
        for target in ["../c/z", "../c", "..", "/etc/passwd"] {
            check(target, true);
        }
    }
}
