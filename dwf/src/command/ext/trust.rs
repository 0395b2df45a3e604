//! `dwf ext trust`: consent to one extension that came with the project.

use crate::cli::ext::Trust;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::trust::consent;
use crate::error::Error;
use crate::trust::check_owner;

pub(super) async fn run(context: &mut Context<'_>, options: Trust) -> Result<bool, Error> {
    let mut ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let found = ground.places(context.world).find(&options.name)?;
    context.reporter.note(&format!("trusted for {}:", ground.project.root.display()));
    let launcher = ground.launcher(context.world)?;
    if !consent(context, &mut ground, &launcher, found).await? {
        let text = "  nothing: it did not come with this project, and takes no consent";
        context.reporter.note(text);
    }
    Ok(true)
}
