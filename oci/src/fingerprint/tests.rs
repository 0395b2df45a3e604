//! Fingerprints of real folders.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Fingerprint, FingerprintError, Inputs, Kind, Warning};

/// A project in a folder of its own.
pub(super) struct Project(TempDir);

impl Project {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn compute(&self, inputs: &Inputs) -> Result<Fingerprint, FingerprintError> {
        Fingerprint::compute(&self.0.path().canonicalize().unwrap(), inputs)
    }

    pub(super) fn of(&self, patterns: &[&str]) -> Fingerprint {
        self.compute(&inputs(patterns, &[])).unwrap()
    }

    /// `path` for a file, `path@` a link, `path?` absent, `path!` a warning about it.
    pub(super) fn check(&self, patterns: &[&str], expected: &str) {
        assert_eq!(shown(&self.of(patterns)), expected, "{patterns:?}");
    }
}

pub(super) fn inputs(patterns: &[&str], exclude: &[&str]) -> Inputs {
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    Inputs { patterns: owned(patterns), exclude: owned(exclude), ..Inputs::default() }
}

pub(super) fn shown(fingerprint: &Fingerprint) -> String {
    let sign = |kind| match kind {
        Kind::File => "",
        Kind::Symlink => "@",
        Kind::Absent => "?",
        Kind::Text => "$",
    };
    let records = fingerprint.records.iter().map(|record| format!("{}{}", record.path, sign(record.kind)));
    let warnings = fingerprint.warnings.iter().map(|warning| match warning {
        Warning::NoMatch(path) | Warning::Ignored(path) | Warning::BehindLink(path, _) => format!("{path}!"),
        Warning::Module(path) | Warning::Rule(path, _) => format!("{}!", path.display()),
    });
    records.chain(warnings).collect::<Vec<_>>().join(" ")
}

/// The digest of FINGERPRINT.md's example. If this changes, every image of every user is built anew.
#[test]
fn the_pinned_digest() {
    let project =
        Project::new(&[("Dockerfile", "FROM debian\n"), ("ci/run.sh", "#!/bin/sh\r\n"), ("grün", "ü")]);
    project.mode("ci/run.sh", 0o755);
    symlink("ci/run.sh", project.path("link")).unwrap();
    let texts = [("base".to_owned(), "sha256:00".to_owned())].into();
    let fingerprint = project.compute(&Inputs { texts, ..inputs(&["**", "gone"], &[]) }).unwrap();
    let lines: Vec<_> = fingerprint.records.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "file    - 2e82491658394d2a150ac8f92efb200f230f6f97b7a6d5b7707893fa495c0b63 Dockerfile",
            "text    - f39161b5be136e0b0c6b58898b230aea3d796c0d878f61bc9be47950168ccd23 base",
            "file    x 2cd69d6a23425ab27d67e60bcf0435bfd9eb8f7cac58fa275f6b489dcfe9ecc0 ci/run.sh",
            "absent  - -                                                                gone",
            "file    - 607474ca475a9724d7360aba71a56d5df77e61350e3f724cfa1f46e857e2d85f grün",
            "symlink - da0a9b3bf0317fc5ba5c008f9a789601ae025f6e3e7451a0f9193e2ce22b38e7 link",
        ]
    );
    assert_eq!(fingerprint.hex, "feeda86a8b417aea0b57526fc6d3b748c0bc77846d2c9801fc73a7fb1b523605");
}

#[test]
fn literals_and_globs() {
    let project = Project::new(&[
        ("a.toml", ""),
        (".hidden.toml", ""),
        ("ci/a.sh", ""),
        ("ci/deep/b.sh", ""),
        ("ci/deep/.x/c.sh", ""),
        ("x/y/z/a.toml", ""),
        ("we[ird", ""),
    ]);
    for (patterns, expected) in [
        (&["a.toml"][..], "a.toml"),
        (&["./a.toml", "a.toml", "a.*"], "a.toml"),
        (&["gone", "ci/gone", "a.toml/x"], "a.toml/x? ci/gone? gone?"),
        (&["*.toml"], ".hidden.toml a.toml"),
        (&["ci/*"], "ci/a.sh"),
        (&["ci/**"], "ci/a.sh ci/deep/.x/c.sh ci/deep/b.sh"),
        (&["ci"], "ci/a.sh ci/deep/.x/c.sh ci/deep/b.sh"),
        (&["ci/"], "ci/a.sh ci/deep/.x/c.sh ci/deep/b.sh"),
        (&["**/a.toml"], "a.toml x/y/z/a.toml"),
        (&["x/**/a.toml"], "x/y/z/a.toml"),
        (&["*/*/*.sh"], "ci/deep/b.sh"),
        (&["{ci/deep,x/y/z}/*"], "ci/deep/b.sh x/y/z/a.toml"),
        (&["we\\[ird", "we\\[ird/x"], "we[ird we[ird/x?"),
        (&["[xa]*"], "a.toml"),
        (&["*.md", "docs/**/x", "*.toml"], ".hidden.toml a.toml *.md! docs/**/x!"),
    ] {
        project.check(patterns, expected);
    }
}

/// Cut into steps, a glob still means what globset says.
#[test]
fn globset_agrees() {
    let names = ["a", "b.rs", ".c", "d e"];
    let two = names.iter().flat_map(|x| names.iter().map(move |y| format!("{x}.d/{y}")));
    let three = names.iter().flat_map(|x| names.iter().map(move |y| format!("a.d/{x}.d/{y}")));
    let paths: Vec<_> = names.iter().map(ToString::to_string).chain(two).chain(three).collect();
    let project = Project::new(&paths.iter().map(|path| (path.as_str(), "")).collect::<Vec<_>>());
    for text in [
        "*",
        "**",
        "**/*",
        "*/*",
        "*.d/a",
        "**/a",
        "**/a.d/**",
        "a.d/**",
        "a.d/**/b.rs",
        "**/*.rs",
        "**/.*",
        "?",
        "[a-b]*",
        "[!a]*",
        "{a,b.rs}",
        "{a.d,b.rs.d}/*",
        "**/{a,.c}",
        "a.d/{b.rs.d/a,.c}",
        "*.d/**/a",
        "**/**/a",
        "*e*/*e",
        "a.d/*.d/?",
        "{**/a,*.rs}",
        "a*/**/*.d/[b.]*",
        "**/d\\ e",
    ] {
        let glob = globset::GlobBuilder::new(text).literal_separator(true).build().unwrap().compile_matcher();
        let mut expected: Vec<_> = paths.iter().filter(|path| glob.is_match(path)).cloned().collect();
        expected.sort();
        let found = project.of(&[text]).records.into_iter().map(|record| record.path).collect::<Vec<_>>();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn exclusion() {
    let project =
        Project::new(&[("a", ""), ("docs/x", ""), ("docs/y/z", ""), ("src/docs/k", ""), ("src/a.md", "")]);
    let check = |patterns: &[&str], exclude: &[&str], expected: &str| {
        assert_eq!(shown(&project.compute(&inputs(patterns, exclude)).unwrap()), expected, "{exclude:?}");
    };
    check(&["**"], &["docs"], "a src/a.md src/docs/k");
    check(&["**"], &["docs/**"], "a src/a.md src/docs/k");
    check(&["**"], &["**/docs", "*.md"], "a src/a.md");
    check(&["**", "docs/x", "docs/gone"], &["{docs,src}", "**/*.md"], "a");
    check(&["docs", "docs/x"], &["docs/y/"], "docs/x");
    check(&["docs"], &["**"], "docs!");
}

#[test]
fn content_counts_and_nothing_else_does() {
    let files = [("a", "1\n"), ("b/c", "2\n"), ("b/d", "3\n")];
    let (one, two) = (Project::new(&files), Project::new(&[files[2], files[1], files[0]]));
    let before = one.of(&["b/**", "a"]);
    fs::File::open(two.path("a")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    two.mode("a", 0o600);
    assert_eq!(before, two.of(&["a", "b/c", "b/d"]));
    assert_eq!(before.hex.len(), 64);

    let changed = |change: &dyn Fn()| {
        change();
        let after = two.of(&["**"]);
        let diff =
            super::diff(&before.records, &after.records).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(before.hex == after.hex, diff.is_empty());
        diff.join(" ")
    };
    assert_eq!(changed(&|| two.write("a", "1\r\n")), "~ a: content");
    assert_eq!(changed(&|| two.write("a", "1\n")), "");
    assert_eq!(changed(&|| two.mode("a", 0o744)), "~ a: permission to run");
    assert_eq!(changed(&|| two.mode("a", 0o654)), "");
    assert_eq!(changed(&|| two.write("new", "")), "+ new");
    assert_eq!(changed(&|| fs::rename(two.path("new"), two.path("neu")).unwrap()), "+ neu");
    assert_eq!(changed(&|| fs::remove_file(two.path("neu")).unwrap()), "");
}

#[test]
fn many_files_are_read_in_order() {
    let files: Vec<_> = (0..500).map(|n| (format!("d{}/{n}", n % 7), n.to_string())).collect();
    let borrowed: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&borrowed);
    let fingerprint = project.of(&["**"]);
    assert_eq!(fingerprint.records.len(), 500);
    assert!(fingerprint.records.is_sorted());
    assert_eq!(fingerprint, project.of(&["d*/*"]));
    for (path, text) in &files {
        let record = fingerprint.records.iter().find(|record| record.path == *path).unwrap();
        assert_eq!(record.sha256, Some(crate::hash::sha256(text)));
    }
}

#[test]
fn bad_patterns_name_themselves() {
    let project = Project::new(&[]);
    for pattern in ["../x", "/etc/passwd", "a/../../b", "{a", ""] {
        let error = project.compute(&inputs(&["ok", pattern], &[])).unwrap_err();
        assert!(
            matches!(&error, FingerprintError::Pattern { pattern: named, .. } if named == pattern),
            "{error}"
        );
        assert!(project.compute(&inputs(&[], &[pattern])).is_err());
    }
}
