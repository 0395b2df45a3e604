//! `dwf image build`: makes the image be there.

use super::found::Found;
use crate::cli;
use crate::command::Context;
use crate::command::stage::print_failed;
use crate::error::Error;

pub(super) async fn run(context: &mut Context<'_>, args: &cli::image::Build) -> Result<bool, Error> {
    let found = Found::new(context).await?;
    let _reaper = found.reaper(context.world)?;
    let mut images = found.images(context);
    let ready = match args.force {
        true => images.build().await?,
        false => images.ensure().await?,
    };
    context.reporter.result(&format!("{}\n{}\n", ready.name, ready.image.id)).map_err(print_failed)?;
    Ok(true)
}
