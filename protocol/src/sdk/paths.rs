//! Paths inside a project as texts: relative to its root, separated by `/`; and patterns of names.
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

/// Whether a name fits a pattern of `*`, `?`, `[a-z]` and `[!a-z]`, as tools have them in lists of
/// folders and files.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stands, and where what it has taken of the name ends.
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(length) = fits_one(&pattern[p..], name[n]) {
            p += length;
            n += 1;
        } else if let Some((place, taken)) = star {
            star = Some((place, taken + 1));
            (p, n) = (place + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

/// How long the piece is that a pattern starts with, if it fits this character.
fn fits_one(pattern: &[char], c: char) -> Option<usize> {
    let first = *pattern.first()?;
    // A class has at least one character, and that may be a `]`.
    let end = pattern.iter().skip(2).position(|&c| c == ']').map(|at| at + 2);
    match end.filter(|_| first == '[') {
        None => (first == '?' || first == c).then_some(1),
        Some(end) => {
            let (class, wanted) = match &pattern[1..end] {
                ['!', class @ ..] if !class.is_empty() => (class, false),
                class => (class, true),
            };
            (is_in_class(class, c) == wanted).then_some(end + 1)
        }
    }
}

fn is_in_class(mut class: &[char], c: char) -> bool {
    while let [first, rest @ ..] = class {
        let (last, rest) = match rest {
            ['-', last, rest @ ..] => (last, rest),
            rest => (first, rest),
        };
        if (first..=last).contains(&&c) {
            return true;
        }
        class = rest;
    }
    false
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
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "a", true),
            ("a*c", "abcc", true),
            ("a*c", "abd", false),
            ("test_*.py", "test_a.py", true),
            ("*_test.py", "a_test_test.py", true),
            ("?", "ä", true),
            ("?", "", false),
            ("ä*", "äö", true),
            ("x[0-9]", "x1", true),
            ("x[0-9a]y", "xay", true),
            ("x[0-9]", "xa", false),
            ("x[!0-9]", "xa", true),
            ("x[!0-9]", "x1", false),
            ("[]]", "]", true),
            ("[-a]", "-", true),
            ("[a", "[a", true),
            ("[!]", "a", false),
            ("lib", "libs", false),
            ("libs", "lib", false),
            (&"a*".repeat(40), &"a".repeat(39), false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
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
