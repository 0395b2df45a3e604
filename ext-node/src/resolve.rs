//! What a command means for a member.
//!
//! Invariant: pure; a script of package.json comes before any guess, and what the project does not
//! have is a skip that says so.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::{Action, Output, Resolution, Step};
use devflow_protocol::name::CommandName;
use devflow_protocol::sdk::Failure;

use crate::config::Config;
use crate::facts::Facts;
use crate::scripts::{self, Found, TYPES};
use crate::{install, products, reports, run, tools};

/// The commands that every project of Node is asked about.
pub(crate) const COMMANDS: [&str; 14] = [
    "setup:deps",
    "setup:scripts",
    "fmt:check",
    "fmt:fix",
    "lint:static",
    "lint:fix",
    "lint:security",
    "build:debug",
    "build:release",
    "test:unit",
    "test:integration",
    "test:smoke",
    "test:e2e",
    "package:artifact",
];

/// The commands of a member: the well-known ones, and those that the config gives a script.
pub(crate) fn commands(config: &Config) -> BTreeSet<CommandName> {
    let known = COMMANDS.iter().filter_map(|name| name.parse().ok());
    known.chain(config.scripts.keys().cloned()).collect()
}

/// Answers `command/resolve`.
pub(crate) fn resolve(
    facts: &Facts,
    config: &Config,
    command: &CommandName,
    args: &[String],
) -> Result<Resolution, Failure> {
    let known = commands(config);
    if facts.package.is_none() || !known.contains(command) {
        let known: Vec<CommandName> = known.into_iter().filter(|_| facts.package.is_some()).collect();
        return Err(Failure::unknown_command(command, &known));
    }
    match (command.as_str(), config.scripts.contains_key(command)) {
        ("setup:deps", false) => return install::deps(facts, args),
        ("setup:scripts", false) => return Ok(install::scripts(facts, config, args)),
        _ => {}
    }
    let mut action = match steps(facts, config, command, args)? {
        Ok(steps) => Action::of(steps),
        Err(because) => return Ok(Resolution::skip(because)),
    };
    action.needs = install::ready(facts, config);
    if command.verb() == "test" {
        reports::add(facts, config, command, args, &mut action);
    }
    // Only for tools: a dependency that brings a program `npm` is not meant by the others.
    if action.steps.iter().any(|step| step.program.as_str() != facts.manager.program()) {
        action.path = run::path(facts);
    }
    action.writes = writes(command.as_str());
    match command.verb() {
        "build" => {
            action.locks = vec!["dist".to_owned()];
            action.outputs = products::products(facts)
                .into_iter()
                .filter_map(|path| Some(Output { path: Some(path.parse().ok()?), cache: None }))
                .collect();
        }
        "test" | "package" => action.needs.extend(built_before(facts, config, command)?),
        _ => {}
    }
    Ok(Resolution::Action(action))
}

/// Whether a command changes the project's sources.
pub(crate) fn writes(command: &str) -> bool {
    matches!(command, "fmt:fix" | "lint:fix")
}

/// The steps of a command, or why there are none.
fn steps(
    facts: &Facts,
    config: &Config,
    command: &CommandName,
    args: &[String],
) -> Result<Result<Vec<Step>, String>, Failure> {
    if let Some(name) = config.scripts.get(command) {
        return match named(facts, name, args) {
            Some(steps) => Ok(Ok(steps)),
            None => Err(Failure::invalid_config(format!(
                "config of the node extension: scripts.{command} names {name}, which package.json does not have"
            ))),
        };
    }
    let scripted = from_scripts(facts, command.as_str(), args);
    let mut found = match scripted {
        Ok(Some(steps)) => Ok(steps),
        Ok(None) if command.as_str() == "package:artifact" => pack(facts, args),
        unfit => match (from_tools(facts, command.as_str(), args), unfit) {
            (Err(_), Err(reason)) => Err(reason),
            (outcome, _) => outcome,
        },
    };
    if command.as_str() == "lint:static" && !config.scripts.keys().any(|name| name.as_str() == TYPES) {
        let first = if found.is_ok() { &[] } else { args };
        let by_tool = from_scripts(facts, "lint:static", &[]) == Ok(None) || found.is_err();
        let types = match from_scripts(facts, TYPES, first) {
            Ok(Some(steps)) => steps,
            // A project with a script for linting has said what it wants to have checked.
            _ if by_tool => from_tools(facts, TYPES, first).unwrap_or_default(),
            _ => Vec::new(),
        };
        match &mut found {
            Ok(steps) => steps.extend(types),
            Err(_) if !types.is_empty() => found = Ok(types),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// The script `name` of the member, or else of the packages of its workspace that have it.
fn named(facts: &Facts, name: &str, args: &[String]) -> Option<Vec<Step>> {
    if let Some(text) = facts.package.as_ref().and_then(|package| package.scripts.get(name)) {
        return Some(vec![run::script(facts, name, text, args)]);
    }
    let having: Vec<_> =
        facts.packages.iter().filter(|package| package.manifest.scripts.contains_key(name)).collect();
    (!having.is_empty()).then(|| run::script_of(facts, &having, name, args))
}

/// The steps that package.json has for a command; an error is a script that does not fit.
fn from_scripts(facts: &Facts, command: &str, args: &[String]) -> Result<Option<Vec<Step>>, String> {
    let none = BTreeMap::new();
    let own = facts.package.as_ref().map_or(&none, |package| &package.scripts);
    let mut unfit = None;
    match scripts::find(command, own) {
        Found::Script(name) => return Ok(named(facts, &name, args)),
        Found::Unfit(reason) => unfit = Some(reason),
        Found::Nothing => {}
    }
    for package in &facts.packages {
        if let Found::Script(name) = scripts::find(command, &package.manifest.scripts) {
            let fitting: Vec<_> = facts
                .packages
                .iter()
                .filter(|package| {
                    scripts::find(command, &package.manifest.scripts) == Found::Script(name.clone())
                })
                .collect();
            return Ok(Some(run::script_of(facts, &fitting, &name, args)));
        }
    }
    unfit.map_or(Ok(None), Err)
}

fn from_tools(facts: &Facts, command: &str, args: &[String]) -> Result<Vec<Step>, String> {
    let mut args = args;
    let calls = tools::calls(command, facts)?;
    Ok(calls
        .into_iter()
        .map(|(program, words)| run::tool(facts, program, words, std::mem::take(&mut args)))
        .collect())
}

/// `npm pack`, where the package is one that can be published.
fn pack(facts: &Facts, args: &[String]) -> Result<Vec<Step>, String> {
    let package = facts.package.as_ref().ok_or("no package.json")?;
    match (&package.name, &package.version, facts.manager.program()) {
        _ if package.private => Err("package.json has no script package, and is private".to_owned()),
        (Some(_), Some(_), program @ ("npm" | "pnpm")) => {
            Ok(vec![Step::literal(program, ["pack"].into_iter().chain(args.iter().map(String::as_str)))])
        }
        (Some(_), Some(_), _) => Err("package.json has no script package".to_owned()),
        _ => Err("package.json has no name and version to pack".to_owned()),
    }
}

/// `build:debug` when the script of a command mentions what building makes, and `build:release`
/// when it packs.
fn built_before(
    facts: &Facts,
    config: &Config,
    command: &CommandName,
) -> Result<Option<CommandName>, Failure> {
    let Some(package) = &facts.package else { return Ok(None) };
    let name = match (config.scripts.get(command), scripts::find(command.as_str(), &package.scripts)) {
        (Some(name), _) => name.clone(),
        (None, Found::Script(name)) => name,
        (None, _) => String::new(),
    };
    let text = package.scripts.get(&name).map_or("", String::as_str);
    let words = || text.split([' ', '\t', '"', '\'', '=']).map(|word| word.trim_start_matches("./"));
    let mentions = |folder: &String| {
        words().any(|word| {
            word.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let build = match command.verb() {
        "package" => "build:release",
        _ if products::products(facts).iter().any(mentions) => "build:debug",
        _ => return Ok(None),
    };
    let Ok(build) = build.parse::<CommandName>() else { return Ok(None) };
    Ok(steps(facts, config, &build, &[])?.is_ok().then_some(build))
}

#[cfg(test)]
mod tests;
