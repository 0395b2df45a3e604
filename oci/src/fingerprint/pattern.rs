//! A path or glob, cut at its slashes, so that a walk knows which folders it can reach.
//!
//! Invariant: what a pattern matches is what globset matches with `**` and literal separators; a pattern never leads out
//! of the project.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::error::FingerprintError;
use super::glob::{alternatives, is_set, tokens, unescaped};

/// What one part of a path must be.
pub(super) enum Step {
    /// This name.
    Name(String),
    /// A name like this.
    Glob(GlobMatcher),
    /// Any name.
    Any,
    /// Any number of folders.
    Deep,
}

/// An input, parsed.
pub(super) enum Pattern {
    /// One path.
    Literal(PathBuf),
    /// Alternatives, each cut into steps.
    Glob(Vec<Vec<Step>>),
}

impl Step {
    pub(super) fn matches(&self, name: &OsStr) -> bool {
        match self {
            Self::Name(wanted) => OsStr::new(wanted) == name,
            Self::Glob(glob) => glob.is_match(Path::new(name)),
            Self::Any | Self::Deep => true,
        }
    }
}

/// One path, in steps.
pub(super) fn exactly(path: &Path) -> Vec<Step> {
    path.iter().map(|name| Step::Name(name.to_string_lossy().into_owned())).collect()
}

/// All that is in a folder.
pub(super) fn all_below(folder: &Path) -> Vec<Step> {
    exactly(folder).into_iter().chain([Step::Deep, Step::Any]).collect()
}

/// Reads a pattern.
pub(super) fn parse(text: &str) -> Result<Pattern, FingerprintError> {
    let error = |problem: &str| FingerprintError::pattern(text, problem);
    if text.starts_with('/') {
        return Err(error("is absolute; inputs are relative to the project's root"));
    }
    if text.chars().any(char::is_control) {
        return Err(error("holds a control character"));
    }
    if let Some(path) = unescaped(text) {
        return Ok(Pattern::Literal(parts(text, &path)?.into_iter().collect()));
    }
    let alternatives =
        alternatives(text).ok_or_else(|| error("has braces that do not match, or too many of them"))?;
    let cut = |alternative: &String| {
        let mut steps = Vec::new();
        for part in parts(text, alternative)? {
            match part {
                // Many are one.
                "**" if matches!(steps.last(), Some(Step::Deep)) => {}
                "**" => steps.push(Step::Deep),
                "*" => steps.push(Step::Any),
                part => steps.push(match unescaped(part) {
                    Some(name) => Step::Name(name),
                    None => Step::Glob(glob(text, part)?),
                }),
            }
        }
        // `a/**` and `a/` are what is in `a`, not `a`.
        if alternative.ends_with('/') && !matches!(steps.last(), Some(Step::Deep)) {
            steps.push(Step::Deep);
        }
        if matches!(steps.last(), Some(Step::Deep)) {
            steps.push(Step::Any);
        }
        Ok(steps)
    };
    Ok(Pattern::Glob(alternatives.iter().map(cut).collect::<Result<_, _>>()?))
}

/// The parts of a path, without `.` and empty ones.
fn parts<'a>(pattern: &str, path: &'a str) -> Result<Vec<&'a str>, FingerprintError> {
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(FingerprintError::pattern(pattern, "holds `..`; inputs are in the project"));
    }
    if parts.is_empty() {
        return Err(FingerprintError::pattern(pattern, "is empty; `**` is everything"));
    }
    Ok(parts)
}

fn glob(pattern: &str, part: &str) -> Result<GlobMatcher, FingerprintError> {
    // Globs match bytes, so a set with any other character would match no name that anyone means.
    if tokens(part).iter().any(|token| is_set(token) && !token.is_ascii()) {
        return Err(FingerprintError::pattern(pattern, "has a set with other than ASCII characters"));
    }
    let glob = GlobBuilder::new(part).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| FingerprintError::pattern(pattern, format!("is no glob: {}", error.kind())))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Pattern, Step, parse};

    fn shape(text: &str) -> String {
        match parse(text).unwrap() {
            Pattern::Literal(path) => format!("={}", path.display()),
            Pattern::Glob(alternatives) => {
                let step = |step: &Step| match step {
                    Step::Name(name) => name.clone(),
                    Step::Glob(glob) => format!("<{}>", glob.glob().glob()),
                    Step::Any => "*".to_owned(),
                    Step::Deep => "**".to_owned(),
                };
                let steps = |steps: &Vec<Step>| steps.iter().map(step).collect::<Vec<_>>().join("/");
                alternatives.iter().map(steps).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn shapes() {
        for (text, expected) in [
            ("a.lock", "=a.lock"),
            ("./a//b/", "=a/b"),
            ("a/*.rs", "a/<*.rs>"),
            ("**", "**/*"),
            ("a/**/**/b", "a/**/b"),
            ("a/**", "a/**/*"),
            ("a*/", "<a*>/**/*"),
            ("**/a", "**/a"),
            (r"a\*/\[id\]", "=a*/[id]"),
            (r"a\*/*", "a*/*"),
        ] {
            assert_eq!(shape(text), expected);
        }
    }

    #[test]
    fn refusals() {
        for text in [
            "",
            ".",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "a/{b,..}/c",
            "a\n",
            "[a",
            "{a",
            "[ü]",
            "a/[!ü]*",
            "[a/b]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let error = parse("a/{b,..}/*").err().unwrap();
        assert_eq!(
            error.to_string(),
            "the fingerprint's input \"a/{b,..}/*\" holds `..`; inputs are in the project"
        );
    }

    #[test]
    fn dotfiles_match() {
        let Pattern::Glob(alternatives) = parse("*.toml").unwrap() else { panic!() };
        assert!(alternatives[0][0].matches(Path::new(".x.toml").as_os_str()));
    }
}
