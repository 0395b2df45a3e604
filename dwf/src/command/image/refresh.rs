//! `dwf image refresh`: pins the base images anew.

use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>) -> Result<bool, Error> {
    Ok(false)
}
