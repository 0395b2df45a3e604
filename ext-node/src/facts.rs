//! What is known about a member: gathered once, so that everything after it is pure.
//!
//! Invariant: no other module looks at the project.

use std::collections::BTreeSet;

use devflow_protocol::message::Project;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::{Failure, Files, paths};

use crate::config::Config;
use crate::lock::{self, Lock};
use crate::manager::{self, Hints, LOCKS, Manager};
use crate::manifest::Manifest;
use crate::sources;
use crate::tools;
use crate::workspaces::{self, Package};

/// The facts about a member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    /// The member's folder below the project's root.
    pub(crate) dir: String,
    /// Its package.json; without one it is no project of Node.
    pub(crate) package: Option<Manifest>,
    /// The folder where everything is installed: the member's own, or that of its workspace.
    pub(crate) root: String,
    /// The package.json there, where that is another folder.
    pub(crate) top: Option<Manifest>,
    pub(crate) manager: Manager,
    pub(crate) lock: Option<Lock>,
    /// Why installing runs the project's own code, if it does.
    pub(crate) own_code: Option<String>,
    /// The packages of the workspace whose root this member is.
    pub(crate) packages: Vec<Package>,
    /// Names of the entries of the member's folder and of the workspace's root.
    pub(crate) names: BTreeSet<String>,
    /// The text of tsconfig.json.
    pub(crate) tsconfig: Option<String>,
    /// The nearest .nvmrc or .node-version, and the version that it names.
    pub(crate) node: Option<(String, String)>,
    /// Whether there are test files as `node --test` finds them.
    pub(crate) tests: bool,
    /// What all this depends on, relative to the member.
    pub(crate) reads: Vec<RelPath>,
}

impl Facts {
    /// What a package.json alone tells: a member on its own, npm, and no lock.
    pub(crate) fn new(dir: &str, package: Option<Manifest>) -> Self {
        Self {
            dir: dir.to_owned(),
            package,
            root: dir.to_owned(),
            top: None,
            manager: Manager::Npm,
            lock: None,
            own_code: None,
            packages: Vec::new(),
            names: BTreeSet::new(),
            tsconfig: None,
            node: None,
            tests: false,
            reads: Vec::new(),
        }
    }

    /// The member's package.json, and its workspace's.
    pub(crate) fn packages_json(&self) -> impl Iterator<Item = &Manifest> {
        self.package.iter().chain(&self.top)
    }

    /// Whether the member or its workspace depends on this package.
    pub(crate) fn depends(&self, name: &str) -> bool {
        self.packages_json().any(|package| package.depends(name))
    }
}

/// Reads the facts about a member.
pub(crate) fn read(project: &Project, config: &Config) -> Result<Facts, Failure> {
    let files = Files::new(project)?;
    let mut facts = gather(&files, project.dir.as_str(), config)?;
    facts.reads = files.reads();
    Ok(facts)
}

fn gather(files: &Files, dir: &str, config: &Config) -> Result<Facts, Failure> {
    let mut facts = Facts::new(dir, Manifest::read(files, dir)?);
    let Some(package) = facts.package.clone() else { return Ok(facts) };
    if let Some((root, top)) = workspace_of(files, dir)? {
        facts.root = root;
        facts.top = Some(top);
    }
    let root = facts.root.clone();
    let at = |name: &str| paths::at(&root, name);
    let mut locks = Vec::new();
    for (name, _) in LOCKS {
        locks.extend(files.has(&at(name))?.then_some(*name));
    }
    let yarnrc = files.text(&at(".yarnrc.yml"), Files::SETTINGS)?;
    let yarn_lock = files.text(&at("yarn.lock"), Files::LOCK)?;
    let pnpm_workspace = files.text(&at("pnpm-workspace.yaml"), Files::SETTINGS)?;
    let named = facts.top.as_ref().unwrap_or(&package).package_manager.clone();
    facts.manager = manager::choose(&Hints {
        config: config.package_manager,
        package_manager: named.as_deref(),
        locks: &locks,
        yarn_lock: yarn_lock.as_deref(),
        yarnrc: yarnrc.as_deref(),
        pnpm_workspace: pnpm_workspace.is_some(),
    })?;
    let own = |(name, kind): &&(&'static str, _)| *kind == facts.manager.kind() && locks.contains(name);
    if let Some((name, _)) = LOCKS.iter().find(own) {
        // The old lock of bun is binary.
        let text = if *name == "bun.lockb" { None } else { files.text(&at(name), Files::LOCK)? };
        facts.lock = Some(lock::parse(facts.manager, name, &text.unwrap_or_default()).map_err(|error| {
            files.wrong(&at(name), Some(error.line() as u64), format!("it is not a lock of npm: {error}"))
        })?);
    }
    let allowed = pnpm_workspace.as_deref().is_some_and(|text| {
        ["onlyBuiltDependencies", "allowBuilds", "neverBuiltDependencies", "dangerouslyAllowAllBuilds"]
            .iter()
            .any(|name| text.contains(name))
    });
    if let (Manager::Pnpm { .. }, Some(lock)) = (facts.manager, &mut facts.lock) {
        lock.scripts |= allowed || facts.top.as_ref().unwrap_or(&package).allows_builds;
    }
    facts.own_code = own_code(files, &facts, yarnrc.as_deref(), pnpm_workspace.as_deref())?;
    if facts.top.is_none() {
        facts.packages = workspaces::packages(files, dir, &patterns(&package, pnpm_workspace.as_deref()))?;
    }
    for folder in [dir, &root] {
        facts.names.extend(files.entries(folder)?.into_iter().map(|entry| entry.name));
    }
    facts.tsconfig = files.text(&paths::at(dir, "tsconfig.json"), Files::SETTINGS)?;
    facts.node = node(files, dir)?;
    facts.tests = !package.scripts.contains_key("test") && sources::any(files, dir, 4, &tools::is_node_test)?;
    Ok(facts)
}

/// What the nearest file names on the way up to the project's root, without comments.
fn node(files: &Files, dir: &str) -> Result<Option<(String, String)>, Failure> {
    for folder in paths::upwards(dir) {
        for name in [".nvmrc", ".node-version"] {
            let path = paths::at(folder, name);
            let Some(text) = files.text(&path, Files::SETTINGS)? else { continue };
            let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
            let version = lines.find(|line| !line.is_empty()).unwrap_or_default();
            return Ok(Some((path, version.to_owned())));
        }
    }
    Ok(None)
}

fn patterns(package: &Manifest, pnpm_workspace: Option<&str>) -> Vec<String> {
    match pnpm_workspace {
        Some(text) => workspaces::pnpm_patterns(text),
        None => package.workspaces.clone(),
    }
}

/// The nearest folder above whose workspace has the package in `dir`, and its package.json.
fn workspace_of(files: &Files, dir: &str) -> Result<Option<(String, Manifest)>, Failure> {
    for folder in paths::upwards(dir).skip(1) {
        let folder = if folder.is_empty() { "." } else { folder };
        if let Some(package) = Manifest::read(files, folder)? {
            let yaml = files.text(&paths::at(folder, "pnpm-workspace.yaml"), Files::SETTINGS)?;
            let packages = workspaces::packages(files, folder, &patterns(&package, yaml.as_deref()))?;
            if packages.iter().any(|package| paths::at(folder, &package.dir) == dir) {
                return Ok(Some((folder.to_owned(), package)));
            }
        }
    }
    Ok(None)
}

fn own_code(
    files: &Files,
    facts: &Facts,
    yarnrc: Option<&str>,
    pnpm_workspace: Option<&str>,
) -> Result<Option<String>, Failure> {
    let at = |name: &str| paths::at(&facts.root, name);
    let has = |text: Option<&str>, names: &[&'static str]| {
        names.iter().find(|name| text.is_some_and(|text| manager::setting(text, name).is_some())).copied()
    };
    let reason = match facts.manager {
        Manager::Npm => {
            let npmrc = files.text(&at(".npmrc"), Files::SETTINGS)?.unwrap_or_default();
            let git = npmrc.lines().any(|line| line.split('=').next().is_some_and(|key| key.trim() == "git"));
            git.then(|| ".npmrc names the program for git".to_owned())
        }
        Manager::Pnpm { .. } => {
            let mut own = has(pnpm_workspace, &["configDependencies", "pnpmfile", "globalPnpmfile"])
                .map(|name| format!("pnpm-workspace.yaml has {name}"));
            // The last one that is there is named.
            for name in [".pnpmfile.mjs", ".pnpmfile.cjs"] {
                if files.has(&at(name))? {
                    own = Some(format!("{name} takes part in it"));
                }
            }
            own
        }
        Manager::YarnClassic => {
            let text = files.text(&at(".yarnrc"), Files::SETTINGS)?.unwrap_or_default();
            text.contains("yarn-path").then(|| ".yarnrc has yarn-path".to_owned())
        }
        Manager::YarnBerry { .. } => {
            has(yarnrc, &["yarnPath", "plugins"]).map(|name| format!(".yarnrc.yml has {name}"))
        }
        Manager::Bun => None,
    };
    let git = facts.lock.as_ref().is_some_and(|lock| lock.git);
    Ok(reason.or_else(|| git.then(|| "a dependency comes from a git repository and is built".to_owned())))
}
