//! `dwf ext new`: a new extension from a template.

use crate::cli::ext::New;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: New) -> Result<bool, Error> {
    Ok(false)
}
