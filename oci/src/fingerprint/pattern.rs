//! A path or glob, cut at its slashes, so that a walk knows which folders it can reach.
//!
//! Invariant: what a pattern matches is what globset matches with `**` and literal separators; a pattern never leads out
//! of the project.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::error::FingerprintError;

/// More alternatives than this are no pattern anyone wrote by hand.
const ALTERNATIVES: usize = 1024;

/// What one part of a path must be.
pub(super) enum Step {
    /// This name.
    Name(String),
    /// A name like this.
    Glob(GlobMatcher),
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
            Self::Deep => true,
        }
    }
}

/// One path, in steps.
pub(super) fn exactly(path: &Path) -> Vec<Step> {
    path.iter().map(|name| Step::Name(name.to_string_lossy().into_owned())).collect()
}

/// All that is in a folder.
pub(super) fn all_below(folder: &Path) -> Result<Vec<Step>, FingerprintError> {
    let mut steps = exactly(folder);
    steps.extend([Step::Deep, Step::Glob(glob("*", "*")?)]);
    Ok(steps)
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
    if !text.contains(['*', '?', '[', ']', '{', '}', '\\']) {
        return Ok(Pattern::Literal(parts(text, text)?.into_iter().collect()));
    }
    let alternatives =
        expand(text).ok_or_else(|| error("has braces that do not match, or too many of them"))?;
    let cut = |alternative: &String| {
        let mut steps = Vec::new();
        for part in parts(text, alternative)? {
            match part {
                // Many are one.
                "**" if matches!(steps.last(), Some(Step::Deep)) => {}
                "**" => steps.push(Step::Deep),
                part if part.contains(['*', '?', '[', ']', '\\']) => {
                    steps.push(Step::Glob(glob(text, part)?))
                }
                part => steps.push(Step::Name(part.to_owned())),
            }
        }
        // `a/**` and `a/` are what is in `a`, not `a`.
        if alternative.ends_with('/') && !matches!(steps.last(), Some(Step::Deep)) {
            steps.push(Step::Deep);
        }
        if matches!(steps.last(), Some(Step::Deep)) {
            steps.push(Step::Glob(glob(text, "*")?));
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
    let glob = GlobBuilder::new(part).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| FingerprintError::pattern(pattern, format!("is no glob: {}", error.kind())))
}

/// `a{b,c/d}` is `ab` and `ac/d`. Braces that are escaped or in a class stay.
fn expand(text: &str) -> Option<Vec<String>> {
    let (mut done, mut todo) = (Vec::new(), vec![text.to_owned()]);
    while let Some(text) = todo.pop() {
        let Some((open, commas, close)) = first_braces(&text)? else {
            done.push(text);
            continue;
        };
        let ends = commas.iter().copied().chain([close]);
        let starts = [open].into_iter().chain(commas.iter().copied());
        for (start, end) in starts.zip(ends) {
            todo.push(format!("{}{}{}", &text[..open], &text[start + 1..end], &text[close + 1..]));
        }
        if done.len() + todo.len() > ALTERNATIVES {
            return None;
        }
    }
    Some(done)
}

/// Where the first braces open, where their commas are, and where they close; `None` outside if they do not.
fn first_braces(text: &str) -> Option<Option<(usize, Vec<usize>, usize)>> {
    let (mut open, mut commas, mut depth) = (None, Vec::new(), 0_usize);
    let mut class = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            // `]` right after `[` or `[!` is a member.
            ']' if class.is_some_and(|start| at > start) => class = None,
            '!' | '^' if class == Some(at) => class = Some(at + 1),
            _ if class.is_some() => {}
            '[' => class = Some(at + 1),
            '{' => {
                depth += 1;
                open = open.or(Some(at));
            }
            ',' if depth == 1 => commas.push(at),
            '}' => {
                depth = depth.checked_sub(1)?;
                if let (0, Some(open)) = (depth, open) {
                    return Some(Some((open, commas, at)));
                }
            }
            _ => {}
        }
    }
    (depth == 0).then_some(None)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Pattern, Step, expand, parse};

    #[test]
    fn braces() {
        for (text, mut expected) in [
            ("a", vec!["a"]),
            ("{a,b}.rs", vec!["a.rs", "b.rs"]),
            ("x/{a/b,c}/{d,e}", vec!["x/a/b/d", "x/a/b/e", "x/c/d", "x/c/e"]),
            ("{a,{b,c}}", vec!["a", "b", "c"]),
            ("{a}", vec!["a"]),
            ("a{,b}", vec!["a", "ab"]),
            (r"\{a,b\}", vec![r"\{a,b\}"]),
            ("[{,}]", vec!["[{,}]"]),
            ("[!]{]{a,b}", vec!["[!]{]a", "[!]{]b"]),
        ] {
            let mut got = expand(text).unwrap();
            got.sort();
            expected.sort_unstable();
            assert_eq!(got, expected, "{text}");
        }
        for text in ["{a", "a}", "{a,{b}", &"{a,b}".repeat(20)] {
            assert_eq!(expand(text), None, "{text}");
        }
    }

    fn shape(text: &str) -> String {
        match parse(text).unwrap() {
            Pattern::Literal(path) => format!("={}", path.display()),
            Pattern::Glob(alternatives) => {
                let step = |step: &Step| match step {
                    Step::Name(name) => name.clone(),
                    Step::Glob(glob) => format!("<{}>", glob.glob().glob()),
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
            ("**", "**/<*>"),
            ("a/**/**/b", "a/**/b"),
            ("a/**", "a/**/<*>"),
            ("a*/", "<a*>/**/<*>"),
            ("**/a", "**/a"),
        ] {
            assert_eq!(shape(text), expected);
        }
    }

    #[test]
    fn refusals() {
        for text in ["", ".", "/", "/etc/passwd", "..", "a/../b", "a/{b,..}/c", "a\n", "[a", "{a"] {
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
