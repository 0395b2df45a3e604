//! The interpreter that a project asks for.
//!
//! Invariant: pure; what is offered is what was asked for, and what nobody can tell is not guessed.

use std::str::FromStr;

use pep440_rs::Version;

use crate::config::Config;
use crate::facts::Facts;
use crate::range;

/// The Python of projects that do not ask for one.
const DEFAULT: &str = "3.11.16";
/// The one of Debian 12.
const DEBIAN: &str = "3.11.2";
/// Minor versions that have official images of Debian 12; the first that fits is taken.
const MINORS: [&str; 7] = ["3.11", "3.12", "3.13", "3.14", "3.10", "3.9", "3.8"];
/// No minor version has that many patches.
const NEWEST: &str = "9999";
/// Other implementations, which have other images or none.
const OTHERS: [&str; 7] = ["pypy", "graalpy", "jython", "ironpython", "micropython", "miniconda", "anaconda"];

/// What a project gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The tag of the official image, without its suffix; none where nobody can tell.
    pub(crate) tag: Option<String>,
    /// Whether Debian's own will do.
    pub(crate) debian: bool,
    /// Which file asks for what.
    asked: Option<String>,
}

impl Interpreter {
    /// `3.12` of the tag `3.12.4`.
    pub(crate) fn minor(&self) -> Option<(&str, u32)> {
        let tag = self.tag.as_deref()?;
        let minor = tag.match_indices('.').nth(1).map_or(tag, |(end, _)| &tag[..end]);
        Some((minor, minor.split_once('.')?.1.parse().ok()?))
    }

    /// Why there is no image, or none from Debian's packages, if so.
    pub(crate) fn lacks(&self) -> Option<String> {
        let asked = self.asked.as_deref().filter(|_| !self.debian)?;
        Some(match self.tag {
            Some(_) => format!("no image from packages of Debian: {asked}, and Debian has Python {DEBIAN}"),
            None => format!("no image: {asked}, and no official image is known that fits"),
        })
    }
}

/// The interpreter that the settings and files ask for: the one in use before the supported range.
pub(crate) fn wanted(facts: &Facts, config: &Config) -> Interpreter {
    let program = config.python();
    if !matches!(program, "python" | "python3") {
        let asked = format!("`python` in the config is {program}");
        return Interpreter {
            asked: Some(asked),
            ..program.strip_prefix("python").map(named).unwrap_or_default()
        };
    }
    if let Some((file, text)) = &facts.python_version
        && let Some(found) = in_use(text)
    {
        return Interpreter { asked: Some(format!("{file} says {text}")), ..found };
    }
    match requires(facts) {
        Some((key, text)) => Interpreter { asked: Some(format!("{key} is {text}")), ..in_range(text) },
        None => Interpreter { tag: Some(DEFAULT.to_owned()), debian: true, asked: None },
    }
}

/// What the project says it runs on, and where.
pub(crate) fn requires(facts: &Facts) -> Option<(&'static str, &str)> {
    let pyproject = facts.package.pyproject.as_ref()?;
    let standard = pyproject.text("project.requires-python").map(|text| ("requires-python", text));
    standard.or_else(|| Some(("python of [tool.poetry]", pyproject.text("tool.poetry.dependencies.python")?)))
}

/// The lowest minor version that a range says.
pub(crate) fn least(text: &str) -> Option<String> {
    let specifiers = range::parse(text)?;
    let lower = specifiers.iter().filter(|specifier| specifier.has_lower_bound());
    let least = lower.map(|specifier| specifier.version().release().to_vec()).max()?;
    Some(least.iter().take(2).map(u64::to_string).collect::<Vec<_>>().join("."))
}

/// What .python-version means; nothing where it names an environment of somebody's own.
fn in_use(text: &str) -> Option<Interpreter> {
    let plain = ["cpython-", "cpython@", "cpython", "python-", "python"];
    let text = plain.iter().find_map(|start| text.strip_prefix(start)).unwrap_or(text);
    if OTHERS.iter().any(|name| text.starts_with(name)) {
        return Some(Interpreter::default());
    }
    match text.chars().next()? {
        first if first.is_ascii_digit() => Some(named(text)),
        '<' | '>' | '=' | '~' | '!' => Some(in_range(text)),
        _ => None,
    }
}

/// `3`, `3.12` or `3.12.4`.
fn named(text: &str) -> Interpreter {
    let is_part = |part: &str| (1..5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    match text.split('.').count() {
        parts @ 1..=3 if text.split('.').all(is_part) => {
            let range = in_range(&format!("=={text}{}", if parts < 3 { ".*" } else { "" }));
            let tag = if parts == 1 { range.tag } else { Some(text.to_owned()) };
            Interpreter { tag, ..range }
        }
        _ => Interpreter::default(),
    }
}

fn in_range(text: &str) -> Interpreter {
    let Some(specifiers) = range::parse(text) else { return Interpreter::default() };
    let has = |text: &str| Version::from_str(text).is_ok_and(|version| specifiers.contains(&version));
    let newest_of = |minor: &&&str| has(&format!("{minor}.{NEWEST}"));
    let exact = || {
        let exact = specifiers.iter().map(|specifier| specifier.version().to_string());
        exact.filter(|version| version.starts_with("3.")).find(|version| has(version))
    };
    let tag = match has(DEFAULT) {
        true => Some(DEFAULT.to_owned()),
        false => MINORS.iter().find(newest_of).map(|minor| (*minor).to_owned()).or_else(exact),
    };
    Interpreter { tag, debian: has(DEBIAN), asked: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Package;
    use crate::pyproject::Pyproject;

    fn found(tag: &str, debian: bool) -> Interpreter {
        Interpreter { tag: (!tag.is_empty()).then(|| tag.to_owned()), debian, asked: None }
    }

    #[test]
    fn ranges() {
        for (text, tag, debian) in [
            ("", "3.11.16", true),
            ("*", "3.11.16", true),
            (">=3.9", "3.11.16", true),
            (">= 3.9, < 4", "3.11.16", true),
            (">=3.11.4", "3.11.16", false),
            (">=3.11.99", "3.11", false),
            (">=3.12", "3.12", false),
            (">=3.8,<3.11", "3.10", false),
            ("<3.11", "3.10", false),
            (">=3.9,!=3.11.*", "3.12", false),
            ("==3.10.*", "3.10", false),
            ("==3.12.4", "3.12.4", false),
            ("~=3.10", "3.11.16", true),
            ("~=3.10.2", "3.10", false),
            ("^3.10", "3.11.16", true),
            ("^3.12", "3.12", false),
            ("~3.10", "3.10", false),
            (">=3.9 <3.11", "3.10", false),
            ("3.11.*", "3.11.16", true),
            (">=2.7,<3", "", false),
            ("^3.x", "", false),
            ("whatever", "", false),
        ] {
            assert_eq!(in_range(text), found(tag, debian), "{text}");
        }
    }

    #[test]
    fn versions_in_use() {
        for (text, expected) in [
            ("3.12", Some(found("3.12", false))),
            ("3.12.4", Some(found("3.12.4", false))),
            ("cpython-3.13.1", Some(found("3.13.1", false))),
            ("cpython@3.11", Some(found("3.11", true))),
            ("3.11.2", Some(found("3.11.2", true))),
            ("3", Some(found("3.11.16", true))),
            (">=3.12", Some(found("3.12", false))),
            ("3.13t", Some(found("", false))),
            ("3.15.0rc1", Some(found("", false))),
            ("pypy3.10", Some(found("", false))),
            ("my-environment", None),
            ("", None),
        ] {
            assert_eq!(in_use(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_in_use_counts_before_what_is_supported() {
        let pyproject = Pyproject::parse("[project]\nrequires-python = '>=3.12'").ok();
        let package = Package { pyproject, ..Package::default() };
        let mut facts = Facts { package, ..Facts::default() };
        let of = |facts: &Facts, python: &str| {
            let python = (!python.is_empty()).then(|| python.to_owned());
            wanted(facts, &Config { python, ..Config::default() })
        };
        let told =
            "no image from packages of Debian: requires-python is >=3.12, and Debian has Python 3.11.2";
        assert_eq!(of(&facts, "").lacks().as_deref(), Some(told));
        assert_eq!(of(&facts, "").minor(), Some(("3.12", 12)));
        facts.python_version = Some((".python-version".to_owned(), "3.13".to_owned()));
        assert_eq!(of(&facts, "").tag.as_deref(), Some("3.13"));
        assert_eq!(of(&facts, "python").tag.as_deref(), Some("3.13"));
        assert_eq!(of(&facts, "python3.11").tag.as_deref(), Some("3.11"));
        let told = "no image: `python` in the config is pypy3, and no official image is known that fits";
        assert_eq!(of(&facts, "pypy3").lacks().as_deref(), Some(told));
        facts.python_version = Some((".python-version".to_owned(), "my-environment".to_owned()));
        assert_eq!(of(&facts, "").tag.as_deref(), Some("3.12"));
        assert_eq!(of(&Facts::default(), "").lacks(), None);
    }

    #[test]
    fn the_lowest_that_is_supported() {
        for (text, expected) in
            [(">=3.9,<4", Some("3.9")), ("^3.10", Some("3.10")), ("<3.12", None), ("==3.12.*", Some("3.12"))]
        {
            assert_eq!(least(text).as_deref(), expected, "{text}");
        }
    }
}
