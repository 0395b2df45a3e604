//! Which files the outcome of an action depends on.
//!
//! Invariant: pure; rather too much than too little.

use devflow_oci::fingerprint::{Inputs, literal};
use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use crate::plan::{Action, Plan};

/// dwf's own files at the root; what they say is in the plan.
const OURS: [&str; 2] = [crate::config::FILE, crate::lock::FILE];

/// The input files of an action.
///
/// Where nobody says, they are all files of the project that git would not ignore, but those that are in a member of
/// other stacks only: what lies around the members is shared, and members of one stack may use each other by a path.
pub(super) fn of(plan: &Plan, action: &Action, members: &[(RelPath, ExtensionName)], cache: &str) -> Inputs {
    let member = &action.name.member;
    let below = |glob: &String| match member.is_here() {
        true => glob.clone(),
        false => format!("{}/{glob}", literal(member.as_str())),
    };
    let mut exclude = vec![literal(cache)];
    let made = made(plan, action).into_iter().map(|path| literal(path.as_str()));
    let patterns = match &action.inputs {
        Some(inputs) => {
            exclude.extend(inputs.exclude.iter().map(below));
            inputs.files.iter().map(below).collect()
        }
        None => {
            exclude.extend(others(action, members).map(|dir| literal(dir.as_str())));
            if !member.is_here() {
                exclude.extend(OURS.map(literal));
            }
            vec!["**".to_owned()]
        }
    };
    exclude.extend(made);
    exclude.sort();
    exclude.dedup();
    Inputs { patterns, exclude, ..Inputs::default() }
}

/// The folders of members that have no stack of this action's, and neither hold it nor are held by it.
fn others<'a>(
    action: &'a Action,
    members: &'a [(RelPath, ExtensionName)],
) -> impl Iterator<Item = &'a RelPath> {
    let own = &action.name.member;
    let same = |dir: &RelPath| {
        let Some(stack) = &action.name.stack else { return true };
        members.iter().any(|(other, its)| its == stack && (other == dir || holds(dir, other)))
    };
    members.iter().map(|(dir, _)| dir).filter(move |dir| !holds(dir, own) && !holds(own, dir) && !same(dir))
}

fn holds(dir: &RelPath, other: &RelPath) -> bool {
    dir.is_here()
        || dir == other
        || other.as_str().strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

/// What this action and those that it needs make in the workspace: products are compared as such.
fn made(plan: &Plan, action: &Action) -> Vec<RelPath> {
    let mut found = Vec::new();
    let mut open = vec![&action.name];
    let mut seen = Vec::new();
    while let Some(name) = open.pop() {
        let Some(action) = plan.actions.iter().find(|action| action.name == *name) else { continue };
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        open.extend(&action.needs);
        let paths = action.outputs.iter().filter(|output| output.cache.is_none());
        let paths = paths.filter_map(|output| output.path.as_ref()).filter(|path| !path.is_here());
        found.extend(paths.map(|path| path.below(&action.name.member)));
    }
    found
}
