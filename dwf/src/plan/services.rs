//! Which actions need which services.

use std::collections::BTreeSet;

use super::error::PlanError;
use super::model::{Action, READY_S, Service};
use super::select::Catalog;
use crate::config::{Loaded, ServiceSection};
use crate::name::FullName;

/// The services that devflow.toml says an action needs, by name.
pub(super) fn of_action(
    catalog: &Catalog<'_>,
    name: &FullName,
    fetches: bool,
) -> Result<Vec<String>, PlanError> {
    let sections = catalog.own(name).into_iter().chain(catalog.more(name));
    let wanted: Vec<_> = sections.flat_map(|section| &section.services).collect();
    if let (true, Some(first)) = (fetches, wanted.first()) {
        let message = format!("{name} fetches, and services are for actions that do not");
        return Err(catalog.at(first, message, None));
    }
    let names: BTreeSet<&String> = wanted.into_iter().map(|name| name.get_ref()).collect();
    Ok(names.into_iter().cloned().collect())
}

/// What the actions of a plan need beside them.
pub(super) fn of_plan(config: &Loaded, actions: &[Action]) -> Vec<Service> {
    let wanted: BTreeSet<&String> = actions.iter().flat_map(|action| &action.services).collect();
    let known = config.file.services.iter().filter(|(name, _)| wanted.contains(name.get_ref()));
    let mut services: Vec<Service> = known.map(|(name, section)| service(name.get_ref(), section)).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services
}

fn service(name: &str, section: &ServiceSection) -> Service {
    Service {
        name: name.to_owned(),
        image: section.image.get_ref().clone(),
        command: section.command.as_ref().map(|words| words.get_ref().clone()),
        env: section.env.clone(),
        ready: section.ready.as_ref().map(|words| words.get_ref().clone()),
        ready_timeout_s: section.ready_timeout.unwrap_or(READY_S),
    }
}
