//! `dwf ext pin`: exactly which bytes are an extension.

use crate::cli::ext::Pin;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Pin) -> Result<bool, Error> {
    Ok(false)
}
