//! `dwf image list`: the images of this project.

use crate::cli;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _args: &cli::image::List) -> Result<bool, Error> {
    Ok(false)
}
