//! `dwf ext update`: a pin is moved, after a look at how the answers change.

use crate::cli::ext::Update;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Update) -> Result<bool, Error> {
    Ok(false)
}
