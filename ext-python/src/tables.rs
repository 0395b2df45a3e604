//! The tables of pyproject.toml that hold groups: the standard's, the managers' own, Hatch's environments.
//!
//! Invariant: a group that includes itself, or one that does not exist, is the project's mistake.

use devflow_protocol::sdk::Failure;
use toml::Value;

use crate::config::Manager;
use crate::groups::{Bundle, Kind, bundle};
use crate::pyproject::{Pyproject, texts};
use crate::requirement::normalise;

/// `[dependency-groups]`, with what they include.
pub(crate) fn groups(pyproject: &Pyproject, manager: Manager) -> Result<Vec<Bundle>, Failure> {
    let all: Vec<(&str, &Value)> = pyproject.table("dependency-groups").collect();
    let defaults = match manager {
        Manager::Uv if pyproject.has("tool.uv.default-groups") => pyproject.list("tool.uv.default-groups"),
        Manager::Uv => vec!["dev".to_owned()],
        Manager::Pdm => all.iter().map(|(name, _)| (*name).to_owned()).collect(),
        _ => Vec::new(),
    };
    let everything = pyproject.text("tool.uv.default-groups") == Some("all");
    let mut found = Vec::new();
    for (name, value) in &all {
        let mut requirements = Vec::new();
        include(&all, name, value, &mut Vec::new(), &mut requirements)?;
        let default = (everything && manager == Manager::Uv)
            || defaults.iter().any(|default| normalise(default) == normalise(name));
        found.push(bundle(name, if default { Kind::DefaultGroup } else { Kind::Group }, requirements));
    }
    Ok(found)
}

fn include<'a>(
    all: &[(&'a str, &'a Value)],
    name: &'a str,
    value: &'a Value,
    path: &mut Vec<String>,
    into: &mut Vec<String>,
) -> Result<(), Failure> {
    let wrong = |reason: String| {
        Err(Failure::invalid_project(
            "pyproject.toml",
            None,
            format!("pyproject.toml: dependency group {name} {reason}"),
        ))
    };
    if path.contains(&normalise(name)) {
        return wrong("includes itself".to_owned());
    }
    path.push(normalise(name));
    for entry in value.as_array().into_iter().flatten() {
        match entry.get("include-group").and_then(Value::as_str) {
            Some(other) => match all.iter().find(|(name, _)| normalise(name) == normalise(other)) {
                Some((name, value)) => include(all, name, value, path, into)?,
                None => return wrong(format!("includes {other}, which does not exist")),
            },
            None => into.extend(texts(entry)),
        }
    }
    path.pop();
    Ok(())
}

/// The groups that managers had before there was a standard.
pub(crate) fn own_groups(pyproject: &Pyproject, manager: Manager) -> Vec<Bundle> {
    let names =
        |value: &Value| value.as_table().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let mut all = Vec::new();
    if pyproject.has("tool.uv.dev-dependencies") {
        let kind = if manager == Manager::Uv { Kind::DefaultGroup } else { Kind::Group };
        all.push(bundle("dev", kind, pyproject.list("tool.uv.dev-dependencies")));
    }
    for (name, value) in pyproject.table("tool.pdm.dev-dependencies") {
        let kind = if manager == Manager::Pdm { Kind::DefaultGroup } else { Kind::Group };
        all.push(bundle(name, kind, texts(value)));
    }
    if manager == Manager::Poetry {
        if let Some(value) = pyproject.at("tool.poetry.dev-dependencies") {
            all.push(bundle("dev", Kind::DefaultGroup, names(value)));
        }
        for (name, group) in pyproject.table("tool.poetry.group") {
            let optional = group.get("optional").and_then(Value::as_bool) == Some(true);
            let kind = if optional { Kind::Group } else { Kind::DefaultGroup };
            all.push(bundle(name, kind, group.get("dependencies").map(names).unwrap_or_default()));
        }
    }
    all
}

/// Hatch's environments; the one it uses when none is named is always installed.
pub(crate) fn environments(file: &Pyproject, table: &str) -> Vec<Bundle> {
    let environment = |(name, value): (&str, &Value)| {
        let list = |key: &str| value.get(key).map(texts).unwrap_or_default();
        let requirements = [list("dependencies"), list("extra-dependencies")].concat();
        bundle(name, if name == "default" { Kind::DefaultGroup } else { Kind::Group }, requirements)
    };
    file.table(table).map(environment).collect()
}
