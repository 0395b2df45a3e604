//! The reaper: dwf once more, in a session of its own, which removes what a run left when dwf was killed.
//!
//! Invariant: it holds nothing of dwf's but one pipe. When that ends without the last word, dwf is gone; with it, the
//! reaper is.

use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use devflow_oci::Invocation;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::task::LocalSet;

use crate::estate::{Estate, Record, containers, sweep_is_due};
use crate::owner::{Life, MARK, Owner};
use crate::process::{Survivor, spawn_survivor};
use crate::session::{Target, remove_until_gone};
use crate::signals::Signals;
use crate::world::World;

/// The word that makes a reaper of dwf.
pub const WORD: &str = "__reap";
/// Said by a dwf that has removed everything itself.
const BYE: &str = "bye\n";

/// The reaper of this run.
#[derive(Debug)]
pub struct Reaper {
    survivor: Option<Survivor>,
    record: Option<Record>,
}

impl Reaper {
    /// Starts it, without waiting for it. A run without a reaper is better than none: its containers still end with their
    /// input, and the next start or `dwf down` removes the rest.
    pub fn start(estate: Estate, world: &World) -> Self {
        let survivor = serde_json::to_string(&estate).map_err(io::Error::from).and_then(|text| {
            let line = Invocation::new(&world.exe).args([WORD.to_owned(), text]);
            // Whatever carries the mark is what a reaper ends.
            spawn_survivor(&line.without_env(MARK).cwd("/"), &world.env)
        });
        let survivor = survivor.map_err(|error| {
            tracing::warn!(target: "devflow", "nobody will remove this run's containers if dwf is killed: {error}");
        });
        let record = Record::of(estate, world).ok();
        if let Some(Err(error)) = record.as_ref().map(Record::write) {
            tracing::debug!(target: "devflow", "the run is not written down: {error}");
        }
        Self { survivor: survivor.ok(), record }
    }

    /// Leaves the rest to it, because dwf does not wait any longer.
    pub fn take_over(mut self) {
        (self.survivor, self.record) = (None, None);
    }
}

impl Drop for Reaper {
    /// Everything is gone; but not when this is a panic.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Some(survivor) = self.survivor.take() {
            survivor.dismiss(BYE);
        }
        if let Some(record) = self.record.take() {
            record.remove();
        }
    }
}

/// Is the reaper: `dwf __reap ESTATE`, with the pipe as its standard input.
pub fn serve(world: &World) -> ExitCode {
    let estate = world.args.get(2).and_then(|text| serde_json::from_str(text.to_str()?).ok());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (Some(estate), Ok(runtime)) = (estate, runtime) else { return ExitCode::FAILURE };
    match runtime.block_on(LocalSet::new().run_until(reap(estate, world))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn reap(estate: Estate, world: &World) -> io::Result<()> {
    // Heard by nobody: what ends dwf must not end this.
    let _deaf = Signals::listen();
    let mut input = pipe::Receiver::from_owned_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut last = String::new();
    tokio::select! {
        biased;
        _ = input.read_to_string(&mut last) => {}
        never = async { sweep(&estate, world).await; std::future::pending().await } => return never,
    }
    if last == BYE || !estate.settle(world).await {
        return Ok(());
    }
    if let Ok(record) = Record::of(estate, world) {
        record.remove();
    }
    Ok(())
}

/// Removes what dead owners left, while there is nothing else to do.
async fn sweep(own: &Estate, world: &World) {
    let is_dead = |owner: Option<Owner>| owner.is_some_and(|owner| owner.life() == Life::Dead);
    for record in Record::all(world) {
        if is_dead(record.estate.owner()) && record.estate.settle(world).await {
            record.remove();
        }
    }
    if !sweep_is_due(own.kind, world) {
        return;
    }
    let engine = own.engine();
    for found in containers(&engine, world).await.into_iter().flatten() {
        if is_dead(found.owner.and_then(|owner| owner.parse().ok())) {
            // The next sweep tries again.
            let _ = remove_until_gone(&Target { engine: engine.clone(), name: found.name }, world).await;
        }
    }
}
