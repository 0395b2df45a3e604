//! The reader, in a temporary project whose member is the folder `a`.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

fn files(project: &TempDir) -> Files {
    let root = project.path().to_str().unwrap().to_owned();
    Files::new(&Project { root, dir: "a".parse().unwrap(), name: "x".to_owned() }).unwrap()
}

fn project(files: &[(&str, &[u8])]) -> TempDir {
    let project = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let place = project.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
    project
}

fn seen(files: &Files) -> Vec<String> {
    files.reads().into_iter().map(String::from).collect()
}

/// Fails unless this is the failure that a file is wrong, with this in its message.
#[track_caller]
fn fails<T: std::fmt::Debug>(outcome: Result<T, Failure>, file: &str, part: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.code, &failure.data["file"]), (crate::code::INVALID_PROJECT, &file.into()));
    assert!(failure.message.starts_with(&format!("{file}: ")), "{}", failure.message);
    assert!(failure.message.contains(part), "{}", failure.message);
}

#[test]
fn texts() {
    let project =
        project(&[("a/fine", b"text"), ("a/b/marked", b"\xef\xbb\xbf\xef\xbb\xbf{}"), ("top", b"")]);
    let at = |name: &str| project.path().join(name);
    symlink("fine", at("a/link")).unwrap();
    symlink(at("a"), at("whole")).unwrap();
    let files = files(&project);
    for (path, expected) in [
        ("a/fine", Some("text")),
        ("a/link", Some("text")),
        ("whole/fine", Some("text")),
        ("a/b/marked", Some("\u{feff}{}")),
        ("top", Some("")),
        ("a/none", None),
        ("a/b", None),
        ("a/fine/x", None),
        ("none/x", None),
    ] {
        assert_eq!(files.text(path, 9).unwrap().as_deref(), expected, "{path}");
        assert_eq!(files.has(path).unwrap(), expected.is_some(), "{path}");
    }
    assert_eq!(files.text("a/fine", 4).unwrap().as_deref(), Some("text"));
    assert_eq!(seen(&files), ["b", "b/marked", "fine", "fine/x", "link", "none"]);
}

#[test]
fn what_cannot_be_read_is_not_absent() {
    let outside = project(&[("secret", b"x"), ("folder/secret", b"x")]);
    let project = project(&[("a/big", b"12345"), ("a/bytes", b"\xff"), ("top", b"\xff")]);
    let at = |name: &str| project.path().join(name);
    symlink(outside.path().join("secret"), at("a/out")).unwrap();
    symlink(outside.path().join("folder"), at("a/folder")).unwrap();
    symlink("loop", at("a/loop")).unwrap();
    let files = files(&project);
    fails(files.text("a/big", 4), "big", "larger than 4 bytes");
    fails(files.text("a/bytes", 4), "bytes", "UTF-8");
    fails(files.text("top", 4), "../top", "UTF-8");
    for path in ["a/out", "a/folder/secret"] {
        fails(files.text(path, 4), &path[2..], "out of the project");
        fails(files.has(path), &path[2..], "out of the project");
    }
    fails(files.entries("a/folder"), "folder", "out of the project");
    fails(files.has(".."), "../..", "out of the project");
    fails(files.has("a/loop"), "loop", "");
    assert_eq!(seen(&files), ["big", "bytes", "folder", "folder/secret", "loop", "out"]);
}

#[test]
fn nothing_but_regular_files_is_read() {
    let project = project(&[("a/x", b"")]);
    let pipe = project.path().join("a/pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let files = files(&project);
    assert_eq!(files.text("a/pipe", 9).unwrap(), None);
    assert!(!files.has("a/pipe").unwrap());
}

#[test]
fn folders() {
    let outside = project(&[("x", b"")]);
    let project = project(&[("a/x", b""), ("a/.h/y", b""), ("top", b"")]);
    let at = |name: &str| project.path().join(name);
    symlink("x", at("a/to-file")).unwrap();
    symlink(outside.path(), at("a/out")).unwrap();
    symlink("nowhere", at("a/dangling")).unwrap();
    let files = files(&project);
    let listed = |path: &str| {
        let word = |entry: &Entry| {
            let marks = [(entry.folder, "/"), (entry.link, "@"), (entry.is_hidden(), "!")];
            let marks = marks.map(|(holds, mark)| if holds { mark } else { "" });
            entry.name.clone() + &marks.concat()
        };
        files.entries(path).unwrap().iter().map(word).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed("a"), ".h/! dangling@ out/@ to-file@ x");
    assert_eq!((listed("."), listed("")), ("a/ top".to_owned(), "a/ top".to_owned()));
    assert_eq!((listed("a/none"), listed("a/x")), (String::new(), String::new()));
    assert_eq!(seen(&files), [".", "none", "x"]);
}

#[test]
fn a_crowded_folder_is_a_failure() {
    let project = project(&[("a/many/x", b"")]);
    let crowd = |numbers: std::ops::Range<usize>| {
        numbers
            .for_each(|number| drop(File::create(project.path().join(format!("a/many/{number}"))).unwrap()));
    };
    crowd(1..Files::ENTRIES);
    assert_eq!(files(&project).entries("a/many").unwrap().len(), Files::ENTRIES);
    crowd(0..1);
    fails(files(&project).entries("a/many"), "many", "more than 20000 entries");
}

#[test]
fn a_wrong_line_is_named() {
    let project = project(&[("a/x", b"")]);
    let failure = files(&project).wrong("b/x", Some(3), "it is odd");
    assert_eq!(failure.message, "../b/x:3: it is odd");
    assert_eq!((&failure.data["file"], &failure.data["line"]), (&"../b/x".into(), &3.into()));
    let gone = Project { root: "/nowhere/x".to_owned(), dir: RelPath::here(), name: String::new() };
    assert!(Files::new(&gone).unwrap_err().message.contains("/nowhere/x cannot be read"));
}
