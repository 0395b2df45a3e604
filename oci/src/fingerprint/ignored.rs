//! What git would ignore, by the rules of the project: its `.gitignore` files and `.git/info/exclude`.
//!
//! Invariant: no rule of the user's own, no index and no git process: the same rules wherever the project is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::error::{FingerprintError, Warning};
use super::rule::rule;
use super::tree::{RULES, Tree};

/// The rules that hold in some folder.
pub(super) type Rules = Option<Rc<Level>>;

/// The rules of one file, on top of those above it. Paths are relative to the repository's top.
pub(super) struct Level {
    rules: Gitignore,
    above: Rules,
}

/// The rules of a project, read as its folders are entered.
pub(super) struct Ignored<'a> {
    tree: &'a dyn Tree,
    prefix: PathBuf,
    known: BTreeMap<PathBuf, Rules>,
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Ignored<'a> {
    pub(super) fn new(tree: &'a dyn Tree) -> Self {
        Self { tree, prefix: PathBuf::new(), known: BTreeMap::new(), warnings: Vec::new() }
    }

    /// The rules above the root's own: those of the repository that it is a folder of.
    fn outer(&mut self) -> Result<Rules, FingerprintError> {
        let around = self.tree.around()?;
        self.prefix = around.prefix.clone();
        let top = Path::new("");
        let mut rules = self.level(top, Path::new(".git/info/exclude"), around.exclude, None)?;
        let mut down: Vec<_> = around.prefix.ancestors().collect();
        down.reverse();
        for (pair, text) in down.windows(2).zip(around.above) {
            rules = self.level(pair[0], &pair[0].join(RULES), text, rules)?;
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
        let text = self.tree.rules(dir)?;
        let here = self.within(dir).into_owned();
        let rules = self.level(&here, &here.join(RULES), text, above)?;
        self.known.insert(dir.to_owned(), rules.clone());
        Ok(rules)
    }

    /// Whether git would ignore this path, relative to the root, in a folder where these rules hold.
    pub(super) fn is_ignored(&self, rules: &Rules, path: &Path, is_dir: bool) -> bool {
        rules.is_some() && is_ignored(rules, &self.within(path), is_dir)
    }

    /// A path relative to the root as one relative to the repository's top.
    fn within<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        if self.prefix.as_os_str().is_empty() {
            return Cow::Borrowed(path);
        }
        // Joining nothing would add a slash.
        match path.as_os_str().is_empty() {
            true => Cow::Owned(self.prefix.clone()),
            false => Cow::Owned(self.prefix.join(path)),
        }
    }

    fn level(
        &mut self,
        dir: &Path,
        file: &Path,
        text: Option<Vec<u8>>,
        above: Rules,
    ) -> Result<Rules, FingerprintError> {
        let Some(bytes) = text else { return Ok(above) };
        let text = String::from_utf8_lossy(&bytes);
        let mut builder = GitignoreBuilder::new(dir);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let rule = rule(line);
            if rule.is_some_and(|rule| builder.add_line(None, &rule).is_err()) {
                self.warnings.push(Warning::Rule(file.to_owned(), line.to_owned()));
            }
        }
        let rules = builder.build().map_err(|error| FingerprintError::Unreadable {
            path: file.to_owned(),
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
