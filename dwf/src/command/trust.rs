//! `dwf trust`: consent to what this project asks for.

use std::collections::BTreeSet;

use devflow_protocol::name::ExtensionName;

use super::Context;
use super::ask::Ground;
use crate::discover::Found;
use crate::error::Error;
use crate::launch::Launcher;
use crate::trust::check_owner;

pub(super) async fn run(context: &mut Context<'_>) -> Result<bool, Error> {
    let mut ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let root = ground.project.root.display();
    context.reporter.note(&format!("trusted: {root}, as it is configured now"));
    if let Some(profile) = ground.project.config.file.runtime.profile {
        context.reporter.note(&format!("  its profile may be {profile}"));
    }
    ground.record.give()?;
    let launcher = ground.launcher(context.world)?;
    for name in named(&ground) {
        // What is not there, or not what is pinned, is an error of the command that needs it.
        let Ok(found) = ground.places(context.world).find(&name) else { continue };
        match launcher.identify(&found).await {
            Err(_) if found.pin.is_some() => {}
            identity => {
                agree(context, &mut ground, found, identity?)?;
            }
        }
    }
    Ok(true)
}

/// Consents to one extension, if it takes consent; tells so.
pub(super) async fn consent(
    context: &mut Context<'_>,
    ground: &mut Ground,
    launcher: &Launcher,
    found: Found,
) -> Result<bool, Error> {
    let identity = launcher.identify(&found).await?;
    agree(context, ground, found, identity)
}

fn agree(
    context: &mut Context<'_>,
    ground: &mut Ground,
    found: Found,
    identity: Option<String>,
) -> Result<bool, Error> {
    let Some(sha256) = identity else { return Ok(false) };
    ground.record.allow(&sha256)?;
    let path = found.path.strip_prefix(&ground.project.root).unwrap_or(&found.path);
    context.reporter.note(&format!("  extension {} may be started: {}", found.name, path.display()));
    context.reporter.note(&format!("  while its sha256 is {sha256}"));
    Ok(true)
}

/// Every extension that the project speaks of.
fn named(ground: &Ground) -> BTreeSet<ExtensionName> {
    let project = &ground.project;
    let sections = project.config.file.extensions.keys().map(|name| name.get_ref().clone());
    let members = project.members.iter().flat_map(|member| member.stacks.iter().flatten().cloned());
    sections.chain(members).chain(project.stacks().into_iter().flatten()).collect()
}
