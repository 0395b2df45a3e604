//! `dwf ext sync`: what the lock pins is brought into the store.

use crate::cli::ext::Sync;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Sync) -> Result<bool, Error> {
    Ok(false)
}
