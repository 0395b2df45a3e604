//! `dwf shell`: a shell, or one program, in the very environment of the actions.
//!
//! Invariant: how a place looks is lowered as for an action, never described here a second time.

mod attach;
mod container;
mod host;
mod scope;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::Context;
use super::ask::{Answered, Ground};
use super::gate::{Place, ask_and_find};
use crate::cli::shell::Shell as Args;
use crate::error::Error;
use crate::lower::Scope;
use crate::plan::Plan;
use crate::trust::check_owner;
use scope::Named;

/// What the environment is made from.
struct Room<'a> {
    ground: &'a Ground,
    answered: &'a Answered,
    plan: &'a Plan,
    scope: Scope<'a>,
    /// A program and its arguments; a shell where there is none.
    program: &'a [String],
}

/// Gives the exit code of the shell, or of the program.
pub(super) async fn run(context: &mut Context<'_>, args: &Args) -> Result<u8, Error> {
    let ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let named = Named::parse(args.scope.as_deref())?;
    let (answered, place) = ask_and_find(context, &ground, &named.request(), None).await?;
    answered.tell(context);
    let plan = answered.plan(&ground.project)?;
    let scope = named.find(&plan)?;
    let room = Room { ground: &ground, answered: &answered, plan: &plan, scope, program: &args.program };
    match place {
        Place::Container(engine, seen) => container::run(context, &room, &engine, seen).await,
        Place::Host(_) => host::run(context, &room).await,
        // A shell asks for no decision that nothing has to run.
        Place::Nowhere => Err(scope::ScopeError::Empty.into()),
    }
}

/// Says which variables a shell has not, because it is for several actions.
fn tell(context: &mut Context<'_>, disputed: &BTreeSet<String>) {
    if !disputed.is_empty() {
        let names = disputed.iter().cloned().collect::<Vec<_>>().join(", ");
        let why = "not set, because actions set it differently; name one: dwf shell COMMAND";
        context.reporter.note(&format!("note: {names}: {why}"));
    }
}

/// The code of a program, as a shell has it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_a_shell() {
        for (raw, expected) in [(0, 0), (7 << 8, 7), (255 << 8, 255), (9, 137), (2, 130)] {
            assert_eq!(code(ExitStatus::from_raw(raw)), expected, "{raw}");
        }
    }
}
