//! What the files of a member say, before anything is made of it.
//!
//! Invariant: gathered once a request, by way of [`Files`]; everything after it is pure.

use std::collections::BTreeSet;

use devflow_protocol::message;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::{Failure, Files, paths};

use crate::config::Config;
use crate::ini::Ini;
use crate::lists::{self, Requirements};
use crate::pyproject::Pyproject;
use crate::requirement::Requirement;
use crate::tree::Tree;

/// Files whose presence alone says something.
const MARKS: [&str; 17] = [
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile",
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    ".mypy.ini",
    "pyrightconfig.json",
    ".flake8",
    ".pylintrc",
    "pylintrc",
    "pytest.ini",
    ".pytest.ini",
    ".isort.cfg",
    "tox.ini",
    "hatch.toml",
];

/// What the files say.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The member's folder, relative to the root; `""` for the root.
    pub(crate) dir: String,
    /// How the member is packaged.
    pub(crate) package: Package,
    /// hatch.toml.
    pub(crate) hatch: Option<Pyproject>,
    /// pytest.ini or .pytest.ini.
    pub(crate) pytest: Option<Ini>,
    /// mypy.ini or .mypy.ini.
    pub(crate) mypy: Option<Ini>,
    /// tox.ini.
    pub(crate) tox: Option<Ini>,
    /// The nearest .python-version, and its first line that says something.
    pub(crate) python_version: Option<(String, String)>,
    /// Whether some package comes from a git repository.
    pub(crate) git: bool,
    /// Those of [`MARKS`] that are there.
    pub(crate) marks: BTreeSet<&'static str>,
    /// Whether the member belongs to a uv workspace further up that has a lock.
    pub(crate) in_uv_workspace: bool,
    /// What pip's requirements files say.
    pub(crate) requirements: Requirements,
    /// Folders of the project that are installed along with it, and how they are packaged.
    pub(crate) locals: Vec<(Requirement, Package)>,
    /// The Python files.
    pub(crate) tree: Tree,
    /// What was looked at.
    pub(crate) reads: Vec<RelPath>,
}

/// How a folder is packaged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    pub(crate) pyproject: Option<Pyproject>,
    pub(crate) setup_cfg: Option<Ini>,
    pub(crate) setup_py: bool,
}

impl Facts {
    /// Looks at the member that a request is about.
    pub(crate) fn gather(project: &message::Project, config: &Config) -> Result<Self, Failure> {
        let files = Files::new(project)?;
        let dir = files.member();
        let at = |name: &str| paths::at(dir, name);
        let package = Package::gather(&files, dir)?;
        let mut marks = BTreeSet::new();
        for mark in MARKS {
            if files.has(&at(mark))? {
                marks.insert(mark);
            }
        }
        let ini = |names: [&str; 2]| -> Result<Option<Ini>, Failure> {
            let there = names.into_iter().find(|name| marks.contains(name));
            let text = there.map(|name| files.text(&at(name), Files::SETTINGS)).transpose()?.flatten();
            Ok(text.map(|text| Ini::parse(&text)))
        };
        let pytest = ini(["pytest.ini", ".pytest.ini"])?;
        let mypy = ini(["mypy.ini", ".mypy.ini"])?;
        let tox = ini(["tox.ini"; 2])?;
        let requirements = Requirements::gather(&files, dir, &package, config)?;
        let locals = lists::locals(&files, dir, &package, &requirements)?;
        Ok(Self {
            hatch: toml(&files, &at("hatch.toml"))?,
            pytest,
            mypy,
            tox,
            python_version: python_version(&files, dir)?,
            git: requirements.git || from_git(&files, dir)?,
            marks,
            in_uv_workspace: in_uv_workspace(&files, dir)?,
            requirements,
            locals,
            tree: Tree::gather(&files, dir)?,
            package,
            reads: files.reads(),
            dir: dir.to_owned(),
        })
    }

    /// The project's pyproject.toml has something at a dotted path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.package.pyproject.as_ref().is_some_and(|file| file.has(path))
    }
}

impl Package {
    pub(crate) fn gather(files: &Files, dir: &str) -> Result<Self, Failure> {
        let at = |name: &str| paths::at(dir, name);
        Ok(Self {
            pyproject: toml(files, &at("pyproject.toml"))?,
            setup_cfg: files.text(&at("setup.cfg"), Files::SETTINGS)?.map(|text| Ini::parse(&text)),
            setup_py: files.has(&at("setup.py"))?,
        })
    }
}

fn toml(files: &Files, path: &str) -> Result<Option<Pyproject>, Failure> {
    let Some(text) = files.text(path, Files::SETTINGS)? else { return Ok(None) };
    Pyproject::parse(&text).map(Some).map_err(|wrong| files.wrong(path, wrong.line, &wrong.reason))
}

/// What the nearest file names on the way up to the project's root.
fn python_version(files: &Files, dir: &str) -> Result<Option<(String, String)>, Failure> {
    for folder in paths::upwards(dir) {
        let path = paths::at(folder, ".python-version");
        if let Some(text) = files.text(&path, Files::SETTINGS)? {
            let mut lines = text.lines().map(str::trim);
            let version = lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
            return Ok(Some((path, version.to_owned())));
        }
    }
    Ok(None)
}

/// Whether pyproject.toml or a lock names a git repository to install from.
fn from_git(files: &Files, dir: &str) -> Result<bool, Failure> {
    for name in ["pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock"] {
        let text = files.text(&paths::at(dir, name), Files::LOCK)?.unwrap_or_default();
        if ["git+", "git = \"", "type = \"git\""].iter().any(|mark| text.contains(mark)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a folder above is the root of a uv workspace with a lock.
fn in_uv_workspace(files: &Files, dir: &str) -> Result<bool, Failure> {
    for above in paths::upwards(dir).skip(1) {
        if files.has(&paths::at(above, "uv.lock"))? {
            let top = toml(files, &paths::at(above, "pyproject.toml"))?;
            return Ok(top.is_some_and(|top| top.has("tool.uv.workspace")));
        }
    }
    Ok(false)
}
