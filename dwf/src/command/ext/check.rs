//! `dwf ext check`: the conformance kit.

use crate::cli::ext::Check;
use crate::command::Context;
use crate::error::Error;

pub(super) async fn run(_context: &mut Context<'_>, _options: Check) -> Result<bool, Error> {
    Ok(false)
}
