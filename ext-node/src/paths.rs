//! Paths below the project's root, as texts: `.` is the root itself, `/` separates.
//!
//! Invariant: every path here was made from a `RelPath` or from folder entries; none has `..`.

/// `name` in the folder `dir`.
pub(crate) fn join(dir: &str, name: &str) -> String {
    match (dir, name) {
        (".", name) => name.to_owned(),
        (dir, ".") => dir.to_owned(),
        (dir, name) => format!("{dir}/{name}"),
    }
}

/// The folder that holds this one; none above the root.
pub(crate) fn parent(dir: &str) -> Option<&str> {
    match dir {
        "." => None,
        dir => Some(dir.rsplit_once('/').map_or(".", |(parent, _)| parent)),
    }
}

/// The path seen from `dir`, when it lies in it.
pub(crate) fn inside<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    match dir {
        "." => Some(path),
        dir if path == dir => Some("."),
        dir => path.strip_prefix(dir)?.strip_prefix('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_and_parting() {
        assert_eq!(join(".", "a"), "a");
        assert_eq!(join("a", "b/c"), "a/b/c");
        assert_eq!(join("a", "."), "a");
        assert_eq!(parent("a/b"), Some("a"));
        assert_eq!(parent("a"), Some("."));
        assert_eq!(parent("."), None);
        assert_eq!(inside("a/b", "a"), Some("b"));
        assert_eq!(inside("ab", "a"), None);
        assert_eq!(inside("a", "a"), Some("."));
    }
}
