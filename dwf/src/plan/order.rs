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

/// Where an action is: a plan's actions are sorted by name.
fn place(actions: &[Action], name: &FullName) -> Option<usize> {
    actions.binary_search_by(|action| action.name.cmp(name)).ok()
}

fn before(actions: &[Action], at: usize) -> impl Iterator<Item = usize> {
    edges(&actions[at]).filter_map(|name| place(actions, name))
}

/// Whether `to` comes before `from` by the edges that are there.
fn reaches(actions: &[Action], to: usize, from: usize) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            open.extend(before(actions, next));
        }
    }
    false
}

/// Refuses actions that wait for each other, and says which. `says` tells whether it was the first one's own extension
/// that said that it needs the second.
pub(super) fn no_cycle(
    actions: &[Action],
    says: impl Fn(&FullName, &FullName) -> bool,
) -> Result<(), PlanError> {
    // Takes away what waits for nothing until only cycles, and what waits for them, are left.
    let mut open: Vec<usize> = (0..actions.len()).map(|at| before(actions, at).count()).collect();
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); actions.len()];
    for at in 0..actions.len() {
        before(actions, at).for_each(|earlier| behind[earlier].push(at));
    }
    let mut free: Vec<usize> = (0..actions.len()).filter(|at| open[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for next in std::mem::take(&mut behind[at]) {
            open[next] -= 1;
            if open[next] == 0 {
                free.push(next);
            }
        }
    }
    let Some(start) = open.iter().position(|count| *count > 0) else { return Ok(()) };
    let (mut path, mut seen) = (vec![start], BTreeMap::from([(start, 0)]));
    while let Some(next) = before(actions, path[path.len() - 1]).find(|at| open[*at] > 0) {
        path.push(next);
        if let Some(first) = seen.insert(next, path.len() - 1) {
            let cycle: Vec<FullName> = path[first..].iter().map(|at| actions[*at].name.clone()).collect();
            let by_extension = cycle.windows(2).all(|pair| says(&pair[0], &pair[1]));
            return Err(PlanError::Cycle { names: cycle, by_extension });
        }
    }
    Ok(())
}
