//! What is known about a member: gathered once, so that everything after it is pure.
//!
//! Invariant: no other module looks at the project.

use std::collections::BTreeSet;

use devflow_protocol::message::Project;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::Failure;

use crate::config::Config;
use crate::files::{Files, LARGE, SMALL};
use crate::lock::{self, Lock};
use crate::manager::{self, Hints, LOCKS, Manager};
use crate::manifest::Manifest;
use crate::paths;
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
    /// The version that .nvmrc or .node-version names.
    pub(crate) node: Option<String>,
    /// Whether there are test files as `node --test` finds them.
    pub(crate) tests: bool,
    /// What all this depends on, relative to the member.
    pub(crate) reads: Vec<RelPath>,
}

impl Facts {
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
    let files = Files::below(&project.root)?;
    let dir = project.dir.as_str();
    let mut facts = gather(&files, dir, config)?;
    let inner = |path: &String| paths::inside(path, dir).and_then(|path| path.parse().ok());
    facts.reads = files.seen().iter().filter_map(inner).collect();
    Ok(facts)
}

fn manifest(files: &Files, dir: &str) -> Result<Option<Manifest>, Failure> {
    let path = paths::join(dir, "package.json");
    files.text(&path, SMALL)?.map(|text| Manifest::parse(&path, &text)).transpose()
}

fn gather(files: &Files, dir: &str, config: &Config) -> Result<Facts, Failure> {
    let mut facts = Facts {
        dir: dir.to_owned(),
        package: manifest(files, dir)?,
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
    };
    let Some(package) = facts.package.clone() else { return Ok(facts) };
    if let Some((root, top)) = workspace_of(files, dir)? {
        facts.root = root;
        facts.top = Some(top);
    }
    let root = facts.root.clone();
    let at = |name: &str| paths::join(&root, name);
    let locks: Vec<&str> = LOCKS.iter().map(|(name, _)| *name).filter(|name| files.has(&at(name))).collect();
    let yarnrc = files.text(&at(".yarnrc.yml"), SMALL)?;
    let yarn_lock = files.text(&at("yarn.lock"), LARGE)?;
    let pnpm_workspace = files.text(&at("pnpm-workspace.yaml"), SMALL)?;
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
        let text = if *name == "bun.lockb" { None } else { files.text(&at(name), LARGE)? };
        facts.lock = Some(lock::parse(facts.manager, name, &at(name), &text.unwrap_or_default())?);
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
        facts.names.extend(files.entries(folder).into_iter().map(|entry| entry.name));
    }
    facts.tsconfig = files.text(&paths::join(dir, "tsconfig.json"), SMALL)?;
    for name in [".nvmrc", ".node-version"] {
        if facts.node.is_none() {
            facts.node = files.text(&paths::join(dir, name), SMALL)?.map(|text| text.trim().to_owned());
        }
    }
    facts.tests = !package.scripts.contains_key("test") && files.any(dir, 4, &tools::is_node_test);
    Ok(facts)
}

fn patterns(package: &Manifest, pnpm_workspace: Option<&str>) -> Vec<String> {
    match pnpm_workspace {
        Some(text) => workspaces::pnpm_patterns(text),
        None => package.workspaces.clone(),
    }
}

/// The nearest folder above whose workspace has the package in `dir`, and its package.json.
fn workspace_of(files: &Files, dir: &str) -> Result<Option<(String, Manifest)>, Failure> {
    let mut above = paths::parent(dir);
    while let Some(folder) = above {
        if let Some(package) = manifest(files, folder)? {
            let yaml = files.text(&paths::join(folder, "pnpm-workspace.yaml"), SMALL)?;
            let packages = workspaces::packages(files, folder, &patterns(&package, yaml.as_deref()))?;
            if packages.iter().any(|package| paths::join(folder, &package.dir) == dir) {
                return Ok(Some((folder.to_owned(), package)));
            }
        }
        above = paths::parent(folder);
    }
    Ok(None)
}

fn own_code(
    files: &Files,
    facts: &Facts,
    yarnrc: Option<&str>,
    pnpm_workspace: Option<&str>,
) -> Result<Option<String>, Failure> {
    let at = |name: &str| paths::join(&facts.root, name);
    let has = |text: Option<&str>, names: &[&'static str]| {
        names.iter().find(|name| text.is_some_and(|text| manager::setting(text, name).is_some())).copied()
    };
    let reason = match facts.manager {
        Manager::Npm => {
            let npmrc = files.text(&at(".npmrc"), SMALL)?.unwrap_or_default();
            let git = npmrc.lines().any(|line| line.split('=').next().is_some_and(|key| key.trim() == "git"));
            git.then(|| ".npmrc names the program for git".to_owned())
        }
        Manager::Pnpm { .. } => [".pnpmfile.cjs", ".pnpmfile.mjs"]
            .iter()
            .find(|name| files.has(&at(name)))
            .map(|name| format!("{name} takes part in it"))
            .or_else(|| {
                let name = has(pnpm_workspace, &["configDependencies", "pnpmfile", "globalPnpmfile"])?;
                Some(format!("pnpm-workspace.yaml has {name}"))
            }),
        Manager::YarnClassic => {
            let text = files.text(&at(".yarnrc"), SMALL)?.unwrap_or_default();
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
