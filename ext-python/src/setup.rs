//! `setup:deps` and `setup:project`: the virtual environment, and the project in it.
//!
//! Invariant: `setup:deps` fetches and runs no code of the project; `setup:project` builds the
//! project and fetches nothing.

use devflow_protocol::message::{Action, Inputs, Output, Resolution, Step};
use devflow_protocol::sdk::Failure;
use devflow_protocol::template::Template;

use crate::config::Manager;
use crate::facts::Package;
use crate::groups::Kind;
use crate::project::{Project, env};
use crate::words::{escape, name, owned, step, template};

/// Makes the environment, and fills it from a folder of wheels; it says how itself.
const INSTALL: &str = include_str!("install.py");
/// Where the build backends are: beside the environment's packages, so that they cannot contradict them.
pub(crate) const BUILD: &str = "${cache:venv}/dwf-build";

/// `setup:deps`.
pub(crate) fn dependencies(project: &Project, args: &[String]) -> Result<Resolution, Failure> {
    if let Some(lock) = project.manager.lock()
        && !project.facts.marks.contains(lock)
        && !project.facts.in_uv_workspace
    {
        let tool = project.manager.name();
        let message =
            format!("{lock} is missing, though {} says {tool}: run {tool} lock and commit it", project.why);
        return Err(Failure::invalid_project(lock, None, message));
    }
    let args: Vec<String> = args.iter().map(|arg| escape(arg)).collect();
    let mut steps = vec![environment(project, &args)];
    match project.manager {
        Manager::Pip | Manager::Hatch => {}
        Manager::Uv => steps.push(step("uv", [uv(project), uv_dependencies(project), args].concat())),
        Manager::Poetry => {
            let flags = owned(["install", "--no-interaction", "--no-root", "--no-directory"]);
            steps.push(step("poetry", [flags, poetry(project), args].concat()));
        }
        Manager::Pdm => {
            let flags = owned(["install", "--check", "--no-self"]);
            steps.push(step("pdm", [flags, pdm(project), args].concat()));
        }
    }
    if project.declares("pyright") {
        steps.push(step("${cache:venv}/bin/pyright", ["--version"]));
    }
    Ok(Resolution::Action(Action {
        steps,
        fetches: true,
        locks: owned(["venv"]),
        inputs: inputs(project)?,
        outputs: vec![output("dwf-deps.json")?],
        ..Action::default()
    }))
}

/// The step that makes the virtual environment; it also installs, where pip does.
fn environment(project: &Project, args: &[String]) -> Step {
    let facts = project.facts;
    let mut words = owned(["--venv", "${cache:venv}", "--wheels", "${cache:wheels}"]);
    let mut say = |option: &str, value: &str| words.push(format!("{option}={}", escape(value)));
    for requirement in project.build_requirements() {
        say("--build", &requirement);
    }
    if project.pip_installs() {
        facts.requirements.files.iter().for_each(|file| say("--requirement", file));
        if facts.package.setup_py {
            say("--setup-py", "setup.py");
        }
        // pip wants a hash for each requirement or for none; files with hashes are complete.
        if !facts.requirements.hashed {
            project.wanted().iter().for_each(|text| say("--want", text));
        }
        words.extend(args.iter().map(|arg| format!("--pip={arg}")));
    } else if let (Manager::Poetry | Manager::Pdm, Some(lock)) = (project.manager, project.manager.lock()) {
        say("--key", lock);
    }
    let script = Template::literal(INSTALL);
    let words = words.iter().map(|word| template(word));
    Step {
        program: Template::literal(project.config.python()),
        args: ["-I", "-c"].map(Template::literal).into_iter().chain([script]).chain(words).collect(),
    }
}

/// What of uv's arguments is the same with and without the project.
fn uv(project: &Project) -> Vec<String> {
    let mut words = owned(["sync"]);
    if project.facts.has("tool.uv.workspace") {
        words.push("--all-packages".to_owned());
    }
    for (kind, option) in [(Kind::Extra, "--extra"), (Kind::Group, "--group")] {
        words.extend(project.requested(kind).into_iter().map(|name| format!("{option}={name}")));
    }
    words
}

fn uv_dependencies(project: &Project) -> Vec<String> {
    if !project.installs_itself() && !project.facts.in_uv_workspace {
        return owned(["--locked"]);
    }
    // Whether the lock is up to date can be told without running a build backend, or is told later.
    let check = if is_static(project) { "--locked" } else { "--frozen" };
    let mut words = owned([check, "--inexact", "--no-install-project", "--no-install-workspace"]);
    let sources = project.facts.package.pyproject.iter().flat_map(|file| file.table("tool.uv.sources"));
    let own = sources.filter(|(_, source)| source.get("path").is_some());
    words.extend(own.map(|(name, _)| format!("--no-install-package={}", escape(name))));
    words
}

/// Whether pyproject.toml says everything that a lock depends on, here and in all folders that belong to it.
fn is_static(project: &Project) -> bool {
    let locals = project.facts.locals.iter().map(|(_, package)| package);
    let plain = |package: &Package| {
        package.pyproject.as_ref().is_some_and(|file| file.has("project") && !file.has("project.dynamic"))
    };
    !project.facts.in_uv_workspace && locals.chain([&project.facts.package]).all(plain)
}

fn poetry(project: &Project) -> Vec<String> {
    let mut words = Vec::new();
    for (kind, option) in [(Kind::Extra, "--extras"), (Kind::Group, "--with")] {
        words.extend(project.requested(kind).into_iter().map(|name| format!("{option}={name}")));
    }
    words
}

fn pdm(project: &Project) -> Vec<String> {
    let groups = [Kind::Extra, Kind::Group].map(|kind| project.requested(kind)).concat();
    groups.into_iter().map(|name| format!("--group={name}")).collect()
}

/// `setup:project`.
pub(crate) fn itself(project: &Project, args: &[String]) -> Result<Resolution, Failure> {
    if !project.installs_itself() && !project.facts.in_uv_workspace {
        return Ok(Resolution::skip("the project is not a package, so there is nothing to install"));
    }
    let args: Vec<String> = args.iter().map(|arg| escape(arg)).collect();
    let mut outputs = Vec::new();
    let step = match project.manager {
        Manager::Uv => {
            let flags = owned(["--locked", "--offline", "--no-build-isolation"]);
            step("uv", [uv(project), flags, args].concat())
        }
        Manager::Poetry => {
            step("poetry", [owned(["install", "--no-interaction"]), poetry(project), args].concat())
        }
        Manager::Pip | Manager::Hatch | Manager::Pdm => {
            outputs.push(output("dwf-project.json")?);
            step("python", [pip(project), args].concat())
        }
    };
    let mut action = project.with_dependencies(vec![step])?;
    action.locks = owned(["venv"]);
    action.outputs = outputs;
    if !project.build_requirements().is_empty() {
        action.env = env([("PYTHONPATH", BUILD)])?;
        action.path.push(template(&format!("{BUILD}/bin")));
    }
    Ok(Resolution::Action(action))
}

/// Installs in place, as `pip install -e .` does, from what is there already.
fn pip(project: &Project) -> Vec<String> {
    let mut words = owned(["-m", "pip", "install", "--no-index", "--no-cache-dir", "--no-build-isolation"]);
    words.extend(owned(["--use-pep517", "--report", "${cache:venv}/dwf-project.json"]));
    if project.manager == Manager::Pdm {
        words.push("--no-deps".to_owned());
    }
    let mut place = |path: &str| {
        if !path.ends_with(".whl") {
            words.push("-e".to_owned());
        }
        words.push(escape(path));
    };
    if project.builds().is_some() {
        place(".");
    }
    if project.pip_installs() {
        project.facts.locals.iter().for_each(|(local, _)| place(&local.name));
    }
    words
}

/// The files that decide what is installed; all files when one of them cannot be named.
fn inputs(project: &Project) -> Result<Option<Inputs>, Failure> {
    let facts = project.facts;
    if facts.requirements.leaves || facts.in_uv_workspace || !facts.locals.is_empty() {
        return Ok(None);
    }
    let mut files = owned([
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
        "hatch.toml",
        ".python-version",
        "uv.toml",
        "poetry.toml",
        "pdm.toml",
    ]);
    files.extend(project.manager.lock().map(str::to_owned));
    files.extend(facts.requirements.parts.iter().cloned());
    if files.iter().any(|file| file.contains(['*', '?', '[', '{', '\\'])) {
        return Ok(None);
    }
    Ok(Some(Inputs { files, ..Inputs::default() }))
}

fn output(path: &str) -> Result<Output, Failure> {
    Ok(Output { path: Some(name(path)?), cache: Some(name("venv")?) })
}
