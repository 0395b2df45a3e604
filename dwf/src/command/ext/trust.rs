//! `dwf ext trust`: consent to one extension that came with the project.

use crate::cli::ext::Trust;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Trust) -> Result<bool, Error> {
    Ok(false)
}
