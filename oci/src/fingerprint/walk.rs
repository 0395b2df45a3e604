//! Finding the files that inputs name.
//!
//! Invariant: a folder is listed only if some glob can match in it, is not ignored, is in the project and was reached
//! without a symbolic link.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::error::{FingerprintError, Warning};
use super::ignored::{Ignored, Rules};
use super::pattern::{Pattern, Step, all_below, exactly, parse};
use super::record::Kind;

/// What was found; all paths are relative to the root.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: BTreeMap<PathBuf, Kind>,
    pub(super) absent: BTreeSet<String>,
    pub(super) warnings: Vec<Warning>,
}

/// A glob: who asked for it, and its steps.
struct Glob {
    input: usize,
    steps: Vec<Step>,
}

/// Where in which glob a walk is.
type State = (usize, usize);

struct Walk<'a> {
    root: &'a Path,
    globs: Vec<Glob>,
    /// Those of `globs` that say what is left out.
    exclude: Vec<Glob>,
    ignored: Ignored<'a>,
    /// Inputs that are to match something, and those that did.
    asked: BTreeSet<usize>,
    matched: BTreeSet<usize>,
    found: Found,
}

/// Finds what the inputs name below the root.
pub(super) fn find(root: &Path, inputs: &[String], exclude: &[String]) -> Result<Found, FingerprintError> {
    let (globs, exclude, ignored) = (Vec::new(), excluded(exclude)?, Ignored::new(root));
    let (asked, matched, found) = (BTreeSet::new(), BTreeSet::new(), Found::default());
    let mut walk = Walk { root, globs, exclude, ignored, asked, matched, found };
    for (input, text) in inputs.iter().enumerate() {
        match parse(text)? {
            Pattern::Literal(path) => walk.literal(input, text, &path)?,
            Pattern::Glob(alternatives) => {
                walk.asked.insert(input);
                walk.globs.extend(alternatives.into_iter().map(|steps| Glob { input, steps }));
            }
        }
    }
    walk.globs()?;
    let unmatched = walk.asked.difference(&walk.matched);
    walk.found.warnings.extend(unmatched.map(|input| Warning::NoMatch(inputs[*input].clone())));
    walk.found.warnings.append(&mut walk.ignored.warnings);
    walk.found.warnings.sort();
    walk.found.warnings.dedup();
    Ok(walk.found)
}

/// What is left out, and with it all that is in it.
fn excluded(exclude: &[String]) -> Result<Vec<Glob>, FingerprintError> {
    let mut globs = Vec::new();
    for (input, text) in exclude.iter().enumerate() {
        let alternatives = match parse(text)? {
            Pattern::Literal(path) => vec![exactly(&path)],
            Pattern::Glob(alternatives) => alternatives,
        };
        globs.extend(alternatives.into_iter().map(|steps| Glob { input, steps }));
    }
    Ok(globs)
}

/// The states after one more name.
fn advance(globs: &[Glob], states: &BTreeSet<State>, name: &OsStr) -> BTreeSet<State> {
    let mut next = BTreeSet::new();
    for &(glob, at) in states {
        match globs[glob].steps.get(at) {
            Some(Step::Deep) => reach(globs, (glob, at), &mut next),
            Some(step) if step.matches(name) => reach(globs, (glob, at + 1), &mut next),
            _ => {}
        }
    }
    next
}

/// Adds a state, and those that it is as well: any number of folders may be none.
fn reach(globs: &[Glob], (glob, mut at): State, states: &mut BTreeSet<State>) {
    states.insert((glob, at));
    while matches!(globs[glob].steps.get(at), Some(Step::Deep)) {
        at += 1;
        states.insert((glob, at));
    }
}

fn start(globs: &[Glob]) -> BTreeSet<State> {
    let mut states = BTreeSet::new();
    (0..globs.len()).for_each(|glob| reach(globs, (glob, 0), &mut states));
    states
}

impl Walk<'_> {
    /// One path: no folder is listed for it.
    fn literal(&mut self, input: usize, text: &str, path: &Path) -> Result<(), FingerprintError> {
        let parts: Vec<_> = path.components().collect();
        let mut at = PathBuf::new();
        for (index, part) in parts.iter().enumerate() {
            let Component::Normal(name) = part else { continue };
            let rules = self.ignored.enter(&at)?;
            at.push(name);
            let Some(kind) = self.kind(&at)? else { break };
            if self.is_left_out(&rules, &at, name, kind.is_dir()) {
                self.found.warnings.push(Warning::Ignored(text.to_owned()));
                return Ok(());
            }
            let last = index + 1 == parts.len();
            if last && kind.is_dir() {
                let steps = all_below(path)?;
                self.asked.insert(input);
                self.globs.push(Glob { input, steps });
                return Ok(());
            }
            if last && self.keep(&at, kind) {
                return Ok(());
            }
            if kind.is_symlink() {
                self.found.warnings.push(Warning::BehindLink(text.to_owned(), at));
                break;
            }
            if !kind.is_dir() {
                break;
            }
        }
        if !self.is_excluded(path) {
            self.found.absent.insert(path.to_string_lossy().into_owned());
        }
        Ok(())
    }

    /// All globs at once: each folder is listed once, and only if a glob needs more of it than names it knows.
    fn globs(&mut self) -> Result<(), FingerprintError> {
        let mut todo = vec![(PathBuf::new(), start(&self.globs), start(&self.exclude))];
        while let Some((dir, states, exclude)) = todo.pop() {
            let rules = self.ignored.enter(&dir)?;
            for (name, kind) in self.entries(&dir, &states)? {
                let next = advance(&self.globs, &states, &name);
                if next.is_empty() {
                    continue;
                }
                let out = advance(&self.exclude, &exclude, &name);
                let path = dir.join(&name);
                if ends(&self.exclude, &out).next().is_some()
                    || self.is_left_out(&rules, &path, &name, kind.is_dir())
                {
                    continue;
                }
                if kind.is_dir() {
                    todo.push((path, next, out));
                    continue;
                }
                let inputs: BTreeSet<_> = ends(&self.globs, &next).map(|glob| glob.input).collect();
                if !inputs.is_empty() && self.keep(&path, kind) {
                    self.matched.extend(inputs);
                }
            }
        }
        Ok(())
    }

    /// What is in a folder, as far as these states can match it.
    fn entries(
        &self,
        dir: &Path,
        states: &BTreeSet<State>,
    ) -> Result<Vec<(OsString, FileType)>, FingerprintError> {
        let mut names = BTreeSet::new();
        for &(glob, at) in states {
            match self.globs[glob].steps.get(at) {
                Some(Step::Name(name)) => names.insert(name),
                Some(_) => return self.list(dir),
                None => false,
            };
        }
        let kind = |name: &String| {
            let kind = self.kind(&dir.join(name)).transpose()?;
            Some(kind.map(|kind| (OsString::from(name), kind)))
        };
        names.into_iter().filter_map(kind).collect()
    }

    fn list(&self, dir: &Path) -> Result<Vec<(OsString, FileType)>, FingerprintError> {
        let unreadable = |error: std::io::Error| FingerprintError::unreadable(dir, &error);
        let entries = std::fs::read_dir(self.root.join(dir)).map_err(unreadable)?;
        let entry = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?))
        };
        entries.map(|next| entry(next).map_err(unreadable)).collect()
    }

    /// What a path is, without following it; `None` if there is nothing.
    fn kind(&self, path: &Path) -> Result<Option<FileType>, FingerprintError> {
        match self.root.join(path).symlink_metadata() {
            Ok(metadata) => Ok(Some(metadata.file_type())),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(FingerprintError::unreadable(path, &error)),
        }
    }

    fn is_left_out(&self, rules: &Rules, path: &Path, name: &OsStr, is_dir: bool) -> bool {
        name == ".git" || self.ignored.is_ignored(rules, path, is_dir)
    }

    fn is_excluded(&self, path: &Path) -> bool {
        let mut states = start(&self.exclude);
        path.iter().any(|name| {
            states = advance(&self.exclude, &states, name);
            ends(&self.exclude, &states).next().is_some()
        })
    }

    /// Takes a file or link; `false` for what is neither. One that is left out by name counts as taken.
    fn keep(&mut self, path: &Path, kind: FileType) -> bool {
        let kind = if kind.is_file() {
            Kind::File
        } else if kind.is_symlink() {
            Kind::Symlink
        } else {
            self.found.warnings.push(Warning::NotAFile(path.to_owned()));
            return false;
        };
        if !self.is_excluded(path) {
            self.found.files.insert(path.to_owned(), kind);
        }
        true
    }
}

/// The globs that match here.
fn ends<'a>(globs: &'a [Glob], states: &'a BTreeSet<State>) -> impl Iterator<Item = &'a Glob> {
    states.iter().filter(|(glob, at)| *at == globs[*glob].steps.len()).map(|(glob, _)| &globs[*glob])
}
