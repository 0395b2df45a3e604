//! `dwf fingerprint`: the identity of the project's image.

use std::fmt::Write;

use super::Context;
use super::ask::Ground;
use crate::error::Error;
use crate::query::Request;

pub(super) async fn run(context: &mut Context<'_>, explain: bool) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    // What is asked for does not matter: the identity is the whole project's.
    let nothing = Request::Commands(Vec::new(), Vec::new());
    let answered = context.signals.unless(ground.ask(context.world, &nothing, false)).await??;
    answered.tell(context);
    let mut text = format!("{}\n", answered.fingerprint.hex);
    if explain {
        for record in &answered.fingerprint.records {
            let _ = writeln!(text, "{record}");
        }
    }
    context.reporter.result(&text).map_err(super::stage::print_failed)?;
    Ok(true)
}
