//! `dwf image scan`: looks for known vulnerabilities.

use crate::cli;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _args: &cli::image::Scan) -> Result<bool, Error> {
    Ok(false)
}
