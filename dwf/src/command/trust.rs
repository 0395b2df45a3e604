//! `dwf trust`: consent to what this project asks for.

use super::Context;
use super::ask::Ground;
use crate::error::Error;
use crate::trust::check_owner;

pub(super) fn run(context: &mut Context<'_>) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    ground.record.give()?;
    let file = &ground.project.config.file;
    let root = ground.project.root.display();
    context.reporter.note(&format!("trusted: {root}, as it is configured now"));
    if let Some(profile) = file.runtime.profile {
        context.reporter.note(&format!("  its profile may be {profile}"));
    }
    for (name, section) in &file.extensions {
        if let Some(path) = &section.path {
            context.reporter.note(&format!(
                "  extension {} may be started: {}",
                name.get_ref(),
                path.get_ref()
            ));
        }
    }
    Ok(true)
}
