//! `dwf image push`: sends the image to its registry.

use super::found::Found;
use crate::command::Context;
use crate::command::stage::print_failed;
use crate::error::Error;

pub(super) async fn run(context: &mut Context<'_>) -> Result<bool, Error> {
    let found = Found::new(context).await?;
    let _reaper = found.reaper(context.world)?;
    let (name, digest) = found.images(context).push().await?;
    let digest = digest.map(|digest| format!("{digest}\n")).unwrap_or_default();
    context.reporter.result(&format!("{name}\n{digest}")).map_err(print_failed)?;
    Ok(true)
}
