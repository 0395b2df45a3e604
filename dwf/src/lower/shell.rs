//! The environment of actions, for a program that is none of them.

use std::collections::{BTreeMap, BTreeSet};

use devflow_runner::wire;

use super::cache::CachePlace;
use super::job::{GRACE_MS, Job, Kind, fill};
use super::place::Places;
use crate::plan::{Action, Plan, Stack};

/// Whose environment it is.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// One action's, exactly.
    Action(&'a Action),
    /// What a stack's actions have, where they do not contradict each other.
    Stack(&'a Stack),
    /// What all actions have, where they do not contradict each other.
    All,
}

/// A program in that environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// As if it were an action without a deadline; a choice for each of the action's own.
    pub job: Job,
    /// Variables that are left out, because two actions want two values.
    pub disputed: BTreeSet<String>,
}

/// A program, with its arguments, in the environment of a scope; none, where the plan has no action.
pub fn shell(
    plan: &Plan,
    places: &Places,
    caches: &[CachePlace<'_>],
    scope: Scope<'_>,
    argv: &[String],
) -> Option<Shell> {
    let of = |action: &Action| {
        let choices = action.choices.iter().map(|choice| fill(plan, action, choice, places, caches));
        choices.collect::<Vec<_>>()
    };
    let all = |is: &dyn Fn(&Action) -> bool, cwd: String| {
        shared(plan.actions.iter().filter(|action| is(action)).flat_map(of), cwd)
    };
    let (first, (mut choices, disputed)) = match scope {
        Scope::Action(action) => (action, (of(action), BTreeSet::new())),
        Scope::Stack(stack) => {
            let is =
                |action: &Action| plan.stack_of(&action.name).is_some_and(|known| std::ptr::eq(known, stack));
            (plan.actions.iter().find(|action| is(action))?, all(&is, places.folder(&stack.member)))
        }
        Scope::All => (plan.actions.first()?, all(&|_| true, places.workspace.clone())),
    };
    let (program, args) = argv.split_first()?;
    for choice in &mut choices {
        choice.steps = vec![wire::Step { program: program.clone(), args: args.to_vec() }];
    }
    let fetches = matches!(scope, Scope::Action(action) if action.fetches);
    let start = wire::Start { id: 0, choices, timeout_ms: None, grace_ms: GRACE_MS, secrets: Vec::new() };
    let kind = if fetches { Kind::Fetch } else { Kind::Check };
    Some(Shell { job: Job { name: first.name.clone(), kind, start, services: Vec::new() }, disputed })
}

/// What several choices have, as one; and the variables for which they want two values.
fn shared(choices: impl Iterator<Item = wire::Choice>, cwd: String) -> (Vec<wire::Choice>, BTreeSet<String>) {
    let mut env: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut path: Vec<String> = Vec::new();
    let mut disputed = BTreeSet::new();
    for choice in choices {
        for folder in choice.path {
            if !path.contains(&folder) {
                path.push(folder);
            }
        }
        for (name, value) in choice.env {
            if env.get(&name).is_some_and(|known| *known != value) {
                disputed.insert(name.clone());
            }
            env.insert(name, value);
        }
    }
    env.retain(|name, _| !disputed.contains(name));
    (vec![wire::Choice { when: None, steps: Vec::new(), cwd, env, path }], disputed)
}

#[cfg(test)]
mod tests;
