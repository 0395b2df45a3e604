//! Ending a container so that it is gone.
//!
//! The engine's client proves nothing by dying: its container may run on, or be about to be made.
//! So the client is asked first, the container is ended by name until the client has left, and then
//! looked for until two looks in a row find nothing.

use std::time::Duration;

use devflow_oci::lifecycle::{self, Filter};
use devflow_oci::{Engine, Invocation};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep, timeout};

use super::SessionError;
use crate::engine::run;
use crate::process::Process;
use crate::world::World;

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// For one call of the client.
const CALL: Duration = Duration::from_secs(10);
/// For the whole; afterwards the engine is broken.
const WHOLE: Duration = Duration::from_secs(30);

/// A container, by name.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its engine.
    pub engine: Engine,
    /// Its name.
    pub name: String,
}

/// Ends a client and its container; the client has `grace` to end by itself.
pub async fn stop(
    process: &mut Process,
    target: Option<&Target>,
    grace: Duration,
    world: &World,
) -> Result<(), SessionError> {
    process.signal(Signal::SIGTERM);
    if timeout(grace, process.wait()).await.is_err() {
        match target {
            Some(target) => kill_until_gone(process, target, world).await,
            None => process.signal(Signal::SIGKILL),
        }
    }
    match target {
        Some(target) => remove_until_gone(target, world).await,
        None => Ok(()),
    }
}

async fn kill_until_gone(process: &mut Process, target: &Target, world: &World) {
    let give_up = Instant::now() + WHOLE;
    while Instant::now() < give_up {
        // The client may still be about to make its container: it is not killed before.
        let _ = run(&lifecycle::kill(&target.engine, &target.name, "KILL"), world, CALL).await;
        if timeout(AGAIN, process.wait()).await.is_ok() {
            return;
        }
    }
    process.signal(Signal::SIGKILL);
}

/// Removes a container until two looks in a row find none of its name.
pub async fn remove_until_gone(target: &Target, world: &World) -> Result<(), SessionError> {
    let give_up = Instant::now() + WHOLE;
    let remove = lifecycle::remove(&target.engine, &target.name);
    let mut absent = 0;
    while absent < 2 {
        if Instant::now() > give_up {
            return Err(SessionError::Left { name: target.name.clone(), remove: remove.to_string() });
        }
        match is_there(target, world).await {
            Some(false) => absent += 1,
            Some(true) | None => {
                absent = 0;
                let _ = run(&remove, world, CALL).await;
            }
        }
        sleep(LOOK).await;
    }
    Ok(())
}

async fn is_there(target: &Target, world: &World) -> Option<bool> {
    let filter = Filter::NamePrefix(target.name.clone());
    let question: Invocation = lifecycle::list(&target.engine, &filter, &[]);
    let said = run(&question, world, CALL).await.ok().filter(|said| said.status.success())?;
    let found = lifecycle::parse_list(&target.engine, &said.stdout, &filter, &[]).ok()?;
    Some(found.iter().any(|listed| listed.name == target.name))
}
