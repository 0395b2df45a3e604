//! `dwf image dockerfile`: the Dockerfile of the composed image.

use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::composed::composed;
use crate::error::{Error, Exit, Explain};
use crate::query::Request;

/// There is nothing to compose an image of.
#[derive(Debug, thiserror::Error)]
#[error("no stack of this project says what an image for it needs")]
struct NothingError;

impl Explain for NothingError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("name a base to begin with: base = \"debian:bookworm-slim\" in [image]".to_owned())
    }
}

pub(super) async fn run(context: &mut Context<'_>) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let nothing = Request::Commands(Vec::new(), Vec::new());
    let answered = context.signals.unless(ground.ask(context.world, &nothing, false)).await??;
    answered.tell(context);
    // Also where the project has a Dockerfile: this is what it would be without.
    let composed = composed(&ground.project, &answered.asked.answers)?.ok_or(NothingError)?;
    context.reporter.result(&composed.text).map_err(crate::command::stage::print_failed)?;
    Ok(true)
}
