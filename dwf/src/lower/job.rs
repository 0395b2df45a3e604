//! Actions with every placeholder filled, ready for a runner.

use std::collections::BTreeMap;

use devflow_protocol::template::Template;
use devflow_runner::wire;
use serde::Serialize;

use super::cache::CachePlace;
use super::place::Places;
use crate::name::FullName;
use crate::plan::{Action, Choice, Plan};

/// Milliseconds between asking an action to end and ending it.
pub const GRACE_MS: u64 = 2_000;

/// Which session an action runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// With writable downloads; no code of the project runs here.
    Fetch,
    /// With downloads read-only where they allow it.
    Check,
}

impl Kind {
    /// As it stands in names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Check => "check",
        }
    }
}

/// An action ready to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: FullName,
    /// Where it runs.
    pub kind: Kind,
    /// Services that have to be ready.
    pub services: Vec<String>,
    /// What the runner is told; its id is the action's place in the plan.
    pub start: wire::Start,
}

/// Every action of a plan, in its order.
pub fn jobs(plan: &Plan, places: &Places, caches: &[CachePlace<'_>]) -> Vec<Job> {
    let job = |(id, action): (usize, &Action)| Job {
        name: action.name.clone(),
        kind: if action.fetches { Kind::Fetch } else { Kind::Check },
        services: action.services.clone(),
        start: wire::Start {
            id: u32::try_from(id).unwrap_or(u32::MAX),
            choices: action.choices.iter().map(|choice| fill(plan, action, choice, places, caches)).collect(),
            timeout_ms: Some(action.timeout_s.saturating_mul(1000)),
            grace_ms: GRACE_MS,
            secrets: Vec::new(),
        },
    };
    plan.actions.iter().enumerate().map(job).collect()
}

pub(super) fn fill(
    plan: &Plan,
    action: &Action,
    choice: &Choice,
    places: &Places,
    caches: &[CachePlace<'_>],
) -> wire::Choice {
    let (member, stack) = (&action.name.member, action.name.stack.as_ref());
    let fill = |template: &Template| places.fill(template, member, stack);
    let mut env: BTreeMap<String, Option<String>> = BTreeMap::new();
    if let Some(shared) = plan.stack_of(&action.name) {
        env.extend(shared.env.iter().map(|(name, value)| (name.to_string(), Some(fill(value)))));
        let of_stack = caches.iter().filter(|place| std::ptr::eq(place.stack, shared));
        for place in of_stack {
            env.extend(place.cache.env.iter().map(|name| (name.to_string(), Some(place.seen.clone()))));
        }
    }
    env.extend(choice.env.iter().map(|(name, value)| (name.to_string(), value.as_ref().map(fill))));
    let step = |step: &devflow_protocol::message::Step| wire::Step {
        program: fill(&step.program),
        args: step.args.iter().map(fill).collect(),
    };
    wire::Choice {
        when: choice.when.clone(),
        steps: choice.steps.iter().map(step).collect(),
        cwd: places.folder(&choice.cwd),
        env,
        path: choice.path.iter().map(fill).collect(),
    }
}
