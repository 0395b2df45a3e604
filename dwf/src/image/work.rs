//! Long calls of an engine's client: pulls, pushes and builds.
//!
//! Invariant: each ends with a signal or a deadline at the latest, leaves no process, and tells that it still runs.

use std::time::Duration;

use devflow_oci::Invocation;
use tokio::time::{Instant, interval_at, sleep};

use crate::engine::run_unless;
use crate::error::Error;
use crate::owner::Owner;
use crate::process::{CaptureError, Captured};
use crate::report::Reporter;
use crate::signals::{Interrupted, Signals};
use crate::world::World;

/// For a pull, a push or a build.
const WORK: Duration = Duration::from_secs(3600);
/// How often the folder of one that was stopped is tried, and the time between.
const REMOVALS: u8 = 30;
const AGAIN: Duration = Duration::from_millis(50);
/// Between two lines about one that still runs.
const NEWS: Duration = Duration::from_secs(30);
/// For one that was stopped to remove what it made.
const TIDY: Duration = Duration::from_secs(10);

/// Who is asked to end when a call has to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tidy {
    /// The client and all it started.
    All,
    /// What the client started.
    Workers,
}

/// Runs a long call; a signal, or too long a time, ends it so that it leaves nothing behind.
pub(super) async fn work(
    invocation: &Invocation,
    what: &str,
    tidy: Tidy,
    world: &World,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<Result<Captured, CaptureError>, Error> {
    // What a client that is killed leaves in its temporary folder goes with this one.
    let temporary = Owner::me().temporary_folder();
    let invocation = match &temporary {
        Ok(folder) => &invocation.clone().env("TMPDIR", folder.path().to_string_lossy()),
        Err(_) => invocation,
    };
    let begun = Instant::now();
    let mut news = interval_at(begun + NEWS, NEWS);
    let stop = async {
        let deadline = sleep(WORK);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                number = signals.next() => break Some(number),
                () = &mut deadline => break None,
                _ = news.tick() => reporter.note(&format!("still {what}, {} s", begun.elapsed().as_secs())),
            }
        }
    };
    let (number, mut process) = match run_unless(invocation, world, stop).await {
        Ok(captured) => return Ok(captured),
        Err(stopped) => stopped,
    };
    let hurry = signals.within(TIDY);
    match tidy {
        Tidy::All => process.end(hurry).await,
        Tidy::Workers => process.end_workers(hurry).await,
    }
    drop(process);
    if let Ok(folder) = &temporary {
        // What was built in may still be mounted for a moment after its client has gone.
        for _ in 0..REMOVALS {
            match std::fs::remove_dir_all(folder.path()) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => sleep(AGAIN).await,
                _ => break,
            }
        }
    }
    match number {
        Some(number) => Err(Interrupted(number).into()),
        None => Ok(Err(CaptureError::Timeout(WORK))),
    }
}
