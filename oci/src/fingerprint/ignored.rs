//! What git would ignore, by the rules of the project: its `.gitignore` files and `.git/info/exclude`.
//!
//! Invariant: no rule of the user's own, no index and no git process: the same rules wherever the project is.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::error::{FingerprintError, Warning};
use super::rule::rule;

/// The rules that hold in some folder.
pub(super) type Rules = Option<Rc<Level>>;

/// The rules of one file, on top of those above it.
pub(super) struct Level {
    rules: Gitignore,
    above: Rules,
}

/// The rules of a project, read as its folders are entered.
pub(super) struct Ignored<'a> {
    root: &'a Path,
    known: BTreeMap<PathBuf, Rules>,
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Ignored<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self { root, known: BTreeMap::new(), warnings: Vec::new() }
    }

    /// The rules above the root's own: those of the repository that it is a folder of.
    fn outer(&mut self) -> Result<Rules, FingerprintError> {
        let Some(top) = self.root.ancestors().find(|dir| dir.join(".git").symlink_metadata().is_ok()) else {
            return Ok(None);
        };
        let mut rules = None;
        if let Some(exclude) = exclude_file(top) {
            rules = self.level(top, &exclude, None)?;
        }
        let mut down: Vec<_> = self.root.ancestors().take_while(|dir| dir.starts_with(top)).collect();
        down.reverse();
        for pair in down.windows(2) {
            rules = self.level(pair[0], &pair[0].join(".gitignore"), rules)?;
            // A project in a folder that the repository around it ignores is one of its own.
            if is_ignored(&rules, pair[1], true) {
                return Ok(None);
            }
        }
        Ok(rules)
    }

    /// The rules that hold in a folder, relative to the root.
    pub(super) fn enter(&mut self, dir: &Path) -> Result<Rules, FingerprintError> {
        if let Some(rules) = self.known.get(dir) {
            return Ok(rules.clone());
        }
        let above = match dir.parent() {
            Some(parent) => self.enter(parent)?,
            None => self.outer()?,
        };
        // Joining nothing would add a slash.
        let absolute = if dir.as_os_str().is_empty() { self.root.to_owned() } else { self.root.join(dir) };
        let rules = self.level(&absolute, &absolute.join(".gitignore"), above)?;
        self.known.insert(dir.to_owned(), rules.clone());
        Ok(rules)
    }

    /// Whether git would ignore this path, relative to the root, in a folder where these rules hold.
    pub(super) fn is_ignored(&self, rules: &Rules, path: &Path, is_dir: bool) -> bool {
        is_ignored(rules, &self.root.join(path), is_dir)
    }

    fn level(&mut self, dir: &Path, file: &Path, above: Rules) -> Result<Rules, FingerprintError> {
        // Like git, a link is not followed here.
        match file.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => {}
            _ => return Ok(above),
        }
        let shown = file.strip_prefix(self.root).unwrap_or(file);
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(above),
            Err(error) => return Err(FingerprintError::unreadable(shown, &error)),
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut builder = GitignoreBuilder::new(dir);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let rule = rule(line);
            if rule.is_some_and(|rule| builder.add_line(None, &rule).is_err()) {
                self.warnings.push(Warning::Rule(shown.to_owned(), line.to_owned()));
            }
        }
        let rules = builder.build().map_err(|error| FingerprintError::Unreadable {
            path: shown.to_owned(),
            reason: error.to_string(),
        })?;
        if rules.is_empty() {
            return Ok(above);
        }
        Ok(Some(Rc::new(Level { rules, above })))
    }
}

/// The innermost rule decides; a folder above was asked about before it was entered.
fn is_ignored(rules: &Rules, path: &Path, is_dir: bool) -> bool {
    let mut rules = rules;
    while let Some(level) = rules {
        match level.rules.matched(path, is_dir) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => rules = &level.above,
        }
    }
    false
}

/// `info/exclude` of a repository, whose `.git` may be a file that says where its folder is.
fn exclude_file(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    if git.is_dir() {
        return Some(git.join("info/exclude"));
    }
    let read = |path: &Path| std::fs::read_to_string(path).ok().filter(|text| text.len() < 8192);
    let text = read(&git)?;
    let folder = top.join(text.strip_prefix("gitdir:")?.trim());
    let common = match read(&folder.join("commondir")) {
        Some(common) => folder.join(common.trim()),
        None => folder,
    };
    Some(common.join("info/exclude"))
}
