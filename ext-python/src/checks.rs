//! Formatters and linters: `fmt:*` and `lint:*`.
//!
//! Invariant: a tool runs only where a list that is installed, or settings of its own, name it.

use devflow_protocol::message::{Action, Inputs, Resolution, Step};
use devflow_protocol::sdk::Failure;

use crate::facts::Facts;
use crate::project::{Project, none_of};
use crate::words::{escape, owned, step};

/// `fmt:check` and, with `write`, `fmt:fix`.
pub(crate) fn format(project: &Project, args: &[String], write: bool) -> Result<Resolution, Failure> {
    let mut steps = Vec::new();
    if project.declares("isort") {
        let flags = if write { owned([]) } else { owned(["--check-only", "--diff"]) };
        steps.push(step("isort", [flags, places(project)].concat()));
    }
    if let Some(formatter) = formatter(project) {
        let ruff = formatter == "ruff";
        let mut words = if ruff { owned(["format"]) } else { Vec::new() };
        if !write {
            words.extend(owned(["--check"]));
        }
        words.extend(if ruff { Vec::new() } else { owned(["."]) });
        steps.push(step(formatter, words));
    }
    if steps.is_empty() {
        return Ok(none_of(&["ruff", "black", "isort"]));
    }
    let mut action = project.with_dependencies(steps)?;
    action.writes = write;
    action.inputs = Some(formatted(project.facts)).filter(|_| !write);
    pass(action, args)
}

/// The formatter: the one that is declared; of two, the one that has settings for formatting.
fn formatter(project: &Project) -> Option<&'static str> {
    let preferred =
        if project.facts.has("tool.ruff.format") || !project.configures("black") { "ruff" } else { "black" };
    match (project.declares("ruff"), project.declares("black")) {
        (true, false) => Some("ruff"),
        (false, true) => Some("black"),
        (true, true) if preferred == "ruff" && project.facts.has("tool.ruff.format") => Some("ruff"),
        (true, true) => Some("black"),
        (false, false) => Some(preferred).filter(|tool| project.configures(tool)),
    }
}

/// The files that a formatter's verdict depends on.
fn formatted(facts: &Facts) -> Inputs {
    let mut files =
        owned(["**/*.py", "**/*.pyi", "**/*.ipynb", "**/*.md", "**/pyproject.toml", "**/ruff.toml"]);
    files.extend(owned([
        "**/.ruff.toml",
        "**/.editorconfig",
        "**/.gitignore",
        ".isort.cfg",
        "setup.cfg",
        "tox.ini",
    ]));
    files.extend(owned(["*.lock", "setup.py", "hatch.toml", ".python-version"]));
    files.extend(
        facts.requirements.parts.iter().filter(|part| !part.contains(['*', '?', '[', '{', '\\'])).cloned(),
    );
    Inputs { files, ..Inputs::default() }
}

/// `lint:static`.
pub(crate) fn lint(project: &Project, args: &[String]) -> Result<Resolution, Failure> {
    let mut steps = Vec::new();
    if project.uses("ruff") {
        steps.push(step("ruff", ["check"]));
    }
    if project.uses("flake8") {
        steps.push(step("flake8", places(project)));
    }
    if project.uses("pylint") {
        steps.push(step("pylint", [owned(["--recursive=y"]), places(project)].concat()));
    }
    if project.uses("mypy") {
        steps.push(step("mypy", if mypy_knows(project.facts) { Vec::new() } else { places(project) }));
    }
    // Settings of Pyright are often an editor's: it runs where it is declared.
    for tool in ["pyright", "basedpyright"] {
        if project.declares(tool) {
            steps.push(Step::literal(tool, [""; 0]));
        }
    }
    if steps.is_empty() {
        return Ok(none_of(&["ruff", "flake8", "pylint", "mypy", "pyright"]));
    }
    pass(project.with_project(steps)?, args)
}

/// `lint:fix`.
pub(crate) fn fix(project: &Project, args: &[String]) -> Result<Resolution, Failure> {
    if !project.uses("ruff") {
        return Ok(none_of(&["ruff"]));
    }
    let mut action = project.with_dependencies(vec![step("ruff", ["check", "--fix"])])?;
    action.writes = true;
    pass(action, args)
}

/// `lint:security`.
pub(crate) fn security(project: &Project, args: &[String]) -> Result<Resolution, Failure> {
    let mut steps = Vec::new();
    if project.declares("bandit") {
        let mut words = owned(["--quiet", "--recursive"]);
        if project.facts.has("tool.bandit") {
            words.push("--configfile=pyproject.toml".to_owned());
        }
        // Tests assert, which is what Bandit would complain of.
        let code = |place: &String| place != "tests" && place != "test";
        steps.push(step("bandit", words.into_iter().chain(places(project).into_iter().filter(code))));
    }
    let audits = project.declares("pip-audit");
    if audits {
        steps.push(step("pip-audit", ["--skip-editable", "--cache-dir=${cache:python-tools}/pip-audit"]));
    }
    if steps.is_empty() {
        return Ok(none_of(&["bandit", "pip-audit"]));
    }
    let mut action = project.with_dependencies(steps)?;
    action.fetches = audits;
    pass(action, args)
}

/// Where the code is, for tools that want to be told and would look into caches otherwise.
fn places(project: &Project) -> Vec<String> {
    let sources = project.sources();
    if sources.is_empty() { owned(["."]) } else { sources }
}

fn mypy_knows(facts: &Facts) -> bool {
    let keys = ["files", "packages", "modules"];
    let inis = [&facts.package.setup_cfg].into_iter().flatten();
    keys.iter().any(|key| facts.has(&format!("tool.mypy.{key}")))
        || inis.into_iter().any(|ini| keys.iter().any(|key| ini.get("mypy", key).is_some()))
        || facts.mypy.as_ref().is_some_and(|ini| keys.iter().any(|key| ini.get("mypy", key).is_some()))
}

/// Adds the user's arguments to the one step there is.
pub(crate) fn pass(mut action: Action, args: &[String]) -> Result<Resolution, Failure> {
    if args.is_empty() {
        return Ok(Resolution::Action(action));
    }
    if let [step] = &mut action.steps[..] {
        let words = args.iter().map(|arg| crate::words::template(&escape(arg)));
        step.args.extend(words);
        return Ok(Resolution::Action(action));
    }
    let tools: Vec<&str> = action.steps.iter().map(|step| step.program.as_str()).collect();
    Err(Failure::own(1, format!("arguments after -- can go to one tool only; here run {}", tools.join(", "))))
}
