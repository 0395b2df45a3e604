//! Small functions on paths, texts and names.

use std::str::FromStr;

use devflow_protocol::message::Step;
use devflow_protocol::sdk::Failure;
use devflow_protocol::template::Template;

/// `dir/name` for a name that may hold `.` and `..`; nothing when it leaves the root.
pub(crate) fn join(dir: &str, name: &str) -> Option<String> {
    if name.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder of a path; `""` is the root.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// `path` below `dir`; both relative to the root, `""` is the root.
pub(crate) fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    match dir {
        "" => Some(path),
        dir => path.strip_prefix(dir)?.strip_prefix('/'),
    }
}

/// Whether a name fits a pattern of `*` and `?`.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]))
        }
        Some(wanted) => {
            let mut chars = name.chars();
            let first = chars.next();
            first.is_some_and(|first| wanted == '?' || wanted == first) && fits(rest.as_str(), chars.as_str())
        }
    }
}

/// A name of the protocol that is written in this program.
pub(crate) fn name<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::internal(format!("{text:?} is not a name of the protocol")))
}

/// A text with placeholders that is written in this program.
pub(crate) fn template(text: &str) -> Template {
    text.parse().unwrap_or_else(|_| Template::literal(text))
}

/// A step whose words may hold placeholders; names from the project go through [`escape`] first.
pub(crate) fn step<A: AsRef<str>>(program: &str, args: impl IntoIterator<Item = A>) -> Step {
    Step { program: template(program), args: args.into_iter().map(|arg| template(arg.as_ref())).collect() }
}

/// A text that stands for itself among placeholders.
pub(crate) fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

/// Copies of some words.
pub(crate) fn owned<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(join("a/b", "../c/./d/"), Some("a/c/d".to_owned()));
        assert_eq!(join(".", "x"), Some("x".to_owned()));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc"), None);
        assert_eq!(parent("a/b/c"), "a/b");
        assert_eq!(parent("a"), "");
        assert_eq!(below("a/b", "a"), Some("b"));
        assert_eq!(below("ab", "a"), None);
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("test_*.py", "test_a.py", true),
            ("test_*.py", "testa.py", false),
            ("*_test.py", "a_test.py", true),
            ("check?.py", "check1.py", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn texts_of_the_project_are_no_placeholders() {
        assert_eq!(step("a", [escape("${home}")]), Step::literal("a", ["${home}"]));
    }
}
