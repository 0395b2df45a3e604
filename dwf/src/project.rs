//! The project: its root, its name, its members.

use std::path::{Path, PathBuf};

use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;
use globset::Glob;

use crate::config::{self, ConfigError, Diagnostic, Loaded, Source};
use crate::error::{Exit, Explain};
use crate::lock::{Lock, LockError};

/// Bytes of a list of ignore rules.
const RULES: u64 = 1 << 20;

/// A project as its configuration describes it.
#[derive(Debug, Clone)]
pub struct Project {
    /// Absolute, with links resolved.
    pub root: PathBuf,
    /// Its name.
    pub name: String,
    /// Its configuration.
    pub config: Loaded,
    /// Its devflow.lock.
    pub lock: Option<Lock>,
    /// The folders that are asked about, the root first.
    pub members: Vec<Member>,
}

/// A folder that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The folder, relative to the root.
    pub dir: RelPath,
    /// The stacks it says it has; when absent, those of the project that detect it.
    pub stacks: Option<Vec<ExtensionName>>,
}

/// Why there is no project here.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A folder cannot be read.
    #[error("{} cannot be read", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// A path is not UTF-8.
    #[error("the path {} is not UTF-8", .0.display())]
    Encoding(PathBuf),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The lock is wrong.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl Explain for ProjectError {
    fn exit(&self) -> Exit {
        match self {
            Self::Lock(error) => error.exit(),
            _ => Exit::Usage,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.detail(),
            Self::Lock(error) => error.detail(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Lock(error) => error.hint(),
            _ => None,
        }
    }
}

impl Project {
    /// Loads the project that a folder belongs to: the nearest devflow.toml above it, or the one
    /// further up that names that folder as a member; without any, the folder itself.
    pub fn load(start: &Path) -> Result<Self, ProjectError> {
        let start = start.canonicalize().map_err(|error| ProjectError::Read(start.to_owned(), error))?;
        let candidates: Vec<&Path> =
            start.ancestors().filter(|dir| dir.join(config::FILE).symlink_metadata().is_ok()).collect();
        let Some(nearest) = candidates.first() else {
            return Self::new(start, Loaded { file: config::File::default(), source: None });
        };
        for outer in candidates[1..].iter() {
            // A broken file further up is not this project's concern.
            if let Ok(project) = Self::at(outer)
                && project.members.iter().any(|member| outer.join(member.dir.as_str()) == **nearest)
            {
                return Ok(project);
            }
        }
        Self::at(nearest)
    }

    /// The same project as if nothing were said of it: what its devflow.toml says is not read.
    pub fn undeclared(start: &Path) -> Result<Self, ProjectError> {
        let root = match Self::load(start) {
            Ok(project) => project.root,
            Err(_) => start.canonicalize().map_err(|error| ProjectError::Read(start.to_owned(), error))?,
        };
        let declared = root.ancestors().find(|dir| dir.join(config::FILE).symlink_metadata().is_ok());
        let root = declared.unwrap_or(&root).to_owned();
        Self::new(root, Loaded { file: config::File::default(), source: None })
    }

    fn at(root: &Path) -> Result<Self, ProjectError> {
        let config = config::load(&root.join(config::FILE), Path::new(config::FILE))?;
        Self::new(root.to_owned(), config)
    }

    fn new(root: PathBuf, config: Loaded) -> Result<Self, ProjectError> {
        if root.to_str().is_none() {
            return Err(ProjectError::Encoding(root));
        }
        let directory = root.file_name().and_then(|name| name.to_str()).unwrap_or("project");
        let name = match &config.file.project.name {
            Some(name) => name.get_ref().clone(),
            None => directory.to_owned(),
        };
        let members = match &config.source {
            Some(source) => declared_members(&root, &config, source)?,
            None => undeclared_members(&root)?,
        };
        let lock = Lock::load(&root)?;
        Ok(Self { root, name, config, lock, members })
    }

    /// The stacks that the project as a whole names; absent without a devflow.toml.
    pub fn stacks(&self) -> Option<Vec<ExtensionName>> {
        let stacks = self.config.file.project.stack.as_ref()?;
        Some(stacks.get_ref().iter().map(|name| name.get_ref().clone()).collect())
    }

    /// A member's folder on this machine.
    pub fn path(&self, member: &RelPath) -> PathBuf {
        if member.is_here() { self.root.clone() } else { self.root.join(member.as_str()) }
    }
}

fn declared_members(root: &Path, config: &Loaded, source: &Source) -> Result<Vec<Member>, ProjectError> {
    let mut dirs = Vec::new();
    for glob in &config.file.project.members {
        let wrong = |message: String| ConfigError::from(Diagnostic::new(source, glob.span(), message));
        let mut found = expand(root, glob.get_ref()).map_err(wrong)?;
        if found.is_empty() {
            return Err(wrong(format!("no folder matches `{}`", glob.get_ref())).into());
        }
        dirs.append(&mut found);
    }
    dirs.sort();
    dirs.dedup();
    let mut members = vec![Member { dir: RelPath::here(), stacks: None }];
    for dir in dirs {
        let file = Path::new(dir.as_str()).join(config::FILE);
        let stacks = match root.join(&file).symlink_metadata() {
            Ok(_) => config::load_member(&root.join(&file), &file)?.project.stack,
            Err(_) => None,
        };
        members.push(Member { dir, stacks });
    }
    Ok(members)
}

/// Without a devflow.toml: the root, and every folder right below it that git would not ignore.
fn undeclared_members(root: &Path) -> Result<Vec<Member>, ProjectError> {
    // What says it is a list of rules and is a device or a flood would be read without end.
    let rules =
        root.join(".gitignore").symlink_metadata().is_ok_and(|meta| meta.is_file() && meta.len() < RULES);
    let mut dirs: Vec<RelPath> = ignore::WalkBuilder::new(root)
        .max_depth(Some(1))
        .standard_filters(false)
        .hidden(true)
        .git_ignore(rules)
        .require_git(false)
        .build()
        .filter_map(Result::ok)
        .filter(|entry| entry.depth() == 1 && entry.file_type().is_some_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    dirs.sort();
    let root = std::iter::once(RelPath::here());
    Ok(root.chain(dirs).map(|dir| Member { dir, stacks: None }).collect())
}

/// The folders that a glob names, one path component at a time; links are not followed.
fn expand(root: &Path, pattern: &str) -> Result<Vec<RelPath>, String> {
    let mut level = vec![String::new()];
    for component in pattern.split('/').filter(|component| !component.is_empty() && *component != ".") {
        if component == "**" {
            return Err("`**` is not for members: write each level as `*`".to_owned());
        }
        let glob = Glob::new(component).map_err(|error| error.to_string())?.compile_matcher();
        let mut next = Vec::new();
        for dir in level {
            let Ok(entries) = std::fs::read_dir(root.join(&dir)) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let hidden_by_star = name.to_string_lossy().starts_with('.') && !component.starts_with('.');
                if entry.file_type().is_ok_and(|kind| kind.is_dir())
                    && !hidden_by_star
                    && let Some(name) = name.to_str()
                    && glob.is_match(name)
                {
                    next.push(if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") });
                }
            }
        }
        level = next;
    }
    let parse = |dir: String| if dir.is_empty() { Ok(RelPath::here()) } else { dir.try_into() };
    level.into_iter().map(|dir| parse(dir).map_err(|error| error.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    fn dirs(project: &Project) -> Vec<&str> {
        project.members.iter().map(|member| member.dir.as_str()).collect()
    }

    const ROOT: &str = "[project]\nstack = [\"a\"]\nmembers = [\"apps/*\", \"core\"]\n";

    #[test]
    fn members_are_expanded_sorted_and_once() {
        let dir = tree(&[
            ("devflow.toml", ROOT),
            ("apps/b/x", ""),
            ("apps/a/x", ""),
            ("apps/.h/x", ""),
            ("core/x", ""),
        ]);
        let project = Project::load(dir.path()).unwrap();
        assert_eq!(dirs(&project), [".", "apps/a", "apps/b", "core"]);
    }

    #[test]
    fn a_member_with_a_file_of_its_own_belongs_to_the_project_above() {
        let own = "[project]\nstack = [\"b\"]\n";
        let dir = tree(&[("devflow.toml", ROOT), ("apps/a/devflow.toml", own), ("core/src/x", "")]);
        let project = Project::load(&dir.path().join("apps/a")).unwrap();
        assert_eq!(project.root, dir.path().canonicalize().unwrap());
        assert_eq!(project.members[1].stacks, Some(vec!["b".parse().unwrap()]));
        let inner = tree(&[("devflow.toml", "[project]\nstack = [\"a\"]\n"), ("other/devflow.toml", own)]);
        let project = Project::load(&inner.path().join("other")).unwrap();
        assert_eq!(project.root, inner.path().canonicalize().unwrap().join("other"));
    }

    #[test]
    fn without_a_file_the_root_and_one_level() {
        let dir = tree(&[(".gitignore", "target\n"), ("a/b/x", ""), ("target/x", ""), (".git/x", "")]);
        assert_eq!(dirs(&Project::load(dir.path()).unwrap()), [".", "a"]);
    }

    #[test]
    fn a_glob_without_a_folder_is_shown() {
        let dir = tree(&[("devflow.toml", ROOT)]);
        let error = Project::load(dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "no folder matches `apps/*`");
        assert!(error.detail().unwrap().contains("devflow.toml:3:12"));
    }
}
