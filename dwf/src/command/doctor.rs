//! `dwf doctor`: whether this machine has what dwf needs.

use super::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _json: bool) -> Result<bool, Error> {
    Ok(false)
}
