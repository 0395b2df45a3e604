//! Requirements as pip writes them: one of them, and the lines of a requirements file.
//!
//! Invariant: only names, extras and places are understood; everything else is pip's affair.

/// The one spelling of a package's name (PEP 503).
pub(crate) fn normalise(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// What a requirement asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// The package's name, normalised.
    pub(crate) name: String,
    /// Its extras, normalised.
    pub(crate) extras: Vec<String>,
}

impl Requirement {
    /// The requirement a text starts with; nothing when it starts with no name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || rest.starts_with([':', '+', '/']) {
            return None;
        }
        Some(Self { name: normalise(name), extras: extras(rest.trim_start()) })
    }
}

/// The extras of `[a, b]` at the start of a text.
fn extras(text: &str) -> Vec<String> {
    let inner = text.strip_prefix('[').and_then(|text| text.split_once(']')).map_or("", |(inner, _)| inner);
    inner.split(',').map(|extra| normalise(extra.trim())).filter(|extra| !extra.is_empty()).collect()
}

/// A line of a requirements file, as far as it concerns us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A package from somewhere else.
    Named(Requirement),
    /// Another requirements file, relative to this one.
    Include(String),
    /// A file of constraints, relative to this one.
    Constraint(String),
    /// A folder or archive of one's own, relative to where pip runs.
    Local(Requirement),
}

/// The lines that concern us.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    joined.lines().filter_map(|line| line_of(comment_free(line).trim())).collect()
}

/// Whether some requirement has a hash, so that pip wants one for each.
pub(crate) fn hashed(text: &str) -> bool {
    text.lines().any(|line| comment_free(line).contains("--hash"))
}

fn comment_free(line: &str) -> &str {
    let comment = |(at, _): &(usize, _)| *at == 0 || line[..*at].ends_with([' ', '\t']);
    line.match_indices('#').find(comment).map_or(line, |(at, _)| &line[..at])
}

fn option<'a>(line: &'a str, short: &str, long: &str) -> Option<&'a str> {
    let value = match line.strip_prefix(long) {
        Some(rest) if rest.starts_with(['=', ' ', '\t']) => Some(&rest[1..]),
        Some(_) => None,
        None => line.strip_prefix(short).filter(|_| !line.starts_with("--")),
    };
    value.map(str::trim)
}

fn line_of(line: &str) -> Option<Line> {
    if let Some(file) = option(line, "-r", "--requirement") {
        return Some(Line::Include(file.to_owned()));
    }
    if let Some(file) = option(line, "-c", "--constraint") {
        return Some(Line::Constraint(file.to_owned()));
    }
    let editable = option(line, "-e", "--editable");
    let target = editable.unwrap_or(line);
    if target.contains("://") && !target.contains("file:") {
        let egg = target.split_once("#egg=").map(|(_, egg)| egg);
        return Requirement::parse(egg.unwrap_or(target)).map(Line::Named);
    }
    let first = target.split_whitespace().next().unwrap_or_default();
    if editable.is_some() || target.contains("file:") || first.starts_with('.') || first.contains('/') {
        let path = first.split_once('[').map_or(first, |(path, _)| path);
        let rest = &first[path.len()..];
        return Some(Line::Local(Requirement { name: path.to_owned(), extras: extras(rest) }));
    }
    Requirement::parse(line).map(Line::Named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, extras: &[&str]) -> Line {
        Line::Named(wanted(name, extras))
    }

    fn wanted(name: &str, extras: &[&str]) -> Requirement {
        Requirement { name: name.to_owned(), extras: extras.iter().map(|&extra| extra.to_owned()).collect() }
    }

    #[test]
    fn names_are_normalised() {
        for (text, expected) in [("Flask", "flask"), ("zope.interface", "zope-interface"), ("a__-b", "a-b")] {
            assert_eq!(normalise(text), expected);
        }
    }

    #[test]
    fn one_requirement() {
        for (text, name, extras) in [
            ("ruff", "ruff", &[][..]),
            ("ruff==0.1", "ruff", &[]),
            (" Ruff >= 0.1 ; python_version > '3'", "ruff", &[]),
            ("coverage[toml, Other_One]>=7", "coverage", &["toml", "other-one"]),
            ("pkg @ https://example.org/pkg.whl", "pkg", &[]),
            ("pkg(>=1)", "pkg", &[]),
        ] {
            assert_eq!(Requirement::parse(text), Some(wanted(name, extras)), "{text}");
        }
        for text in ["", "-e .", "./x", "https://example.org/x.whl", "git+https://example.org/x"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_lines_of_a_file() {
        for (line, expected) in [
            ("", None),
            ("# ruff", None),
            ("--index-url https://example.org/simple", None),
            ("--no-binary :all:", None),
            ("ruff==1 # why", Some(named("ruff", &[]))),
            ("ruff==1 \\\n  --hash=sha256:00", Some(named("ruff", &[]))),
            ("-r base.txt", Some(Line::Include("base.txt".to_owned()))),
            ("-rbase.txt", Some(Line::Include("base.txt".to_owned()))),
            ("--requirement=../base.txt", Some(Line::Include("../base.txt".to_owned()))),
            ("-c pins.txt", Some(Line::Constraint("pins.txt".to_owned()))),
            ("-e .", Some(Line::Local(wanted(".", &[])))),
            ("-e .[dev]", Some(Line::Local(wanted(".", &["dev"])))),
            ("./libs/a", Some(Line::Local(wanted("./libs/a", &[])))),
            ("libs/a", Some(Line::Local(wanted("libs/a", &[])))),
            ("-e git+https://example.org/a#egg=A_b", Some(named("a-b", &[]))),
            ("a @ git+https://example.org/a", Some(named("a", &[]))),
            ("https://example.org/a-1-py3-none-any.whl", None),
        ] {
            assert_eq!(lines(line).into_iter().next(), expected, "{line:?}");
        }
        assert!(hashed("a==1 \\\n --hash=sha256:0"));
        assert!(!hashed("a==1 # --hash"));
    }
}
