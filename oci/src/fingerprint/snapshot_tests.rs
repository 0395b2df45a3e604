//! Fingerprints of commits, from what git would say.

use std::collections::BTreeMap;
use std::path::Path;

use super::Snapshot;
use super::tests::{Project, inputs, shown};
use crate::hash::sha256;

/// What git lists for these files; the object of each is its text.
fn listing(files: &[(&str, &str, &str)]) -> Vec<u8> {
    let line = |(mode, path, text): &(&str, &str, &str)| format!("{mode} blob {text}\t{path}\0");
    files.iter().map(line).collect::<String>().into_bytes()
}

fn snapshot(files: &[(&str, &str, &str)], prefix: &str) -> Snapshot {
    let mut snapshot = Snapshot::parse(&listing(files), Path::new(prefix)).unwrap();
    let rules =
        snapshot.rules().map(|object| (object.to_owned(), format!("{object}\n").into_bytes())).collect();
    snapshot.learn(rules, Some(b"private\n".to_vec()));
    snapshot
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
        let sought = snapshot(FILES, prefix).find(&inputs(patterns, &[])).unwrap();
        let text =
            |object: &str| sha256(if object == "ci" { object.to_owned() } else { format!("{object}\n") });
        let contents = sought.objects().into_iter().map(|o| (o.to_owned(), text(o))).collect();
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
        let sought = snapshot(FILES, "").find(&inputs(patterns, &[])).unwrap();
        let contents = sought.objects().into_iter().map(|o| (o.to_owned(), sha256(o))).collect();
        shown(&sought.fingerprint(&contents).unwrap())
    };
    assert_eq!(of(&["vendor/**"]), "vendor/**! vendor/lib!");
    assert_eq!(of(&["vendor/lib/x"]), "vendor/lib!");
    assert_eq!(of(&["a", "ci/*"]), "a ci/run.sh");
}

#[test]
fn what_is_missing_is_no_fingerprint() {
    let sought = snapshot(FILES, "").find(&inputs(&["a"], &[])).unwrap();
    assert_eq!(sought.objects().into_iter().collect::<Vec<_>>(), ["1"]);
    assert_eq!(sought.fingerprint(&BTreeMap::new()), None);
    for text in ["x", "100644 blob 1", "040000 tree 1\ta\0", "100644 blob\ta\0", "100644 \tblob 1 a\0"] {
        assert!(Snapshot::parse(text.as_bytes(), Path::new("")).is_none(), "{text:?}");
    }
    assert!(Snapshot::parse(b"", Path::new("")).is_some());
}
