//! `dwf image build`: makes the image be there.

use crate::cli;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _args: &cli::image::Build) -> Result<bool, Error> {
    Ok(false)
}
