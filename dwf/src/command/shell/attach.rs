//! A program at dwf's own terminal or streams, until it ends or a signal ends it.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use devflow_oci::Invocation;
use nix::sys::signal::Signal;
use tokio::time::timeout;

use crate::command::Context;
use crate::error::{Error, Explain};
use crate::process::{self, Process, Streams, Terminal};
use crate::session::{SessionError, Target, remove_until_gone, stop};
use crate::signals::Interrupted;
use crate::world::World;

/// How long a program that was told to end has.
const GRACE: Duration = Duration::from_secs(2);

/// Why there is no exit code.
pub(super) enum Unended {
    /// It did not start.
    NotStarted(io::Error),
    /// dwf had to end it, or could not.
    Stopped(Error),
}

impl<E: Explain> From<E> for Unended {
    fn from(error: E) -> Self {
        Self::Stopped(error.into())
    }
}

/// Runs it to its end. `target` is its container, when it has one: that is gone afterwards, too.
pub(super) async fn attach(
    invocation: &Invocation,
    target: Option<&Target>,
    context: &mut Context<'_>,
) -> Result<ExitStatus, Unended> {
    let world = context.world;
    // Who may read from a terminal is decided by groups.
    let terminal = Terminal::of_input();
    let streams = if terminal.is_some() { Streams::Foreground } else { Streams::Inherited };
    tracing::debug!(target: "devflow::engine", "\n{invocation}");
    let mut process = process::spawn(invocation, &world.env, streams).map_err(Unended::NotStarted)?;
    let status = loop {
        tokio::select! {
            biased;
            status = process.wait() => break status.map_err(Unended::NotStarted)?,
            number = context.signals.next() => {
                if !is_programs(number, world.interactive) {
                    let ended = end(&mut process, target, world).await;
                    drop(terminal);
                    ended?;
                    return Err(Interrupted(number).into());
                }
            }
        }
    };
    drop(terminal);
    if let (None, Some(target)) = (status.code(), target) {
        // A client that was killed has left its container alone.
        remove_until_gone(target, world).await?;
    }
    // What was typed for the program is not for dwf.
    while let Err(Interrupted(number)) = context.signals.none().await {
        if !is_programs(number, world.interactive) {
            return Err(Interrupted(number).into());
        }
    }
    Ok(status)
}

/// Whether a signal is one that a terminal sends to whatever runs there, which then has it already.
fn is_programs(number: i32, interactive: bool) -> bool {
    interactive && [Signal::SIGINT as i32, Signal::SIGQUIT as i32].contains(&number)
}

async fn end(process: &mut Process, target: Option<&Target>, world: &World) -> Result<(), SessionError> {
    if target.is_some() {
        return stop(process, target, GRACE, world).await;
    }
    // A shell that somebody types into ignores SIGTERM; this one it passes on to what it started.
    process.signal(Signal::SIGHUP);
    process.signal(Signal::SIGTERM);
    if timeout(GRACE, process.wait()).await.is_err() {
        process.signal(Signal::SIGKILL);
        let _ = timeout(GRACE, process.wait()).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_the_programs() {
        for (signal, interactive, programs) in [
            (Signal::SIGINT, true, true),
            (Signal::SIGQUIT, true, true),
            (Signal::SIGINT, false, false),
            (Signal::SIGQUIT, false, false),
            (Signal::SIGTERM, true, false),
            (Signal::SIGHUP, true, false),
        ] {
            assert_eq!(is_programs(signal as i32, interactive), programs, "{signal} {interactive}");
        }
    }
}
