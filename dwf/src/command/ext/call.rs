//! `dwf ext call`: one request, sent the way dwf sends it.

use crate::cli::ext::Call;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Call) -> Result<bool, Error> {
    Ok(false)
}
