//! What the answers depend on, gathered once.
//!
//! Invariant: after this, an answer is a function of `Facts`, settings and command.

use std::collections::BTreeSet;

use devflow_protocol::message::Project;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::paths::{at, upwards};
use devflow_protocol::sdk::{Failure, Files};
use toml::{Table, Value};

use crate::manifest;
use crate::members;
use crate::native;
use crate::package::{self, Package};
use crate::programs;
use crate::toolchain::{self, Toolchain};

/// What a member of the project is to Cargo.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    /// The member's folder, relative to the project's root (`""` is the root).
    pub(crate) dir: String,
    /// The folder of the Cargo workspace: `dir`, or one above it.
    pub(crate) workspace: String,
    /// The packages that commands are about: the workspace's, or the one below somebody else's root.
    pub(crate) packages: Vec<Package>,
    /// Whether there is a Cargo.lock that is part of the sources.
    pub(crate) locked: bool,
    /// Whether git ignores Cargo.lock.
    pub(crate) lock_ignored: bool,
    pub(crate) toolchain: Option<Toolchain>,
    /// The oldest Rust that the package says it supports.
    pub(crate) rust_version: Option<String>,
    /// The program in `build.rustc-wrapper`.
    pub(crate) wrapper: Option<String>,
    /// What of the distribution the locked crates and the chosen linker need.
    pub(crate) native: BTreeSet<&'static str>,
    /// Why a fetch would start a program of the project's choice, if it would.
    pub(crate) programs: Option<String>,
    /// `.config/nextest.toml`.
    pub(crate) nextest: Option<Table>,
    /// Whether the project has a configuration of cargo-deny, of cargo-audit.
    pub(crate) deny: bool,
    pub(crate) audit: bool,
    pub(crate) reads: Vec<RelPath>,
}

impl Facts {
    /// Reads what is needed; nothing when there is no Cargo.toml.
    pub(crate) fn gather(project: &Project) -> Result<Option<Self>, Failure> {
        let files = Files::new(project)?;
        let dir = files.member();
        let Some(own) = manifest::read(&files, &members::manifest_of(dir))? else { return Ok(None) };
        let workspace = members::workspace_of(&files, dir, &own)?;
        let manifest = match workspace == dir {
            true => own.clone(),
            false => manifest::read(&files, &members::manifest_of(&workspace))?.unwrap_or_default(),
        };
        let manifests = match workspace == dir {
            true => members::packages(&files, dir, &own)?,
            false => [(dir.to_owned(), own.clone())].into(),
        };
        let nowhere = |names: &[&str]| any(&files, &[dir, &workspace], names);
        let lock_ignored = is_lock_ignored(&files, &workspace)?;
        let lock = files.text(&at(&workspace, "Cargo.lock"), Files::LOCK)?.filter(|_| !lock_ignored);
        let toolchain = first(dir, |folder| toolchain::read(&files, folder))?;
        let folder = toolchain.as_ref().filter(|toolchain| toolchain.folder);
        let facts = Self {
            packages: package::packages(&files, &manifests, Some(&manifest))?,
            locked: lock.is_some(),
            lock_ignored,
            native: native::of_lock(&lock.unwrap_or_default()).chain(linkers(&files, dir)?).collect(),
            programs: match folder {
                Some(toolchain) => Some(format!("{} has toolchain.path", toolchain.file)),
                None => programs::named(&files, dir)?,
            },
            toolchain,
            rust_version: rust_version(&own, &manifest),
            wrapper: first(dir, |folder| wrapper(&files, folder))?,
            nextest: manifest::read(&files, &at(&workspace, ".config/nextest.toml"))?,
            deny: nowhere(&["deny.toml", ".deny.toml", ".cargo/deny.toml"])?,
            audit: nowhere(&[".cargo/audit.toml"])?,
            reads: files.reads(),
            dir: dir.to_owned(),
            workspace,
        };
        Ok(Some(facts))
    }

    /// Whether the member is the root of its Cargo workspace, so that commands are about all of it.
    pub(crate) fn is_root(&self) -> bool {
        self.dir == self.workspace
    }
}

fn any(files: &Files, folders: &[&str], names: &[&str]) -> Result<bool, Failure> {
    for path in folders.iter().flat_map(|folder| names.iter().map(|name| at(folder, name))) {
        if files.has(&path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first answer on the way from the member up to the project's root.
fn first<T>(dir: &str, read: impl Fn(&str) -> Result<Option<T>, Failure>) -> Result<Option<T>, Failure> {
    upwards(dir).find_map(|folder| read(folder).transpose()).transpose()
}

fn wrapper(files: &Files, folder: &str) -> Result<Option<String>, Failure> {
    for name in [".cargo/config", ".cargo/config.toml"] {
        let Some(config) = manifest::read(files, &at(folder, name))? else { continue };
        let build = manifest::table(&config, &["build"]);
        return Ok(build.and_then(|build| manifest::text(build, "rustc-wrapper")).map(str::to_owned));
    }
    Ok(None)
}

/// What the linkers need that Cargo's configurations choose.
fn linkers(files: &Files, dir: &str) -> Result<Vec<&'static str>, Failure> {
    let mut packages = Vec::new();
    for folder in upwards(dir) {
        for name in [".cargo/config", ".cargo/config.toml"] {
            let Some(config) = manifest::read(files, &at(folder, name))? else { continue };
            let targets = manifest::table(&config, &["target"]).into_iter().flat_map(Table::values);
            let tables = targets.filter_map(Value::as_table).chain(manifest::table(&config, &["build"]));
            for table in tables {
                let flags = manifest::texts(table, "rustflags");
                let line = manifest::text(table, "rustflags").unwrap_or_default();
                let words = flags.iter().map(String::as_str).chain(line.split_whitespace());
                packages.extend(words.chain(manifest::text(table, "linker")).filter_map(native::of_linker));
            }
        }
    }
    Ok(packages)
}

/// A lock that git ignores is not part of the sources: it stands on a laptop, not in CI, and the
/// same plan is wanted in both places.
fn is_lock_ignored(files: &Files, workspace: &str) -> Result<bool, Failure> {
    for folder in upwards(workspace) {
        let gitignore = files.text(&at(folder, ".gitignore"), Files::SETTINGS)?;
        if let Some(ignored) = gitignore.and_then(|text| ignores_lock(&text, folder == workspace)) {
            return Ok(ignored);
        }
    }
    Ok(false)
}

fn ignores_lock(gitignore: &str, here: bool) -> Option<bool> {
    let says = |line: &str| {
        let (pattern, ignored) = line.strip_prefix('!').map_or((line, true), |pattern| (pattern, false));
        let anchored = here && pattern == "/Cargo.lock";
        (anchored || ["Cargo.lock", "**/Cargo.lock", "*.lock"].contains(&pattern)).then_some(ignored)
    };
    gitignore.lines().map(str::trim_end).filter_map(says).next_back()
}

fn rust_version(own: &Table, workspace: &Table) -> Option<String> {
    let of_package = manifest::table(own, &["package"])
        .and_then(|package| manifest::inherited(package, Some(workspace), "rust-version"));
    let shared =
        manifest::table(workspace, &["workspace", "package"]).and_then(|shared| shared.get("rust-version"));
    let version = of_package.or(shared).and_then(Value::as_str)?;
    let plain = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| version.to_owned())
}
