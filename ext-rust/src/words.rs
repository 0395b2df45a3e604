//! Small functions on paths and texts.

/// `path` below `dir`, when it is there; `""` is the root, and `dir` itself.
pub(crate) fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    if dir.is_empty() || path == dir {
        return Some(if path == dir { "" } else { path });
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}

/// `path` as it is written in `dir`, with `..` where it must be; both relative to the root.
pub(crate) fn relative(path: &str, dir: &str) -> String {
    let mut base = dir;
    let mut ups = String::new();
    loop {
        match below(path, base) {
            Some("") if ups.is_empty() => return ".".to_owned(),
            Some(rest) => return (ups + rest).trim_end_matches('/').to_owned(),
            None => ups.push_str("../"),
        }
        base = parent(base).unwrap_or("");
    }
}

/// The folder above; nothing above the root.
pub(crate) fn parent(dir: &str) -> Option<&str> {
    if dir.is_empty() {
        return None;
    }
    Some(dir.rsplit_once('/').map_or("", |(parent, _)| parent))
}

/// The folder and all above it, nearest first.
pub(crate) fn upwards(dir: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dir), |dir| parent(dir))
}

/// `dir/name` for a name that may hold `.` and `..`; nothing when it leaves the root.
pub(crate) fn join(dir: &str, name: &str) -> Option<String> {
    if name.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a name fits a pattern of `*`, `?` and `[…]`; a class fits any one character.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = pattern_chars.as_str();
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]))
        }
        Some(wanted) => {
            let mut name_chars = name.chars();
            let Some(first) = name_chars.next() else { return false };
            let rest = match wanted {
                '[' => pattern_chars.as_str().split_once(']').map(|(_, rest)| rest),
                '?' => Some(pattern_chars.as_str()),
                wanted => (wanted == first).then_some(pattern_chars.as_str()),
            };
            rest.is_some_and(|rest| fits(rest, name_chars.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(below("a/b", ""), Some("a/b"));
        assert_eq!(below("a/b", "a"), Some("b"));
        assert_eq!(below("ab", "a"), None);
        for (path, dir, written) in [
            ("Cargo.toml", "", "Cargo.toml"),
            ("a/Cargo.toml", "a", "Cargo.toml"),
            ("Cargo.toml", "a/b", "../../Cargo.toml"),
            ("a/c/x", "a/b", "../c/x"),
            ("", "", "."),
            ("a", "a", "."),
            ("", "a", ".."),
        ] {
            assert_eq!(relative(path, dir), written);
        }
        assert_eq!(upwards("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(join("a/b", "../c/./d/"), Some("a/c/d".to_owned()));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc"), None);
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("?", "ä", true),
            ("?", "", false),
            ("x[0-9]", "x1", true),
            ("lib", "lib", true),
            ("lib", "libs", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
