//! `setup:deps`, which downloads and runs no code, and `setup:scripts`, which runs the install
//! scripts that `setup:deps` left out.
//!
//! Invariant: pure; an installation that cannot help running the project's code is no fetch, so
//! that it never writes to downloads that others share; no lock file is ever written.

use devflow_protocol::message::{Action, Inputs, Output, Resolution, Step};
use devflow_protocol::name::CommandName;
use devflow_protocol::sdk::Failure;
use devflow_protocol::template::Template;

use crate::caches;
use crate::config::Config;
use crate::facts::Facts;
use crate::manager::Manager;
use crate::run;

/// Installs from the cache alone, and with the network only where that does not do. npm believes
/// cached metadata for ever with `--prefer-offline`: a version that is newer than the metadata then
/// does not exist for it. Without, it asks for all of it, and offline waits minutes for each retry.
const CACHE_FIRST: &str = "const npm = (...more) => require(\"node:child_process\")\
.spawnSync(\"npm\", [...process.argv.slice(1), ...more], { stdio: \"inherit\" }).status ?? 1; \
process.exitCode = npm(\"--offline\", \"--loglevel=silent\") && npm();";

/// The scripts of a package that belong to its installation.
const LIFECYCLE: [&str; 3] = ["install", "postinstall", "prepare"];

/// The command that the others need before they start.
pub(crate) fn ready(facts: &Facts, config: &Config) -> Vec<CommandName> {
    let name = match (scripts_wanted(facts, config), has_dependencies(facts)) {
        (true, _) => "setup:scripts",
        (false, true) => "setup:deps",
        (false, false) => return Vec::new(),
    };
    name.parse().into_iter().collect()
}

fn has_dependencies(facts: &Facts) -> bool {
    facts.packages_json().any(|package| !package.dependencies.is_empty()) || !facts.packages.is_empty()
}

/// Answers `setup:deps`.
pub(crate) fn deps(facts: &Facts, args: &[String]) -> Result<Resolution, Failure> {
    if !has_dependencies(facts) {
        return Ok(Resolution::skip("package.json has no dependencies"));
    }
    let locked = facts.lock.is_some();
    let mut words: Vec<Template> = Vec::new();
    let mut say = |list: &[&str]| words.extend(list.iter().map(|word| Template::literal(word)));
    match facts.manager {
        Manager::Npm => {
            match locked {
                true => say(&["ci"]),
                false => say(&["install", "--no-package-lock", "--no-save"]),
            }
            say(&["--ignore-scripts", "--no-audit", "--no-fund"]);
        }
        Manager::Pnpm { .. } => {
            say(&["install", if locked { "--frozen-lockfile" } else { "--no-lockfile" }]);
            say(&["--prefer-offline", "--ignore-scripts"]);
        }
        Manager::YarnClassic => {
            say(&["install", if locked { "--frozen-lockfile" } else { "--no-lockfile" }]);
            say(&["--prefer-offline", "--non-interactive", "--ignore-scripts"]);
        }
        Manager::YarnBerry { .. } if !locked => {
            let text = "there is no yarn.lock: run yarn install once and commit it";
            return Err(Failure::invalid_project("yarn.lock", None, text));
        }
        Manager::YarnBerry { .. } => say(&["install", "--immutable", "--mode=skip-build"]),
        Manager::Bun => {
            say(&["install", if locked { "--frozen-lockfile" } else { "--no-save" }]);
            say(&["--ignore-scripts", "--backend=copyfile"]);
        }
    }
    words.extend(args.iter().map(|arg| Template::literal(arg)));
    let cached = facts.lock.as_ref().is_some_and(|lock| !lock.asks);
    let step = match facts.manager {
        Manager::Npm if cached => step(facts, words, &["--prefer-offline"]),
        Manager::Npm => {
            let Step { args, .. } = step(facts, words, &[]);
            let script = ["-e", CACHE_FIRST, "--"].map(Template::literal);
            Step { program: Template::literal("node"), args: script.into_iter().chain(args).collect() }
        }
        _ => step(facts, words, &[]),
    };
    Ok(Resolution::Action(Action {
        fetches: facts.own_code.is_none(),
        inputs: inputs(facts),
        ..installing(facts, vec![step])
    }))
}

/// Answers `setup:scripts`.
pub(crate) fn scripts(facts: &Facts, config: &Config, args: &[String]) -> Resolution {
    if config.install_scripts == Some(false) {
        return Resolution::skip("the config says install_scripts = false");
    }
    if !scripts_wanted(facts, config) {
        return Resolution::skip("nothing here has install scripts");
    }
    let plain = |list: &[&str]| step(facts, list.iter().map(|word| Template::literal(word)).collect(), &[]);
    let mut own: Vec<&str> = LIFECYCLE.to_vec();
    let mut steps = Vec::new();
    if rebuilds(facts, config) {
        match facts.manager {
            Manager::Npm => {
                steps.push(plain(&["rebuild"]));
                own = vec!["prepare"];
            }
            Manager::Pnpm { major } => {
                steps.push(plain(if facts.packages.is_empty() {
                    &["rebuild"]
                } else {
                    &["--recursive", "rebuild"]
                }));
                // pnpm 12 leaves out the project's own scripts; where the version is not known they
                // run again, which they must stand anyway.
                if major.is_some_and(|major| major < 11) {
                    own.clear();
                }
            }
            Manager::YarnClassic => {
                let lock = if facts.lock.is_some() { "--frozen-lockfile" } else { "--no-lockfile" };
                steps.push(plain(&["install", lock, "--prefer-offline", "--non-interactive", "--force"]));
                own.clear();
            }
            Manager::YarnBerry { .. } => {
                steps.push(plain(&["install", "--immutable"]));
                own = vec!["prepare"];
            }
            Manager::Bun => {
                let lock = if facts.lock.is_some() { "--frozen-lockfile" } else { "--no-save" };
                steps.push(plain(&["install", lock, "--force", "--backend=copyfile"]));
                own.clear();
            }
        }
    }
    let package = facts.package.iter().filter(|_| facts.top.is_none());
    let scripts =
        package.flat_map(|package| own.iter().filter_map(|name| Some((*name, package.scripts.get(*name)?))));
    steps.extend(scripts.map(|(name, text)| run::script(facts, name, text, &[])));
    if let Some(first) = steps.first_mut() {
        first.args.extend(args.iter().map(|arg| Template::literal(arg)));
    }
    let needs = has_dependencies(facts).then(|| "setup:deps".parse().ok()).flatten();
    Resolution::Action(Action { needs: needs.into_iter().collect(), ..installing(facts, steps) })
}

/// Whether there are install scripts to run.
fn scripts_wanted(facts: &Facts, config: &Config) -> bool {
    let own = || {
        let package = facts.package.as_ref().filter(|_| facts.top.is_none());
        package.is_some_and(|package| LIFECYCLE.iter().any(|name| package.scripts.contains_key(*name)))
    };
    match config.install_scripts {
        Some(false) => false,
        Some(true) => has_dependencies(facts) || own(),
        None => rebuilds(facts, config) || own(),
    }
}

/// Whether dependencies may have install scripts.
fn rebuilds(facts: &Facts, config: &Config) -> bool {
    let told = facts.lock.as_ref().is_none_or(|lock| lock.scripts);
    let compiled = facts.names.contains("binding.gyp");
    has_dependencies(facts) && (config.install_scripts == Some(true) || told) || compiled
}

/// A call of the manager where everything is installed.
fn step(facts: &Facts, words: Vec<Template>, more: &[&str]) -> Step {
    let mut args = Vec::new();
    let away = facts.root != facts.dir;
    let at = |option: &str| [Template::literal(option), run::place(&facts.root)];
    // yarn takes it in front only.
    if away && matches!(facts.manager, Manager::Pnpm { .. }) {
        args.extend(at("--dir"));
    } else if away && matches!(facts.manager, Manager::YarnClassic | Manager::YarnBerry { .. }) {
        args.extend(at("--cwd"));
    }
    args.extend(words);
    args.extend(more.iter().map(|word| Template::literal(word)));
    match facts.manager {
        Manager::Npm if away => args.extend(at("--prefix")),
        Manager::Bun if away => args.extend(at("--cwd")),
        _ => {}
    }
    Step { program: Template::literal(facts.manager.program()), args }
}

fn installing(facts: &Facts, steps: Vec<Step>) -> Action {
    let pnp = matches!(facts.manager, Manager::YarnBerry { pnp: true });
    // What a package of a workspace above gets is outside of it, where no output can be named.
    let outputs = match (pnp, facts.top.is_some()) {
        (_, true) => Vec::new(),
        (true, false) => vec![Output { path: ".pnp.cjs".parse().ok(), cache: None }],
        (false, false) => {
            let folders = caches::caches(facts).into_iter().filter(|cache| cache.at.is_some());
            folders.map(|cache| Output { path: None, cache: Some(cache.name) }).collect()
        }
    };
    Action { locks: vec!["node_modules".to_owned()], outputs, ..Action::of(steps) }
}

/// What an installation without scripts depends on, where that is little and inside the member.
fn inputs(facts: &Facts) -> Option<Inputs> {
    let copies = |range: &String| {
        ["file:", "link:", "portal:", "exec:", "."].iter().any(|start| range.starts_with(start))
    };
    let mut ranges = facts.packages_json().flat_map(|package| package.dependencies.values());
    if facts.own_code.is_some() || facts.top.is_some() || ranges.any(copies) {
        return None;
    }
    let files = [
        "package.json",
        "**/package.json",
        "npm-shrinkwrap.json",
        "package-lock.json",
        "pnpm-lock.yaml",
        "yarn.lock",
        "bun.lock",
        "bun.lockb",
        "pnpm-workspace.yaml",
        "bunfig.toml",
        ".npmrc",
        ".yarnrc",
        ".yarnrc.yml",
        ".yarn/**",
        "patches/**",
        "**/*.patch",
        "**/*.tgz",
        "**/*.tar.gz",
    ];
    let exclude = vec!["**/node_modules/**".to_owned()];
    Some(Inputs { files: files.map(str::to_owned).to_vec(), exclude, ..Inputs::default() })
}

#[cfg(test)]
mod tests;
