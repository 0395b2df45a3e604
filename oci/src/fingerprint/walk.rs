//! Finding the files that inputs name.
//!
//! Invariant: a folder is listed only if some glob can match in it, is not ignored, is in the project and was reached
//! without a symbolic link.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::{FingerprintError, Warning};
use super::ignored::{Ignored, Rules};
use super::pattern::{Pattern, Step, all_below, exactly, parse};
use super::record::Kind;
use super::tree::{Entry, Tree};

/// What was found; all paths are relative to the root.
#[derive(Default)]
pub(super) struct Found {
    /// Sorted, each once.
    pub(super) files: Vec<(PathBuf, Kind)>,
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

/// All places where it is; few, each once.
type States = Vec<State>;

struct Walk<'a> {
    tree: &'a dyn Tree,
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
pub(super) fn find(
    tree: &dyn Tree,
    inputs: &[String],
    exclude: &[String],
) -> Result<Found, FingerprintError> {
    let (globs, exclude, ignored) = (Vec::new(), excluded(exclude)?, Ignored::new(tree));
    let (asked, matched, found) = (BTreeSet::new(), BTreeSet::new(), Found::default());
    let mut walk = Walk { tree, globs, exclude, ignored, asked, matched, found };
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
    // Paths compare part by part, which is slow.
    walk.found.files.sort_unstable_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
    walk.found.files.dedup();
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
fn advance(globs: &[Glob], states: &[State], name: &OsStr) -> States {
    let mut next = States::new();
    for &(glob, at) in states {
        match globs[glob].steps.get(at) {
            Some(Step::Deep) => reach(globs, (glob, at), &mut next),
            Some(step) if step.matches(name) => reach(globs, (glob, at + 1), &mut next),
            _ => {}
        }
    }
    next.sort_unstable();
    next.dedup();
    next
}

/// Adds a state, and those that it is as well: any number of folders may be none.
fn reach(globs: &[Glob], (glob, mut at): State, states: &mut States) {
    states.push((glob, at));
    while matches!(globs[glob].steps.get(at), Some(Step::Deep)) {
        at += 1;
        states.push((glob, at));
    }
}

fn start(globs: &[Glob]) -> States {
    let mut states = States::new();
    (0..globs.len()).for_each(|glob| reach(globs, (glob, 0), &mut states));
    states
}

impl Walk<'_> {
    /// One path: no folder is listed for it.
    fn literal(&mut self, input: usize, text: &str, path: &Path) -> Result<(), FingerprintError> {
        let mut at = PathBuf::new();
        for name in path {
            let rules = self.ignored.enter(&at)?;
            at.push(name);
            let Some(entry) = self.tree.entry(&at)? else { break };
            if self.is_left_out(&rules, &at, name, entry) {
                self.found.warnings.push(Warning::Ignored(text.to_owned()));
                return Ok(());
            }
            match entry {
                Entry::Folder if at == path => {
                    self.asked.insert(input);
                    self.globs.push(Glob { input, steps: all_below(path) });
                    return Ok(());
                }
                Entry::Folder => {}
                Entry::Module => {
                    self.found.warnings.push(Warning::Module(at));
                    return Ok(());
                }
                _ if at == path => return if self.is_excluded(path) { Ok(()) } else { self.keep(at, entry) },
                Entry::Symlink => {
                    self.found.warnings.push(Warning::BehindLink(text.to_owned(), at));
                    break;
                }
                Entry::File | Entry::Other(_) => break,
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
            for (name, entry) in self.entries(&dir, &states)? {
                let next = advance(&self.globs, &states, &name);
                if next.is_empty() {
                    continue;
                }
                let out = advance(&self.exclude, &exclude, &name);
                let path = dir.join(&name);
                if ends(&self.exclude, &out).next().is_some() || self.is_left_out(&rules, &path, &name, entry)
                {
                    continue;
                }
                match entry {
                    Entry::Folder => todo.push((path, next, out)),
                    Entry::Module => self.found.warnings.push(Warning::Module(path)),
                    _ => {
                        let mut inputs = ends(&self.globs, &next).map(|glob| glob.input).peekable();
                        if inputs.peek().is_some() {
                            self.matched.extend(inputs);
                            self.keep(path, entry)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// What is in a folder, as far as these states can match it.
    fn entries(&self, dir: &Path, states: &[State]) -> Result<Vec<(OsString, Entry)>, FingerprintError> {
        let mut names = BTreeSet::new();
        for &(glob, at) in states {
            match self.globs[glob].steps.get(at) {
                Some(Step::Name(name)) => names.insert(name),
                Some(_) => return self.tree.list(dir),
                None => false,
            };
        }
        let entry = |name: &String| {
            let entry = self.tree.entry(&dir.join(name)).transpose()?;
            Some(entry.map(|entry| (OsString::from(name), entry)))
        };
        names.into_iter().filter_map(entry).collect()
    }

    fn is_left_out(&self, rules: &Rules, path: &Path, name: &OsStr, entry: Entry) -> bool {
        // Git takes another repository for a folder, whatever is in it.
        let is_dir = matches!(entry, Entry::Folder | Entry::Module);
        (name == ".git" && self.tree.hides_git()) || self.ignored.is_ignored(rules, path, is_dir)
    }

    fn is_excluded(&self, path: &Path) -> bool {
        let mut states = start(&self.exclude);
        path.iter().any(|name| {
            states = advance(&self.exclude, &states, name);
            ends(&self.exclude, &states).next().is_some()
        })
    }

    /// Takes a file or link.
    fn keep(&mut self, path: PathBuf, entry: Entry) -> Result<(), FingerprintError> {
        let kind = match entry {
            Entry::File => Kind::File,
            Entry::Symlink => Kind::Symlink,
            Entry::Other(kind) => return Err(FingerprintError::NotAFile { path, kind }),
            Entry::Folder | Entry::Module => return Ok(()),
        };
        self.found.files.push((path, kind));
        Ok(())
    }
}

/// The globs that match here.
fn ends<'a>(globs: &'a [Glob], states: &'a [State]) -> impl Iterator<Item = &'a Glob> {
    states.iter().filter(|(glob, at)| *at == globs[*glob].steps.len()).map(|(glob, _)| &globs[*glob])
}
