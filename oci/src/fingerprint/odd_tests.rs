//! What is not an ordinary file: ignored, a link, unreadable, oddly named.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::tests::{Project, inputs, shown};
use super::{Fingerprint, FingerprintError};

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
fn sockets_and_pipes_are_not_opened() {
    let project = Project::new(&[("a", "")]);
    let _socket = std::os::unix::net::UnixListener::bind(project.path("s")).unwrap();
    project.check(&["**"], "a s!");
    project.check(&["s"], "s? s!");
}
