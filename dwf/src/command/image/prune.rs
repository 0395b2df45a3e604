//! `dwf image prune`: removes images that nothing needs.

use crate::cli;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _args: &cli::image::Prune) -> Result<bool, Error> {
    Ok(false)
}
