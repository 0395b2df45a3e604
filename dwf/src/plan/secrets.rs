//! Which actions may see which secret; the plan knows no value.
//!
//! Invariant: only actions that download see one.

use std::collections::BTreeSet;

use serde::Serialize;

use super::error::PlanError;
use super::model::Action;
use super::select::Catalog;
use crate::config::SecretSection;
use crate::name::FullName;

/// A secret that some action of the plan may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Where the actions look for it.
    pub target: Target,
    /// Whether nothing runs without it.
    pub required: bool,
    /// Who may see it.
    pub actions: Vec<FullName>,
}

/// Where actions look for a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A file below the home directory: `~/…`.
    File(String),
    /// A variable.
    Env(String),
    /// The user's SSH agent.
    SshAgent,
}

/// The secrets of a plan, by name.
pub(super) fn secrets(catalog: &Catalog<'_>, actions: &[Action]) -> Result<Vec<Secret>, PlanError> {
    let mut out = Vec::new();
    for (name, section) in catalog.secrets() {
        let actions = seen_by(catalog, section, actions)?;
        let Some(target) = target(section).filter(|_| !actions.is_empty()) else { continue };
        out.push(Secret { name: name.get_ref().clone(), target, required: section.required, actions });
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

fn target(section: &SecretSection) -> Option<Target> {
    let file = section.file.as_ref().map(|file| Target::File(file.get_ref().clone()));
    let env = section.env.as_ref().map(|env| Target::Env(env.get_ref().clone()));
    file.or(env).or(section.ssh_agent.as_ref().map(|_| Target::SshAgent))
}

fn seen_by(
    catalog: &Catalog<'_>,
    section: &SecretSection,
    actions: &[Action],
) -> Result<Vec<FullName>, PlanError> {
    if section.commands.is_empty() {
        return Ok(actions
            .iter()
            .filter(|action| action.fetches)
            .map(|action| action.name.clone())
            .collect());
    }
    let mut out = BTreeSet::new();
    for command in &section.commands {
        let names = catalog.spanned(command)?;
        for action in actions.iter().filter(|action| names.contains(&action.name)) {
            if !action.fetches {
                let message =
                    format!("{} does not download, and only what does may see a secret", action.name);
                return Err(catalog.at(command, message, None));
            }
            out.insert(action.name.clone());
        }
    }
    Ok(out.into_iter().collect())
}
