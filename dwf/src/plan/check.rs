//! What an answer must fulfil beyond its types.

mod image;

pub use image::{is_literal, is_place};

use std::collections::BTreeSet;
use std::fmt;

use devflow_protocol::message::{Action, Cache, DescribeResult, Resolution};
use devflow_protocol::name::EnvName;
use devflow_protocol::template::Template;

/// The rules beyond the types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A name stands for one thing.
    Once,
    /// The members of a cache fit each other.
    Cache,
    /// Some variables are not an extension's to set.
    Variable,
    /// A glob is one, and stays in the member.
    Glob,
    /// A cache that is named is one of the description's.
    CacheName,
    /// A condition names a program.
    When,
    /// An action has something to do, in some time.
    Steps,
    /// What is needed is offered.
    Need,
    /// A folder in front of `PATH` starts with a placeholder or `/`.
    Path,
    /// An output is somewhere.
    Output,
    /// Images have names that say which, and there is one way from each source.
    ImageName,
    /// What is put into an image is put at a place of its own.
    ImagePlace,
    /// A step or probe of an image has a program.
    ImageCommand,
    /// A file that an image depends on is part of its identity.
    ImageFile,
}

/// A rule that an answer breaks, and how; the reason is for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Rule {
    fn broken<T>(self, reason: impl Into<String>) -> Result<T, Broken> {
        Err(Broken { rule: self, reason: reason.into() })
    }
}

/// Checks a description.
pub fn check_description(result: &DescribeResult) -> Result<(), Broken> {
    let mut commands = BTreeSet::new();
    for command in &result.commands {
        if !commands.insert(&command.name) {
            return Rule::Once.broken(format!("it offers {} twice", command.name));
        }
    }
    let mut names = BTreeSet::new();
    for cache in &result.caches {
        if !names.insert(cache.name.as_str()) {
            return Rule::Once.broken(format!("it has two caches named {}", cache.name));
        }
        check_cache(cache).or_else(|reason| Rule::Cache.broken(format!("cache {}: {reason}", cache.name)))?;
    }
    let mut variables = BTreeSet::new();
    let of_caches = result.caches.iter().filter_map(|cache| cache.env.as_ref());
    result.place_env.iter().try_for_each(reserved)?;
    for name in result.env.keys().chain(of_caches).chain(&result.ca_env) {
        reserved(name)?;
        if !variables.insert(name) {
            return Rule::Once.broken(format!("it sets {name} twice"));
        }
    }
    for template in result.env.values() {
        known_caches(template, result)?;
    }
    for glob in &result.fingerprint {
        check_glob(glob)?;
    }
    image::check(result)
}

fn check_cache(cache: &Cache) -> Result<(), String> {
    if cache.home.is_some() == cache.keep.is_empty() {
        return Err("`home` and `keep` go together".to_owned());
    }
    if let Some(home) = &cache.home {
        if cache.env.is_none() {
            return Err("`home` needs `env`: the tool must be told where its home is".to_owned());
        }
        if !home.strip_prefix("~/").is_some_and(is_plain) {
            return Err(format!("`home` is {home:?}; it starts with ~/ and has no `..`"));
        }
    }
    if let Some(target) = &cache.target {
        let below = target.strip_prefix("~/").or_else(|| target.strip_prefix('/'));
        if !below.is_some_and(is_plain) || target.contains([',', ':']) {
            return Err(format!(
                "`target` is {target:?}; it starts with ~/ or / and has no `..`, `,` or `:`"
            ));
        }
        if target.starts_with('/')
            && let Err(error) = devflow_oci::target::check_target(target)
        {
            return Err(error.to_string());
        }
    }
    if cache.at.as_ref().is_some_and(|at| at.is_here()) {
        return Err("`at` is the member itself".to_owned());
    }
    let places = [cache.target.is_some(), cache.at.is_some(), cache.home.is_some()];
    if places.into_iter().filter(|is| *is).count() > 1 {
        return Err("it has more than one of `target`, `at` and `home`".to_owned());
    }
    Ok(())
}

fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && !path.chars().any(char::is_control)
}

/// `PATH` has its own member, and the others decide who the user is or how programs are loaded.
pub fn is_reserved(name: &EnvName) -> bool {
    let name = name.as_str();
    ["PATH", "HOME", "USER", "SHELL"].contains(&name) || name.starts_with("LD_") || name.starts_with("DWF_")
}

fn reserved(name: &EnvName) -> Result<(), Broken> {
    if is_reserved(name) {
        Rule::Variable.broken(format!("it sets {name}, which is not an extension's to set"))
    } else {
        Ok(())
    }
}

fn check_glob(glob: &str) -> Result<(), Broken> {
    let inside = !glob.starts_with('/') && !glob.split('/').any(|part| part == "..");
    if !inside || glob.is_empty() {
        return Rule::Glob.broken(format!("the glob {glob:?} leaves the folder"));
    }
    if glob.ends_with('/') {
        return Rule::Glob.broken(format!("the glob {glob:?} ends in /, and globs match files, not folders"));
    }
    globset::Glob::new(glob).map(|_| ()).or_else(|error| Rule::Glob.broken(error.to_string()))
}

fn known_caches(template: &Template, described: &DescribeResult) -> Result<(), Broken> {
    for name in template.caches() {
        if described.caches.iter().all(|cache| cache.name.as_str() != name) {
            let reason = format!("{:?} names a cache that the stack does not have", template.as_str());
            return Rule::CacheName.broken(reason);
        }
    }
    Ok(())
}

/// Checks a resolution against the description of its stack.
pub fn check_resolution(resolution: &Resolution, described: &DescribeResult) -> Result<(), Broken> {
    match resolution {
        Resolution::Skip(_) => Ok(()),
        Resolution::Action(action) => check_action(action, described),
        Resolution::Alternatives(alternatives) => {
            for alternative in alternatives {
                if let Some(when) = &alternative.when
                    && (when.program.is_empty() || when.program.contains(['/', '\0']))
                {
                    let reason = format!("`when` names {:?}, which is no program's name", when.program);
                    return Rule::When.broken(reason);
                }
                check_action(&alternative.action, described)?;
            }
            Ok(())
        }
    }
}

fn check_action(action: &Action, described: &DescribeResult) -> Result<(), Broken> {
    if action.steps.is_empty() {
        return Rule::Steps.broken("an action has no steps; nothing to do is a skip");
    }
    for step in action.steps.iter().chain(&action.warm) {
        if step.program.as_str().is_empty() {
            return Rule::Steps.broken("a step has no program");
        }
        for template in std::iter::once(&step.program).chain(&step.args) {
            known_caches(template, described)?;
        }
    }
    for (name, value) in &action.env {
        reserved(name)?;
        if described.caches.iter().any(|cache| cache.env.as_ref() == Some(name)) {
            return Rule::Variable.broken(format!("it sets {name}, which tells where a cache is"));
        }
        if let Some(value) = value {
            known_caches(value, described)?;
        }
    }
    for template in &action.path {
        if !template.as_str().starts_with('/') && !template.as_str().starts_with("${") {
            let reason = format!("`path` has {:?}; it starts with / or a placeholder", template.as_str());
            return Rule::Path.broken(reason);
        }
        known_caches(template, described)?;
    }
    for need in &action.needs {
        if described.commands.iter().all(|command| command.name != *need) {
            return Rule::Need.broken(format!("it needs {need}, which it does not offer"));
        }
    }
    if action.outputs.iter().any(|output| output.path.is_none() && output.cache.is_none()) {
        return Rule::Output.broken("an output has neither `path` nor `cache`");
    }
    let caches =
        action.outputs.iter().map(|output| &output.cache).chain(action.reports.iter().map(|r| &r.cache));
    for name in caches.flatten() {
        if described.caches.iter().all(|cache| cache.name != *name) {
            return Rule::CacheName.broken(format!("it names a cache {name} that the stack does not have"));
        }
    }
    if let Some(inputs) = &action.inputs {
        for glob in inputs.files.iter().chain(&inputs.exclude) {
            check_glob(glob)?;
        }
    }
    if action.timeout_s == Some(0) {
        return Rule::Steps.broken("a timeout of 0 s");
    }
    Ok(())
}
