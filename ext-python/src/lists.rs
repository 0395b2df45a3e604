//! What pip's requirements files say, with all that they include.
//!
//! Invariant: a file is read once, and none outside of the project.

use std::collections::BTreeSet;

use devflow_protocol::sdk::paths::{self, join, parent};
use devflow_protocol::sdk::{Entry, Failure, Files};

use crate::config::Config;
use crate::facts::Package;
use crate::pyproject::{Pyproject, texts};
use crate::requirement::{self, Line, Requirement};

/// The names that requirements files usually have.
const REQUIREMENTS: [&str; 19] = [
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "requirements-tests.txt",
    "requirements-lint.txt",
    "requirements_dev.txt",
    "requirements_test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/base.txt",
    "requirements/main.txt",
    "requirements/requirements.txt",
    "requirements/dev.txt",
    "requirements/development.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "requirements/testing.txt",
    "requirements/lint.txt",
    "requirements/typing.txt",
];

/// What requirements files say.
#[derive(Debug, Default)]
pub(crate) struct Requirements {
    /// The files to install, relative to the member.
    pub(crate) files: Vec<String>,
    /// All files that they consist of, relative to the member.
    pub(crate) parts: BTreeSet<String>,
    /// Whether some part lies outside of the member.
    pub(crate) leaves: bool,
    /// The packages they name.
    pub(crate) names: BTreeSet<String>,
    /// The folders they name.
    pub(crate) locals: Vec<Requirement>,
    /// Whether pip will want a hash for each package.
    pub(crate) hashed: bool,
    /// Whether one comes from a git repository.
    pub(crate) git: bool,
}

impl Requirements {
    pub(crate) fn gather(
        files: &Files,
        dir: &str,
        package: &Package,
        config: &Config,
    ) -> Result<Self, Failure> {
        let mut found = Self::default();
        let mut wanted: Vec<String> = match &config.requirements {
            Some(list) => list.iter().map(|path| path.as_str().to_owned()).collect(),
            None => REQUIREMENTS.map(str::to_owned).into(),
        };
        wanted.extend(package.pyproject.as_ref().map(dynamic).unwrap_or_default());
        for name in wanted {
            let Some(path) = join(dir, &name) else { continue };
            if files.has(&path)? {
                if !found.files.contains(&name) {
                    found.files.push(name);
                }
                found.read(files, dir, &path)?;
            } else if config
                .requirements
                .as_ref()
                .is_some_and(|list| list.iter().any(|path| path.as_str() == name))
            {
                return Err(Failure::invalid_config(format!(
                    "`requirements` names {name}, which does not exist"
                )));
            }
        }
        Ok(found)
    }

    fn read(&mut self, files: &Files, dir: &str, path: &str) -> Result<(), Failure> {
        let mut todo = vec![path.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(path) = todo.pop() {
            if !seen.insert(path.clone()) || seen.len() > 100 {
                continue;
            }
            let Some(text) = files.text(&path, Files::SETTINGS)? else { continue };
            match paths::below(&path, dir) {
                Some(path) => drop(self.parts.insert(path.to_owned())),
                None => self.leaves = true,
            }
            self.hashed |= requirement::hashed(&text);
            self.git |= text.contains("git+");
            for line in requirement::lines(&text) {
                match line {
                    Line::Named(requirement) => drop(self.names.insert(requirement.name)),
                    Line::Local(local) if !self.locals.contains(&local) => self.locals.push(local),
                    Line::Include(name) | Line::Constraint(name) if !name.contains("://") => {
                        let inner = join(parent(&path).unwrap_or_default(), &name)
                            .ok_or_else(|| files.wrong(&path, None, format!("{name} leaves the project")))?;
                        todo.push(inner);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The files that setuptools takes dependencies from.
fn dynamic(pyproject: &Pyproject) -> Vec<String> {
    pyproject.at("tool.setuptools.dynamic.dependencies.file").map(texts).unwrap_or_default()
}

/// The other folders that a project is installed with: requirements like `-e libs/a`, uv's members and sources.
pub(crate) fn locals(
    files: &Files,
    dir: &str,
    package: &Package,
    requirements: &Requirements,
) -> Result<Vec<(Requirement, Package)>, Failure> {
    let mut wanted = requirements.locals.clone();
    let plain = |name: String| Requirement { name, extras: Vec::new() };
    if let Some(pyproject) = &package.pyproject {
        for (_, source) in pyproject.table("tool.uv.sources") {
            wanted
                .extend(source.get("path").and_then(|path| path.as_str()).map(|path| plain(path.to_owned())));
        }
        for member in pyproject.list("tool.uv.workspace.members") {
            match member.strip_suffix("/*") {
                Some(folder) if !folder.contains('*') => {
                    let Some(path) = join(dir, folder) else { continue };
                    let own = |entry: &Entry| entry.folder && !entry.link && !entry.is_hidden();
                    let members = files.entries(&path)?.into_iter().filter(own);
                    wanted.extend(members.map(|entry| plain(format!("{folder}/{}", entry.name))));
                }
                _ => wanted.push(plain(member)),
            }
        }
    }
    let mut found = Vec::new();
    for local in wanted.into_iter().take(100) {
        if let Some(path) = join(dir, &local.name).filter(|path| path != dir) {
            found.push((local, Package::gather(files, &path)?));
        }
    }
    Ok(found)
}
