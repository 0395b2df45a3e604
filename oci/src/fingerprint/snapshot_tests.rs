//! Fingerprints of commits, from what git would say.

use std::collections::BTreeMap;
use std::path::Path;

use super::tests::{Project, inputs, shown};
use super::{Snapshot, Sought, Trees};
use crate::hash::sha256;

/// An object's id: here of its text.
fn id(text: &str) -> String {
    sha256(text)[..40].to_owned()
}

/// What git stores for these files, each a mode, a path and a text; gives the id of the whole.
fn learn(trees: &mut Trees, files: &[(&str, &str, &str)]) -> String {
    let mut folders: BTreeMap<&str, Vec<(&str, &str, &str)>> = BTreeMap::new();
    let mut entries: Vec<(&str, &str, String)> = Vec::new();
    for (mode, path, text) in files {
        match path.split_once('/') {
            Some((folder, rest)) => folders.entry(folder).or_default().push((mode, rest, text)),
            None => entries.push((mode, path, id(text))),
        }
    }
    entries.extend(folders.into_iter().map(|(name, files)| ("40000", name, learn(trees, &files))));
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        bytes.extend((0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()));
    }
    let own = sha256(&bytes)[..40].to_owned();
    assert!(trees.learn(&own, &bytes).unwrap().is_empty());
    own
}

fn sought(prefix: &str, patterns: &[&str]) -> Sought {
    let mut trees = Trees::default();
    let root = learn(&mut trees, FILES);
    let texts = FILES.iter().map(|(.., text)| (id(text), format!("{text}\n").into_bytes()));
    let rules = texts.filter(|(id, _)| trees.rules().contains(id.as_str())).collect();
    trees.learn_rules(rules);
    let exclude = Some(b"private\n".to_vec());
    Snapshot::new(&trees, &root, Path::new(prefix), exclude).unwrap().find(&inputs(patterns, &[])).unwrap()
}

const FILES: &[(&str, &str, &str)] = &[
    ("100644", ".gitignore", "*.log"),
    ("100644", "a", "1"),
    ("100755", "ci/run.sh", "2"),
    ("120000", "link", "ci"),
    ("100644", "private", "3"),
    ("100644", "shop/.gitignore", "!keep.log"),
    ("100644", "shop/keep.log", "4"),
    ("100644", "shop/other.log", "5"),
    ("160000", "vendor/lib", "6"),
];

#[test]
fn a_commit_is_as_its_checkout() {
    let project = Project::new(&[
        (".gitignore", "*.log\n"),
        (".git/info/exclude", "private\n"),
        ("a", "1\n"),
        ("ci/run.sh", "2\n"),
        ("private", "3\n"),
        ("shop/.gitignore", "!keep.log\n"),
        ("shop/keep.log", "4\n"),
        ("shop/other.log", "5\n"),
        ("vendor/lib/.git", ""),
    ]);
    project.mode("ci/run.sh", 0o755);
    std::os::unix::fs::symlink("ci", project.path("link")).unwrap();
    for (prefix, patterns) in [
        ("", &["**", "gone", "link/x", "private"][..]),
        ("", &["shop", "ci/*.sh"]),
        ("shop", &["**", "other.log"]),
        ("ci", &["run.sh"]),
    ] {
        let sought = sought(prefix, patterns);
        let content = |text: &str| sha256(if text == "ci" { text.to_owned() } else { format!("{text}\n") });
        let contents = FILES.iter().map(|(.., text)| (id(text), content(text))).collect();
        let mut found = sought.fingerprint(&contents).unwrap();
        let root = project.path(prefix).canonicalize().unwrap();
        let checkout = super::Fingerprint::compute(&root, &inputs(patterns, &[])).unwrap();
        found.warnings.retain(|warning| !matches!(warning, super::Warning::Module(_)));
        assert_eq!(found, checkout, "{prefix} {patterns:?}");
        assert!(!found.records.is_empty());
    }
}

#[test]
fn another_repository_is_said_and_not_looked_into() {
    let of = |patterns: &[&str]| {
        let sought = sought("", patterns);
        let contents = sought.objects().into_iter().map(|o| (o.to_owned(), sha256(o))).collect();
        shown(&sought.fingerprint(&contents).unwrap())
    };
    assert_eq!(of(&["vendor/**"]), "vendor/**! vendor/lib!");
    assert_eq!(of(&["vendor/lib/x"]), "vendor/lib!");
    assert_eq!(of(&["a", "ci/*"]), "a ci/run.sh");
}

#[test]
fn what_is_missing_is_no_fingerprint() {
    let sought = sought("", &["a"]);
    assert_eq!(sought.objects().into_iter().collect::<Vec<_>>(), [id("1")]);
    assert_eq!(sought.fingerprint(&BTreeMap::new()), None);
    let mut trees = Trees::default();
    assert!(Snapshot::new(&trees, &id("x"), Path::new(""), None).is_none());
    let folder = [b"40000 a\0".as_slice(), &[0xab; 20]].concat();
    assert_eq!(trees.learn(&id("x"), &folder), Some([String::from("ab").repeat(20)].into()));
    assert!(Snapshot::new(&trees, &id("x"), Path::new(""), None).is_none());
}

#[test]
fn what_is_no_tree() {
    let id = |bytes: &[u8]| Trees::default().learn(&"0".repeat(40), bytes);
    assert_eq!(id(b""), Some([].into()));
    for head in ["100644 a", "40000 a b", "100644 ...", "100755 \u{fc}\n"] {
        let mut bytes = head.as_bytes().to_vec();
        bytes.extend([0; 21]);
        assert!(id(&bytes).is_some(), "{head:?}");
        assert!(id(&bytes[..bytes.len() - 1]).is_none(), "{head:?}");
    }
    for head in ["x", "100644", "100644 ", "100644 .", "40000 ..", "100644 a/b", "20000 a", " a"] {
        let mut bytes = head.as_bytes().to_vec();
        bytes.extend([0; 21]);
        assert!(id(&bytes).is_none(), "{head:?}");
    }
}

/// Ten trees, each of which names the one below ten times, stand for more files than there are atoms on a disk.
#[test]
fn a_few_objects_that_stand_for_too_many_files() {
    let mut trees = Trees::default();
    let mut below = [b"100644 a\0".as_slice(), &[1; 20]].concat();
    for level in 2..20_u8 {
        trees.learn(&crate::hash::hex(&[level; 20]), &below).unwrap();
        let names = (0..10).flat_map(|n| [format!("40000 {n}\0").as_bytes(), &[level; 20]].concat());
        below = names.collect();
        let whole = Snapshot::new(&trees, &crate::hash::hex(&[level; 20]), Path::new(""), None).is_some();
        assert_eq!(whole, level < 10, "{level}");
    }
}
