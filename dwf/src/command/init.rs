//! `dwf init`: writes what a project needs to be verified.

use super::Context;
use crate::cli;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _args: &cli::Init) -> Result<bool, Error> {
    Ok(false)
}
