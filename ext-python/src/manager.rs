//! Whether a folder is a Python project, and which tool installs it.
//!
//! Invariant: every verdict has its reason.

use devflow_protocol::sdk::Failure;

use crate::config::{Config, Manager};
use crate::facts::Facts;

/// Why the folder is a Python project; or why it is none.
pub(crate) fn applies(facts: &Facts) -> Result<Vec<String>, Vec<String>> {
    let mut because = Vec::new();
    let mut tools = Vec::new();
    if let Some(pyproject) = &facts.package.pyproject {
        tools = pyproject.tools();
        let installs = ["uv", "pdm", "hatch", "poetry", "setuptools", "flit"];
        if pyproject.has("project") {
            because.push("pyproject.toml has [project]".to_owned());
        } else if pyproject.has("dependency-groups") {
            because.push("pyproject.toml has [dependency-groups]".to_owned());
        } else if let Some(tool) = tools.iter().find(|tool| installs.contains(tool)) {
            because.push(format!("pyproject.toml has [tool.{tool}]"));
        }
    }
    because.extend(facts.requirements.files.iter().cloned());
    because.extend(facts.package.setup_py.then(|| "setup.py".to_owned()));
    if let Some(setup) = &facts.package.setup_cfg
        && (setup.has("metadata") || setup.has("options"))
    {
        because.push("setup.cfg".to_owned());
    }
    if because.is_empty() && !tools.is_empty() {
        let tools = tools.join(", ");
        if facts.tree.files.iter().any(|file| is_code_of_the_folder(file)) {
            because.push(format!("pyproject.toml configures {tools}, and there are modules or tests"));
        } else {
            return Err(vec![format!(
                "pyproject.toml only configures {tools}: no [project], no requirements, no modules at the top, no tests"
            )]);
        }
    }
    if !because.is_empty() {
        Ok(because)
    } else if facts.marks.contains("Pipfile") {
        Err(vec![
            "a Pipfile alone is not understood: pipenv requirements > requirements.txt helps".to_owned(),
        ])
    } else {
        Err(vec!["no pyproject.toml, requirements.txt, setup.py or setup.cfg".to_owned()])
    }
}

/// A module or package at the top, or a test: not a script somewhere in a project of something else.
fn is_code_of_the_folder(file: &str) -> bool {
    match file.split('/').collect::<Vec<_>>()[..] {
        [_] | [_, "__init__.py"] | ["src", _, "__init__.py"] => true,
        ["tests" | "test", .., name] => name.starts_with("test_"),
        _ => false,
    }
}

/// The tool that installs, and why that one.
pub(crate) fn choose(facts: &Facts, config: &Config) -> Result<(Manager, String), Failure> {
    if let Some(manager) = config.manager {
        return Ok((manager, "config".to_owned()));
    }
    let lock = |manager: &Manager| manager.lock().is_some_and(|lock| facts.marks.contains(lock));
    let locked: Vec<Manager> =
        [Manager::Uv, Manager::Poetry, Manager::Pdm].into_iter().filter(lock).collect();
    if let [first, second, ..] = locked[..] {
        let (first, second) = (first.lock().unwrap_or_default(), second.lock().unwrap_or_default());
        return Err(Failure::invalid_project(
            second,
            None,
            format!("{first} and {second} contradict each other: remove one, or say `manager` in the config"),
        ));
    }
    if let [manager] = locked[..] {
        return Ok((manager, manager.lock().unwrap_or_default().to_owned()));
    }
    if facts.in_uv_workspace {
        return Ok((Manager::Uv, "uv.lock of the workspace above".to_owned()));
    }
    Ok(unlocked(facts))
}

/// Without a lock: what pyproject.toml says. A build backend's own settings do not count.
fn unlocked(facts: &Facts) -> (Manager, String) {
    let Some(pyproject) = &facts.package.pyproject else {
        return (Manager::Pip, "requirements or setup files".to_owned());
    };
    let beyond = |tool: &str, build: &[&str]| {
        pyproject.table(&format!("tool.{tool}")).any(|(key, _)| !build.contains(&key))
    };
    let backend = pyproject.text("build-system.build-backend").unwrap_or_default();
    if beyond("uv", &["build-backend", "pip"]) {
        (Manager::Uv, "[tool.uv]".to_owned())
    } else if beyond("poetry", &["packages", "include", "exclude", "version", "build"]) {
        (Manager::Poetry, "[tool.poetry]".to_owned())
    } else if backend.starts_with("poetry.") && !pyproject.has("project.name") {
        (Manager::Poetry, "build-backend".to_owned())
    } else if beyond("pdm", &["build", "version", "distribution"]) {
        (Manager::Pdm, "[tool.pdm]".to_owned())
    } else if pyproject.has("tool.hatch.envs") || facts.marks.contains("hatch.toml") {
        (Manager::Hatch, "Hatch's environments".to_owned())
    } else {
        (Manager::Pip, "no lock file".to_owned())
    }
}
