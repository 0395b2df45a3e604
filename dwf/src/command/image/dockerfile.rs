//! `dwf image dockerfile`: the Dockerfile of the composed image.

use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>) -> Result<bool, Error> {
    Ok(false)
}
