//! What is not an ordinary file: ignored, a link, unreadable, oddly named.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::tests::{Project, inputs, shown};
use super::tree::{Around, Disk, Entry, Tree};
use super::{Fingerprint, FingerprintError, Inputs};

#[test]
fn what_git_ignores_is_left_out() {
    let project = Project::new(&[
        (".gitignore", "*.log\n/target/\n!keep.log\na[z-a]\n# note\n\n"),
        (".git/info/exclude", "private\n"),
        (".git/config", ""),
        ("a.log", ""),
        ("keep.log", ""),
        ("private", ""),
        ("target/x", ""),
        ("sub/target/x", ""),
        ("sub/.gitignore", "\u{feff}*\r\n!*.rs\n"),
        ("sub/a.rs", ""),
        ("sub/b", ""),
        ("sub/in/keep.log", ""),
    ]);
    project.check(&["**"], ".gitignore keep.log sub/a.rs .gitignore!");
    project.check(&["a.log", "target/x", ".git/config"], ".git/config! a.log! target/x! .gitignore!");
    project.check(&["private", "target/gone", "sub/in/x"], "private! sub/in/x! target/gone! .gitignore!");
    project.check(&["target/*", "sub/*.rs"], "sub/a.rs target/*! .gitignore!");
}

#[test]
fn rules_of_the_repository_around_the_project() {
    let project = Project::new(&[
        (".git/info/exclude", "/shop/mine\n"),
        (".gitignore", "*.tmp\n/shop/out\n/other\n"),
        ("shop/a", ""),
        ("shop/a.tmp", ""),
        ("shop/out", ""),
        ("shop/mine", ""),
        ("other/a", ""),
        ("other/a.tmp", ""),
    ]);
    let of = |dir: &str| shown(&Fingerprint::compute(&project.path(dir), &inputs(&["**"], &[])).unwrap());
    assert_eq!(of("shop"), "a");
    // Ignored as a whole: a project of its own.
    assert_eq!(of("other"), "a a.tmp");
}

#[test]
fn a_worktree_has_its_exclude_elsewhere() {
    let project = Project::new(&[
        ("main/.git/info/exclude", "private\n"),
        ("main/.git/worktrees/w/commondir", "../..\n"),
        ("w/.git", "gitdir: ../main/.git/worktrees/w\n"),
        ("w/private", ""),
        ("w/a", ""),
    ]);
    let found = Fingerprint::compute(&project.path("w"), &inputs(&["**"], &[])).unwrap();
    assert_eq!(shown(&found), "a");
}

#[test]
fn links_are_texts() {
    let project = Project::new(&[("real/a", "1"), ("z", "")]);
    let outside = Project::new(&[("secret", "s")]);
    symlink("real", project.path("dir")).unwrap();
    symlink(outside.path(""), project.path("out")).unwrap();
    symlink("nowhere", project.path("dangling")).unwrap();
    symlink("/etc/shadow", project.path(".gitignore")).unwrap();
    project.check(&["**"], ".gitignore@ dangling@ dir@ out@ real/a z");
    project.check(&["dir", "dangling"], "dangling@ dir@");
    project.check(&["dir/a", "out/secret"], "dir/a? out/secret? dir/a! out/secret!");
    project.check(&["dir/*", "out/**"], "dir/*! out/**!");

    let before = project.of(&["dir"]);
    project.write("real/b", "2");
    assert_eq!(before, project.of(&["dir"]));
    fs::remove_file(project.path("dir")).unwrap();
    symlink("real2", project.path("dir")).unwrap();
    assert_ne!(before, project.of(&["dir"]));
}

#[test]
fn unreadable_is_an_error_that_names_it() {
    let project = Project::new(&[("a", "")]);
    project.mode("a", 0);
    // Root reads it all the same.
    if let Err(error) = project.compute(&inputs(&["a"], &[])) {
        assert!(error.to_string().starts_with("cannot read the fingerprint's input \"a\": "), "{error}");
    }
    project.mode("a", 0o644);
    let long = "x".repeat(300);
    let error = project.compute(&inputs(&[&long], &[])).unwrap_err();
    assert!(error.to_string().contains(&long), "{error}");
}

#[test]
fn odd_names() {
    let project = Project::new(&[("a b\tc", ""), ("grüße 🦀", ""), ("a\\b", ""), ("sub/x", "")]);
    project.check(&["**"], "a b\tc a\\b grüße 🦀 sub/x");
    fs::write(project.path("sub").join(OsStr::from_bytes(b"\xff")), "").unwrap();
    project.check(&["*", "sub/x"], "a b\tc a\\b grüße 🦀 sub/x");
    let error = project.compute(&inputs(&["**"], &[])).unwrap_err();
    assert_eq!(error, FingerprintError::NotUtf8(Path::new("sub").join(OsStr::from_bytes(b"\xff"))));
}

#[test]
fn case_and_composition_make_other_names() {
    // `ü` as one character, and as two.
    let (nfc, nfd) = ("gr\u{fc}n", "gru\u{308}n");
    let project = Project::new(&[("A", "1"), ("a", "2"), (nfc, "3"), (nfd, "4")]);
    project.check(&["A*"], "A");
    project.check(&["[a]"], "a");
    project.check(&["gr\u{fc}*"], nfc);
    project.check(&["gr??n", "gr???n"], &format!("{nfd} {nfc}"));
    let one = project.of(&[nfc]);
    fs::remove_file(project.path(nfc)).unwrap();
    fs::rename(project.path(nfd), project.path("x")).unwrap();
    project.write(nfd, "3");
    assert_ne!(one.hex, project.of(&[nfd]).hex);
    project.check(&[nfc], &format!("{nfc}?"));
}

#[test]
fn links_that_lead_in_circles_are_texts_too() {
    let project = Project::new(&[("dir/a", "")]);
    symlink("loop", project.path("loop")).unwrap();
    symlink("..", project.path("dir/up")).unwrap();
    symlink("pong", project.path("ping")).unwrap();
    symlink("ping", project.path("pong")).unwrap();
    project.check(&["**"], "dir/a dir/up@ loop@ ping@ pong@");
    project.check(&["loop/x", "dir/up/dir/a"], "dir/up/dir/a? loop/x? dir/up/dir/a! loop/x!");
}

#[test]
fn what_is_no_file_is_an_error_and_is_not_opened() {
    let project = Project::new(&[("a", ""), ("sub/b", "")]);
    let _socket = std::os::unix::net::UnixListener::bind(project.path("s")).unwrap();
    nix::unistd::mkfifo(&project.path("sub/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (patterns, path, kind) in [
        (&["s"][..], "s", "a socket"),
        (&["*"], "s", "a socket"),
        (&["sub"], "sub/pipe", "a pipe"),
        (&["sub/pipe"], "sub/pipe", "a pipe"),
    ] {
        let error = project.compute(&inputs(patterns, &[])).unwrap_err();
        assert_eq!(error, FingerprintError::NotAFile { path: path.into(), kind }, "{patterns:?}");
    }
    let error = Fingerprint::compute(Path::new("/dev"), &inputs(&["null"], &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the fingerprint's input \"null\" is a device, and only files and links can be inputs"
    );
    // Who is not asked for, ignored or left out is not looked at.
    assert_eq!(shown(&project.compute(&inputs(&["**"], &["s", "**/pipe"])).unwrap()), "a sub/b");
    project.write(".gitignore", "s\npipe\n");
    project.check(&["*", "sub/b", "sub/pipe/x", "s/x"], ".gitignore a sub/b s/x! sub/pipe/x!");
}

/// Nothing waits for a writer, whatever is called as git's own files are.
#[test]
fn pipes_that_pose_as_rules() {
    let mode = nix::sys::stat::Mode::S_IRWXU;
    let project = Project::new(&[("a", "")]);
    nix::unistd::mkfifo(&project.path(".git"), mode).unwrap();
    project.check(&["*"], "a");
    let project = Project::new(&[("sub/a", "")]);
    nix::unistd::mkfifo(&project.path("sub/.gitignore"), mode).unwrap();
    project.check(&["sub/a"], "sub/a");
}

/// Notes which folders were listed.
struct Watched<'a>(Disk<'a>, RefCell<Vec<String>>);

impl Tree for Watched<'_> {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, FingerprintError> {
        self.0.entry(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<(OsString, Entry)>, FingerprintError> {
        self.1.borrow_mut().push(dir.display().to_string());
        self.0.list(dir)
    }

    fn rules(&self, dir: &Path) -> Result<Option<Vec<u8>>, FingerprintError> {
        self.0.rules(dir)
    }

    fn around(&self) -> Result<Around, FingerprintError> {
        self.0.around()
    }
}

#[test]
fn folders_that_no_glob_can_reach_are_not_listed() {
    let project = Project::new(&[
        (".gitignore", "/out\n"),
        ("ci/a/x.sh", ""),
        ("ci/b/x.sh", ""),
        ("huge/a/b", ""),
        ("out/a/b", ""),
        ("top", ""),
    ]);
    symlink("huge", project.path("link")).unwrap();
    let root = project.path("");
    let listed = |patterns: &[&str], exclude: &[&str]| {
        let inputs = inputs(patterns, exclude);
        let tree = Watched(Disk { root: &root }, RefCell::default());
        super::walk::find(&tree, &inputs.patterns, &inputs.exclude).unwrap();
        let mut listed = tree.1.into_inner();
        listed.sort();
        listed
    };
    assert_eq!(listed(&["top", "huge/a/b", "gone/x"], &[]), [""; 0]);
    assert_eq!(listed(&["ci/a/x.sh", "{ci,huge}/a/x.{sh,py}", "{top,gone}"], &[]), [""; 0]);
    assert_eq!(listed(&["ci/**"], &[]), ["ci", "ci/a", "ci/b"]);
    assert_eq!(listed(&["ci/*/x.sh"], &[]), ["ci"]);
    assert_eq!(listed(&["*"], &[]), [""]);
    assert_eq!(listed(&["*/a/*"], &[]), ["", "ci/a", "huge/a"]);
    assert_eq!(listed(&["**"], &["ci/b", "huge"]), ["", "ci", "ci/a"]);
    assert_eq!(listed(&["link/**", "out/**"], &[]), [""; 0]);
    // Each once, however many ask.
    assert_eq!(listed(&["ci/a/*", "ci/a/**", "ci/*/*"], &[]), ["ci", "ci/a", "ci/b"]);
}

#[test]
fn a_builder_knows_nothing_of_git() {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in
        [(".gitignore", "dist\n"), ("dist/a", "1"), (".git/HEAD", "x"), ("src/b", "2"), ("c/d", "3")]
    {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let inputs =
        Inputs { patterns: vec!["**".to_owned()], exclude: vec!["c".to_owned()], ..Inputs::default() };
    let paths = |fingerprint: Fingerprint| {
        fingerprint.records.into_iter().map(|record| record.path).collect::<Vec<_>>()
    };
    let all = [".git/HEAD", ".gitignore", "dist/a", "src/b"];
    assert_eq!(paths(Fingerprint::of_context(dir.path(), &inputs).unwrap()), all);
    assert_eq!(paths(Fingerprint::compute(dir.path(), &inputs).unwrap()), [".gitignore", "src/b"]);
}
