//! Answers become a plan.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::{self, Alternative, Cache, CacheScope, Resolution, Step};
use devflow_protocol::name::CacheName;
use devflow_protocol::template::Template;

use super::answers::{Answers, Described};
use super::error::PlanError;
use super::model::{Action, Choice, Plan, Skip, Stack, TIMEOUT_S, Used};
use super::order;
use super::secrets::secrets;
use super::select::{Catalog, Selection};
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

/// Merges everything into a plan.
pub fn merge(input: &Input<'_>) -> Result<Plan, PlanError> {
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
                actions.push(extension_action(input, name, requested, &[alone(action)])?)
            }
            Resolution::Alternatives(list) => actions.push(extension_action(input, name, requested, list)?),
        }
    }
    for name in input.catalog.names() {
        if let Some(section) = input.catalog.own(name)
            && input.closure.contains(name)
        {
            actions.push(own_action(input, name, section)?);
        }
    }
    actions.sort_by(|a, b| a.name.cmp(&b.name));
    let names: BTreeSet<FullName> = actions.iter().map(|action| action.name.clone()).collect();
    for action in &mut actions {
        // A need that has nothing to do is met.
        action.needs.retain(|need| names.contains(need));
    }
    let mut notes = Vec::new();
    order::make_before_read(&mut actions, &mut notes);
    order::no_cycle(&actions)?;
    let secrets = secrets(input.catalog, &actions)?;
    let stacks = stacks(&input.answers.described, &actions);
    shared_caches(&stacks)?;
    let extensions = input.answers.versions.iter();
    Ok(Plan {
        project: input.project.to_owned(),
        fingerprint: input.fingerprint.to_owned(),
        extensions: extensions
            .map(|(name, version)| {
                let pinned = input.answers.pins.get(name).cloned();
                Used { name: name.clone(), version: version.clone(), pinned }
            })
            .collect(),
        stacks,
        actions,
        secrets,
        skips,
        notes,
    })
}

fn alone(action: &message::Action) -> Alternative {
    Alternative { when: None, action: action.clone() }
}

fn extension_action(
    input: &Input<'_>,
    name: &FullName,
    requested: bool,
    list: &[Alternative],
) -> Result<Action, PlanError> {
    let sections: Vec<&CommandSection> = input.catalog.more(name).collect();
    let locks: BTreeSet<String> =
        list.iter().flat_map(|alternative| &alternative.action.locks).cloned().collect();
    let needs = input.catalog.needs(name, list.iter().map(|alternative| &alternative.action))?;
    let actions = || list.iter().map(|alternative| &alternative.action);
    let choices = list.iter().map(|alternative| {
        let action = &alternative.action;
        let mut env = action.env.clone();
        for section in &sections {
            env.extend(
                section.env.iter().map(|(name, value)| (name.clone(), Some(Template::literal(value)))),
            );
        }
        Choice {
            when: alternative.when.as_ref().map(|when| when.program.clone()),
            steps: action.steps.clone(),
            cwd: action.cwd.below(&name.member),
            env,
            path: action.path.clone(),
        }
    });
    let offered = described(input.answers, name)
        .and_then(|described| described.result.commands.iter().find(|command| command.name == name.command));
    Ok(Action {
        name: name.clone(),
        requested,
        choices: choices.collect(),
        needs: needs.into_iter().collect(),
        after: Vec::new(),
        locks: locks.into_iter().collect(),
        fetches: actions().any(|action| action.fetches),
        writes: actions().any(|action| action.writes) || offered.is_some_and(|command| command.writes),
        timeout_s: sections
            .iter()
            .find_map(|section| section.timeout)
            .or_else(|| actions().filter_map(|action| action.timeout_s).max())
            .unwrap_or(TIMEOUT_S),
        inputs: actions().next().and_then(|action| action.inputs.clone()),
        outputs: unique(actions().flat_map(|action| &action.outputs)),
        reports: unique(actions().flat_map(|action| &action.reports)),
    })
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

fn own_action(input: &Input<'_>, name: &FullName, section: &CommandSection) -> Result<Action, PlanError> {
    let words = section.run.as_ref().map(|run| run.get_ref().as_slice()).unwrap_or_default();
    let asked = input.selection.names.contains(name);
    let only = input.selection.names.len() == 1 && asked;
    let extra = if only { input.selection.args.as_slice() } else { &[] };
    let (program, args) = words.split_first().map_or(("", [].as_slice()), |(first, rest)| (first, rest));
    let step = Step::literal(program, args.iter().chain(&section.args).chain(extra));
    Ok(Action {
        name: name.clone(),
        requested: asked,
        choices: vec![Choice {
            when: None,
            steps: vec![step],
            cwd: name.member.clone(),
            env: section.env.iter().map(|(k, v)| (k.clone(), Some(Template::literal(v)))).collect(),
            path: Vec::new(),
        }],
        needs: input.catalog.needs(name, [])?.into_iter().collect(),
        after: Vec::new(),
        locks: Vec::new(),
        fetches: false,
        writes: false,
        timeout_s: section.timeout.unwrap_or(TIMEOUT_S),
        inputs: None,
        outputs: Vec::new(),
        reports: Vec::new(),
    })
}

fn described<'a>(answers: &'a Answers, name: &FullName) -> Option<&'a Described> {
    let stack = name.stack.as_ref()?;
    answers.described.iter().find(|described| described.member == name.member && described.stack == *stack)
}

fn stacks(described: &[Described], actions: &[Action]) -> Vec<Stack> {
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
