//! `dwf ext info`: all about one extension.

use crate::cli::ext::Info;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Info) -> Result<bool, Error> {
    Ok(false)
}
