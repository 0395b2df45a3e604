//! `dwf image pull`: gets the image from its registry.

use super::found::Found;
use crate::command::Context;
use crate::command::stage::print_failed;
use crate::error::Error;

pub(super) async fn run(context: &mut Context<'_>) -> Result<bool, Error> {
    let found = Found::new(context).await?;
    let _reaper = found.reaper(context.world)?;
    let ready = found.images(context).pull().await?;
    context.reporter.result(&format!("{}\n{}\n", ready.name, ready.image.id)).map_err(print_failed)?;
    Ok(true)
}
