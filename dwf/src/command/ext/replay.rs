//! `dwf ext replay`: a recorded conversation answers in the place of its extension.

use crate::cli::ext::Replay;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Replay) -> Result<bool, Error> {
    Ok(false)
}
