//! Which packages a Cargo workspace has.
//!
//! Invariant: a folder counts as a member when Cargo would count it: it is listed, or a member
//! depends on it by path and it lies in the workspace; `exclude` takes out what is not listed.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::sdk::{Failure, Files, paths};
use toml::Table;

use crate::manifest;

/// Packages of one workspace.
const PACKAGES: usize = 2_000;
/// Folders looked through for one pattern.
const FOLDERS: usize = 20_000;

/// The manifest's path of a package's folder.
pub(crate) fn manifest_of(dir: &str) -> String {
    paths::at(dir, "Cargo.toml")
}

/// The folder of the workspace that the package in `dir` belongs to, `dir` itself for a package on
/// its own. Only folders of the project are looked at.
pub(crate) fn workspace_of(files: &Files, dir: &str, own: &Table) -> Result<String, Failure> {
    if own.contains_key("workspace") {
        return Ok(dir.to_owned());
    }
    let pointer = manifest::table(own, &["package"]).and_then(|package| manifest::text(package, "workspace"));
    if let Some(pointer) = pointer {
        return Ok(paths::join(dir, pointer).unwrap_or_else(|| dir.to_owned()));
    }
    for above in paths::upwards(dir).skip(1) {
        let Some(candidate) = manifest::read(files, &manifest_of(above))? else { continue };
        let Some(workspace) = manifest::table(&candidate, &["workspace"]) else { continue };
        if !is_excluded(workspace, above, dir) {
            return Ok(above.to_owned());
        }
    }
    Ok(dir.to_owned())
}

/// The manifests of a workspace's packages by folder, its root's included when that is a package.
pub(crate) fn packages(files: &Files, root: &str, own: &Table) -> Result<BTreeMap<String, Table>, Failure> {
    let mut found = BTreeMap::new();
    let mut queue = vec![root.to_owned()];
    let workspace = manifest::table(own, &["workspace"]);
    if let Some(workspace) = workspace {
        queue.extend(listed(files, workspace, root)?);
    }
    while let Some(dir) = queue.pop() {
        if found.contains_key(&dir) {
            continue;
        }
        let Some(table) = manifest::read(files, &manifest_of(&dir))? else { continue };
        if let Some(workspace) = workspace {
            for path in path_dependencies(&table, &dir, workspace, root) {
                let new = !found.contains_key(&path) && paths::below(&path, root).is_some();
                if new && !is_excluded(workspace, root, &path) {
                    queue.push(path);
                }
            }
        }
        found.insert(dir, table);
        if found.len() > PACKAGES {
            return Err(files.wrong(&manifest_of(root), None, format!("more than {PACKAGES} packages")));
        }
    }
    found.retain(|_, table| table.contains_key("package"));
    Ok(found)
}

/// Below an entry of `exclude`, and not below a path that `members` spells out; a pattern does not
/// count for that (tried).
fn is_excluded(workspace: &Table, root: &str, dir: &str) -> bool {
    let holds =
        |path: &String| paths::join(root, path).is_some_and(|path| paths::below(dir, &path).is_some());
    manifest::texts(workspace, "exclude").iter().any(holds)
        && !manifest::texts(workspace, "members").iter().any(holds)
}

fn listed(files: &Files, workspace: &Table, root: &str) -> Result<BTreeSet<String>, Failure> {
    let mut found = BTreeSet::new();
    for pattern in manifest::texts(workspace, "members") {
        let Some(pattern) = paths::join(root, &pattern) else { continue };
        let rest = paths::below(&pattern, root).unwrap_or(&pattern);
        let start = if rest.len() == pattern.len() { "" } else { root };
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        expand(files, start.to_owned(), &parts, &mut found, &mut FOLDERS.clone())?;
    }
    found.retain(|dir| !is_excluded(workspace, root, dir));
    Ok(found)
}

fn expand(
    files: &Files,
    dir: String,
    pattern: &[&str],
    found: &mut BTreeSet<String>,
    budget: &mut usize,
) -> Result<(), Failure> {
    let Some((part, rest)) = pattern.split_first() else {
        if files.has(&manifest_of(&dir))? {
            found.insert(dir);
        }
        return Ok(());
    };
    if !part.contains(['*', '?', '[']) {
        return expand(files, paths::at(&dir, part), rest, found, budget);
    }
    *budget = budget.checked_sub(1).ok_or_else(|| {
        files.wrong(&dir, None, format!("`members` matches more than {FOLDERS} folders of the workspace"))
    })?;
    if *part == "**" {
        expand(files, dir.clone(), rest, found, budget)?;
    }
    for entry in files.entries(&dir)? {
        if !entry.folder || entry.is_hidden() {
            continue;
        }
        if *part == "**" {
            expand(files, paths::at(&dir, &entry.name), pattern, found, budget)?;
        } else if paths::fits(part, &entry.name) {
            expand(files, paths::at(&dir, &entry.name), rest, found, budget)?;
        }
    }
    Ok(())
}

fn path_dependencies(from: &Table, dir: &str, workspace: &Table, root: &str) -> Vec<String> {
    let shared = manifest::table(workspace, &["dependencies"]);
    let path = |(name, table): (&str, &Table)| {
        if manifest::flag(table, &["workspace"]) == Some(true) {
            let shared = shared?.get(name)?.as_table()?;
            return paths::join(root, manifest::text(shared, "path")?);
        }
        paths::join(dir, manifest::text(table, "path")?)
    };
    manifest::dependencies(from).into_iter().filter_map(path).collect()
}
