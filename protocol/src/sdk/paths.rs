//! Paths inside a project as texts: relative to its root, separated by `/`.
//!
//! Invariant: pure. A folder is `""` or `.` where it is the root; what is answered says `""`.

use std::iter::successors;

/// `name` in the folder `dir`, neither of which has a `..`.
pub fn at(dir: &str, name: &str) -> String {
    match (plain(dir), plain(name)) {
        ("", name) => name.to_owned(),
        (dir, "") => dir.to_owned(),
        (dir, name) => format!("{dir}/{name}"),
    }
}

/// `name` as it is meant in the folder `dir`, for a name from the user's files, which may hold `.`
/// and `..`; nothing when it is absolute or leaves the root.
pub fn join(dir: &str, name: &str) -> Option<String> {
    if name.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = plain(dir).split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder that a file or folder is in; nothing above the root.
pub fn parent(path: &str) -> Option<&str> {
    match plain(path) {
        "" => None,
        path => Some(path.rsplit_once('/').map_or("", |(parent, _)| parent)),
    }
}

/// The folder and all above it, nearest first.
pub fn upwards(dir: &str) -> impl Iterator<Item = &str> {
    successors(Some(plain(dir)), |dir| parent(dir))
}

/// What is left of `path` below the folder `dir`, when it is there: `""` for the folder itself.
pub fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    match (plain(path), plain(dir)) {
        (path, "") => Some(path),
        (path, dir) if path == dir => Some(""),
        (path, dir) => path.strip_prefix(dir)?.strip_prefix('/'),
    }
}

/// `path` as one writes it in the folder `dir`, with `..` where it must be, and `.` for the folder
/// itself: what a person is shown.
pub fn relative(path: &str, dir: &str) -> String {
    let ups = upwards(dir).take_while(|base| below(path, base).is_none()).count();
    let rest = upwards(dir).find_map(|base| below(path, base)).unwrap_or(path);
    match ("../".repeat(ups) + rest).trim_end_matches('/') {
        "" => ".".to_owned(),
        path => path.to_owned(),
    }
}

fn plain(path: &str) -> &str {
    if path == "." { "" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_folders() {
        for (dir, name, expected) in
            [("", "a", "a"), (".", "a", "a"), ("a", "b/c", "a/b/c"), ("a", ".", "a"), (".", ".", "")]
        {
            assert_eq!(at(dir, name), expected, "{dir:?} {name:?}");
        }
        for (dir, name, expected) in [
            ("a/b", "../c/./d/", Some("a/c/d")),
            (".", "x", Some("x")),
            ("a", "..", Some("")),
            ("a", "../..", None),
            ("a", "/etc", None),
        ] {
            assert_eq!(join(dir, name).as_deref(), expected, "{dir:?} {name:?}");
        }
    }

    #[test]
    fn up_and_down() {
        for (path, expected) in
            [("a/b/c", Some("a/b")), ("a/b", Some("a")), ("a", Some("")), ("", None), (".", None)]
        {
            assert_eq!(parent(path), expected, "{path:?}");
        }
        assert_eq!(upwards("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(upwards(".").collect::<Vec<_>>(), [""]);
        for (path, dir, expected) in [
            ("a/b", "", Some("a/b")),
            ("a/b", ".", Some("a/b")),
            ("a/b", "a", Some("b")),
            ("a", "a", Some("")),
            ("ab", "a", None),
            ("", "a", None),
        ] {
            assert_eq!(below(path, dir), expected, "{path:?} {dir:?}");
        }
    }

    #[test]
    fn as_seen_from_a_folder() {
        for (path, dir, expected) in [
            ("x.toml", "", "x.toml"),
            ("a/x.toml", "a", "x.toml"),
            ("x.toml", "a/b", "../../x.toml"),
            ("a/c/x", "a/b", "../c/x"),
            ("", ".", "."),
            ("a", "a", "."),
            (".", "a", ".."),
        ] {
            assert_eq!(relative(path, dir), expected, "{path:?} {dir:?}");
        }
    }
}
