//! The order that follows from what actions make and read, and the absence of cycles.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobMatcher};

use super::error::PlanError;
use super::model::Action;
use super::origin::{Origin, Origins, Part};
use crate::name::FullName;

/// Puts an action that makes a file after none, and one that says it reads that file after it.
pub(super) fn make_before_read(actions: &mut [Action], notes: &mut Vec<String>, origins: &mut Origins) {
    let mut found = Vec::new();
    for (reader, action) in actions.iter().enumerate() {
        let Some(inputs) = &action.inputs else { continue };
        let globs: Vec<GlobMatcher> = inputs
            .files
            .iter()
            .filter_map(|glob| {
                Some(GlobBuilder::new(glob).literal_separator(true).build().ok()?.compile_matcher())
            })
            .collect();
        for (maker, other) in actions.iter().enumerate() {
            let made =
                other.outputs.iter().filter(|output| output.cache.is_none()).filter_map(|o| o.path.as_ref());
            let read = |path: &str| {
                globs.iter().any(|glob| glob.is_match(path) || glob.is_match(format!("{path}/x")))
            };
            if maker != reader
                && other.name.member == action.name.member
                && made.into_iter().any(|path| read(path.as_str()))
            {
                found.push((maker, reader));
            }
        }
    }
    for (maker, reader) in found {
        if reaches(actions, reader, maker) || reaches(actions, maker, reader) {
            continue;
        }
        let name = actions[maker].name.clone();
        notes.push(format!("{} runs after {name}, which makes what it reads", actions[reader].name));
        origins.about(&actions[reader].name).set(Part::After(name.clone()), Origin::Order);
        actions[reader].after.push(name);
    }
}

fn edges(action: &Action) -> impl Iterator<Item = &FullName> {
    action.needs.iter().chain(&action.after)
}

/// Whether `to` comes before `from` by the edges that are there.
fn reaches(actions: &[Action], to: usize, from: usize) -> bool {
    let by_name: BTreeMap<&FullName, usize> = actions.iter().enumerate().map(|(i, a)| (&a.name, i)).collect();
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            open.extend(edges(&actions[next]).filter_map(|name| by_name.get(name).copied()));
        }
    }
    false
}

/// Refuses actions that wait for each other, and says which.
pub(super) fn no_cycle(actions: &[Action]) -> Result<(), PlanError> {
    // Takes away what waits for nothing until only cycles, and what waits for them, are left.
    let mut left: BTreeMap<&FullName, BTreeSet<&FullName>> =
        actions.iter().map(|action| (&action.name, edges(action).collect())).collect();
    loop {
        let free: Vec<&FullName> = left.iter().filter(|(_, w)| w.is_empty()).map(|(name, _)| *name).collect();
        if free.is_empty() {
            break;
        }
        for name in &free {
            left.remove(name);
        }
        for waits in left.values_mut() {
            waits.retain(|name| !free.contains(name));
        }
    }
    let Some(start) = left.keys().next().copied() else { return Ok(()) };
    let mut path = vec![start];
    loop {
        let here = path[path.len() - 1];
        let Some(next) = left.get(here).and_then(|waits| waits.iter().find(|name| left.contains_key(**name)))
        else {
            return Ok(());
        };
        if let Some(at) = path.iter().position(|name| name == next) {
            let mut cycle: Vec<FullName> = path[at..].iter().map(|name| (*name).clone()).collect();
            cycle.push((*next).clone());
            return Err(PlanError::Cycle(cycle));
        }
        path.push(next);
    }
}
