//! Answers become a plan.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::{self, Alternative, Cache, CacheScope, Resolution, Step};
use devflow_protocol::name::CacheName;
use devflow_protocol::template::Template;
use toml::Spanned;

use super::answers::{Answers, Described};
use super::error::PlanError;
use super::model::{Action, Choice, Plan, Skip, Stack, TIMEOUT_S, Used};
use super::order;
use super::origin::{Origin, Origins, Part};
use super::secrets::secrets;
use super::select::{Catalog, Selection};
use super::services;
use crate::config::CommandSection;
use crate::name::FullName;

/// What a plan is made from.
#[derive(Debug)]
pub struct Input<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The identity of the image.
    pub fingerprint: &'a str,
    /// What can be asked for.
    pub catalog: &'a Catalog<'a>,
    /// What was asked for.
    pub selection: &'a Selection,
    /// What was asked for and everything it needs.
    pub closure: &'a BTreeSet<FullName>,
    /// What the extensions said.
    pub answers: &'a Answers,
}

/// Merges everything into a plan, and takes down who set what.
pub fn merge(input: &Input<'_>) -> Result<(Plan, Origins), PlanError> {
    let mut origins = Origins::default();
    let mut actions = Vec::new();
    let mut skips = Vec::new();
    for (name, resolution) in &input.answers.resolved {
        let requested = input.selection.names.binary_search(name).is_ok();
        match resolution {
            Resolution::Skip(because) if requested => {
                skips.push(Skip { name: name.clone(), because: because.because.clone() });
            }
            Resolution::Skip(_) => {}
            Resolution::Action(action) => {
                actions.push(extension_action(input, name, requested, &[alone(action)], &mut origins)?)
            }
            Resolution::Alternatives(list) => {
                actions.push(extension_action(input, name, requested, list, &mut origins)?)
            }
        }
    }
    for name in input.catalog.names() {
        if let Some(section) = input.catalog.own(name)
            && input.closure.contains(name)
        {
            actions.push(own_action(input, name, section, &mut origins)?);
        }
    }
    actions.sort_by(|a, b| a.name.cmp(&b.name));
    let names: BTreeSet<FullName> = actions.iter().map(|action| action.name.clone()).collect();
    for action in &mut actions {
        // A need that has nothing to do is met.
        action.needs.retain(|need| names.contains(need));
    }
    let mut notes = Vec::new();
    order::make_before_read(&mut actions, &mut notes, &mut origins);
    order::no_cycle(&actions, |name, need| says(input.answers, name, need))?;
    let secrets = secrets(input.catalog, &actions)?;
    let stacks = stacks(&input.answers.described, &actions, &mut origins);
    shared_caches(&stacks)?;
    let extensions = input.answers.versions.iter();
    let plan = Plan {
        project: input.project.to_owned(),
        fingerprint: input.fingerprint.to_owned(),
        extensions: extensions
            .map(|(name, version)| {
                let pinned = input.answers.pins.get(name).cloned();
                Used { name: name.clone(), version: version.clone(), pinned }
            })
            .collect(),
        stacks,
        services: services::of_plan(input.catalog.config(), &actions),
        actions,
        secrets,
        skips,
        notes,
    };
    Ok((plan, origins))
}

fn alone(action: &message::Action) -> Alternative {
    Alternative { when: None, action: action.clone() }
}

fn extension_action(
    input: &Input<'_>,
    name: &FullName,
    requested: bool,
    list: &[Alternative],
    origins: &mut Origins,
) -> Result<Action, PlanError> {
    let sections: Vec<&CommandSection> = input.catalog.more(name).collect();
    let mut about = origins.about(name);
    let extension = || name.stack.clone().map_or(Origin::Default, Origin::Extension);
    let said = |is: bool| if is { extension() } else { Origin::Default };
    let actions = || list.iter().map(|alternative| &alternative.action);
    let mut choices = Vec::new();
    for (at, Alternative { when, action }) in list.iter().enumerate() {
        about.set(Part::When(at), said(when.is_some()));
        about.set(Part::Cwd(at), said(!action.cwd.is_here()));
        about.set(Part::Path(at), said(!action.path.is_empty()));
        for step in 0..action.steps.len() {
            about.set(Part::Step(at, step), extension());
            // The extension was handed these, and decided where they go.
            for arg in sections.iter().flat_map(|section| &section.args) {
                about.add(Part::Step(at, step), Origin::Config(arg.span()));
            }
            if requested && !input.selection.args.is_empty() {
                about.add(Part::Step(at, step), Origin::CommandLine);
            }
        }
        let mut env = action.env.clone();
        for variable in env.keys() {
            about.set(Part::Env(at, variable.clone()), extension());
        }
        for (variable, value) in sections.iter().flat_map(|section| &section.env) {
            about.set(Part::Env(at, variable.get_ref().clone()), Origin::Config(variable.span()));
            env.insert(variable.get_ref().clone(), Some(Template::literal(value)));
        }
        choices.push(Choice {
            when: when.as_ref().map(|when| when.program.clone()),
            steps: action.steps.clone(),
            cwd: action.cwd.below(&name.member),
            env,
            path: action.path.clone(),
        });
    }
    let needs = input.catalog.needs_said(name, actions())?;
    for (need, by) in &needs {
        about.add(Part::Need(need.clone()), by.clone());
    }
    let locks: BTreeSet<String> = actions().flat_map(|action| &action.locks).cloned().collect();
    for lock in &locks {
        about.set(Part::Lock(lock.clone()), extension());
    }
    let offered = described(input.answers, name)
        .and_then(|described| described.result.commands.iter().find(|command| command.name == name.command));
    let fetches = actions().any(|action| action.fetches);
    let writes = actions().any(|action| action.writes) || offered.is_some_and(|command| command.writes);
    let timeout = sections.iter().find_map(|section| section.timeout.as_ref());
    let longest = actions().filter_map(|action| action.timeout_s).max();
    let inputs = actions().next().and_then(|action| action.inputs.clone());
    let outputs = unique(actions().flat_map(|action| &action.outputs));
    let reports = unique(actions().flat_map(|action| &action.reports));
    about.set(Part::Fetches, said(fetches));
    about.set(Part::Writes, said(writes));
    about.set(Part::Inputs, said(inputs.is_some()));
    about.set(Part::Outputs, said(!outputs.is_empty()));
    about.set(Part::Reports, said(!reports.is_empty()));
    about.set(Part::Timeout, timeout.map_or(said(longest.is_some()), |at| Origin::Config(at.span())));
    Ok(Action {
        name: name.clone(),
        requested,
        choices,
        needs: distinct(needs),
        after: Vec::new(),
        services: services::of_action(input.catalog, name, actions().any(|action| action.fetches))?,
        locks: locks.into_iter().collect(),
        fetches,
        writes,
        timeout_s: timeout.map(|seconds| *seconds.get_ref()).or(longest).unwrap_or(TIMEOUT_S),
        inputs,
        outputs,
        reports,
    })
}

/// Whether an extension itself says that its action needs this other one of its.
fn says(answers: &Answers, name: &FullName, need: &FullName) -> bool {
    let needs = |action: &message::Action| action.needs.contains(&need.command);
    let is_own = name.stack.is_some() && (&name.member, &name.stack) == (&need.member, &need.stack);
    is_own
        && match answers.resolved.get(name) {
            Some(Resolution::Action(action)) => needs(action),
            Some(Resolution::Alternatives(list)) => list.iter().any(|one| needs(&one.action)),
            Some(Resolution::Skip(_)) | None => false,
        }
}

/// The names of needs, sorted, each once.
fn distinct(needs: Vec<(FullName, Origin)>) -> Vec<FullName> {
    needs.into_iter().map(|(need, _)| need).collect::<BTreeSet<_>>().into_iter().collect()
}

fn unique<'a, T: Clone + PartialEq + 'a>(items: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut out: Vec<T> = Vec::new();
    for item in items {
        if !out.contains(item) {
            out.push(item.clone());
        }
    }
    out
}

fn own_action(
    input: &Input<'_>,
    name: &FullName,
    section: &CommandSection,
    origins: &mut Origins,
) -> Result<Action, PlanError> {
    let words = section.run.as_ref().map(|run| run.get_ref().as_slice()).unwrap_or_default();
    let asked = input.selection.names.binary_search(name).is_ok();
    let only = input.selection.names.len() == 1 && asked;
    let extra = if only { input.selection.args.as_slice() } else { &[] };
    let (program, args) = words.split_first().map_or(("", [].as_slice()), |(first, rest)| (first, rest));
    let more = section.args.iter().map(|arg| arg.get_ref());
    let step = Step::literal(program, args.iter().chain(more).chain(extra));
    let needs = input.catalog.needs_said(name, [])?;
    let mut about = origins.about(name);
    for part in [Part::When(0), Part::Cwd(0), Part::Path(0), Part::Fetches, Part::Writes] {
        about.set(part, Origin::Default);
    }
    for part in [Part::Inputs, Part::Outputs, Part::Reports] {
        about.set(part, Origin::Default);
    }
    for span in section.run.iter().map(Spanned::span).chain(section.args.iter().map(Spanned::span)) {
        about.add(Part::Step(0, 0), Origin::Config(span));
    }
    if !extra.is_empty() {
        about.add(Part::Step(0, 0), Origin::CommandLine);
    }
    for variable in section.env.keys() {
        about.set(Part::Env(0, variable.get_ref().clone()), Origin::Config(variable.span()));
    }
    for (need, by) in &needs {
        about.add(Part::Need(need.clone()), by.clone());
    }
    let timeout = section.timeout.as_ref();
    about.set(Part::Timeout, timeout.map_or(Origin::Default, |at| Origin::Config(at.span())));
    let env =
        section.env.iter().map(|(name, value)| (name.get_ref().clone(), Some(Template::literal(value))));
    Ok(Action {
        name: name.clone(),
        requested: asked,
        choices: vec![Choice {
            when: None,
            steps: vec![step],
            cwd: name.member.clone(),
            env: env.collect(),
            path: Vec::new(),
        }],
        needs: distinct(needs),
        after: Vec::new(),
        services: services::of_action(input.catalog, name, false)?,
        locks: Vec::new(),
        fetches: false,
        writes: false,
        timeout_s: timeout.map_or(TIMEOUT_S, |seconds| *seconds.get_ref()),
        inputs: None,
        outputs: Vec::new(),
        reports: Vec::new(),
    })
}

fn described<'a>(answers: &'a Answers, name: &FullName) -> Option<&'a Described> {
    let stack = name.stack.as_ref()?;
    answers.described.iter().find(|described| described.member == name.member && described.stack == *stack)
}

fn stacks(described: &[Described], actions: &[Action], origins: &mut Origins) -> Vec<Stack> {
    let used = |described: &&Described| {
        actions.iter().any(|action| {
            action.name.member == described.member && action.name.stack.as_ref() == Some(&described.stack)
        })
    };
    let mut stacks: Vec<Stack> = described
        .iter()
        .filter(used)
        .map(|described| {
            let mut caches = described.result.caches.clone();
            caches.sort_by(|a, b| a.name.cmp(&b.name));
            let by = Origin::Extension(described.stack.clone());
            origins.stack(&described.member, &described.stack, by);
            Stack {
                member: described.member.clone(),
                stack: described.stack.clone(),
                env: described.result.env.clone(),
                wants_env: described.result.wants_env.clone(),
                ca_env: described.result.ca_env.clone(),
                place_env: described.result.place_env.clone(),
                caches,
                tools: described.result.tools.clone(),
            }
        })
        .collect();
    stacks.sort_by(|a, b| (&a.member, &a.stack).cmp(&(&b.member, &b.stack)));
    stacks
}

/// A shared cache is one folder for all, and a place in the container is one thing's place: whoever
/// names one must mean the same.
fn shared_caches(stacks: &[Stack]) -> Result<(), PlanError> {
    let mut by_name: BTreeMap<&CacheName, (&Stack, &Cache)> = BTreeMap::new();
    let mut by_place: BTreeMap<String, (&Stack, &Cache)> = BTreeMap::new();
    for stack in stacks {
        for cache in &stack.caches {
            if cache.scope == CacheScope::Shared
                && let Some((first, known)) = by_name.insert(&cache.name, (stack, cache))
                && known != cache
            {
                return Err(conflict(
                    format!("cache `{}`", cache.name),
                    first,
                    json(known),
                    stack,
                    json(cache),
                ));
            }
            let place = match (&cache.target, &cache.at) {
                (Some(target), _) => target.clone(),
                (None, Some(at)) => at.below(&stack.member).to_string(),
                (None, None) => continue,
            };
            if let Some((first, known)) = by_place.insert(place.clone(), (stack, cache))
                && (known != cache || cache.scope == CacheScope::Environment)
            {
                let wish = |cache: &Cache| format!("cache `{}`", cache.name);
                return Err(conflict(format!("what is at {place}"), first, wish(known), stack, wish(cache)));
            }
        }
    }
    Ok(())
}

fn conflict(
    what: String,
    first: &Stack,
    first_wish: String,
    second: &Stack,
    second_wish: String,
) -> PlanError {
    let who = |stack: &Stack| match stack.member.is_here() {
        true => format!("extension `{}`", stack.stack),
        false => format!("extension `{}` in {}", stack.stack, stack.member),
    };
    PlanError::Conflict { what, first: who(first), first_wish, second: who(second), second_wish }
}

fn json(cache: &Cache) -> String {
    serde_json::to_string(cache).unwrap_or_default()
}
