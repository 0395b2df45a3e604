//! Staging: a plan becomes jobs and the place they run in.

mod checkout;
mod container;
mod environment;
mod host;
mod prepared;
mod private;
mod scratch;
mod services;

pub(super) use container::{Lone, StageError, lone, stage as container};
pub(super) use host::{OnHost, lowered as on_host, stage as host};

pub(super) use environment::{on_host as seen_on_host, passed};
pub(super) use prepared::{estate, owner_of, runner_for, selinux_enforces};
pub(super) use private::{client_config, injected};
pub(super) use scratch::Scratch;

use std::path::Path;
use std::rc::Rc;

use tokio::sync::mpsc;

use super::skipping::Whereabouts;
use crate::cache::Uses;
use crate::error::{Error, Exit, Explain};
use crate::image::Doubt;
use crate::lower::{self, CachePlace, Job, Kind};
use crate::plan::Plan;
use crate::reaper::Reaper;
use crate::report::{Reporter, Source};
use crate::service::Services;
use crate::session::{Backend, Message, Sender};
use crate::signals::Signals;

/// Messages between the sessions and the executor; a session that says more has to wait.
const INBOX: usize = 64;

/// Everything a run needs.
pub(super) struct Stage<'a> {
    pub(super) jobs: Vec<Job>,
    pub(super) backend: Backend<'a>,
    pub(super) services: Services,
    pub(super) inbox: mpsc::Receiver<Message>,
    /// A line about where they run.
    pub(super) about: String,
    /// Where they run.
    pub(super) place: Whereabouts,
    /// What the engine has still to confirm of the image.
    pub(super) doubt: Option<Doubt>,
    /// What is to be removed when the run is over.
    pub(super) scratch: Option<Scratch>,
    /// The caches, in use until the run is over.
    pub(super) uses: Rc<Uses>,
    /// Who removes everything should dwf be killed; the last to go.
    pub(super) reaper: Option<Reaper>,
}

impl Stage<'_> {
    /// Waits until nothing of the image is in doubt, while the session of the first action starts already. False, and
    /// everything has ended, where the image is not what it was taken for.
    pub(super) async fn settle(&mut self, first: Option<Kind>, signals: &mut Signals) -> Result<bool, Error> {
        let Some(doubt) = self.doubt.take() else { return Ok(true) };
        if let Some(kind) = first {
            self.backend.open(kind)?;
        }
        let settled = signals.unless(doubt.settle()).await;
        if matches!(settled, Ok(true)) {
            return Ok(true);
        }
        if let Err(error) = self.backend.kill().await {
            if let Some(reaper) = self.reaper.take() {
                reaper.take_over();
            }
            return Err(error.into());
        }
        settled?;
        Ok(false)
    }
}

fn channel() -> (Sender, mpsc::Receiver<Message>) {
    mpsc::channel(INBOX)
}

/// Tells the reporter where the actions' tools will report; what is there now is an earlier run's.
fn expect_reports(
    reporter: &mut Reporter,
    plan: &Plan,
    caches: &[CachePlace<'_>],
    root: &Path,
    on_host: bool,
) {
    for action in &plan.actions {
        let sources = lower::report_places(plan, action, caches, root, on_host);
        let sources = sources.into_iter().map(|(base, path)| Source::new(base, path)).collect();
        reporter.sources(&action.name, sources);
    }
}

/// A result could not be printed.
#[derive(Debug, thiserror::Error)]
#[error("the result cannot be written")]
pub(super) struct PrintError(#[source] std::io::Error);

impl Explain for PrintError {
    fn exit(&self) -> Exit {
        Exit::Machine
    }
}

pub(super) fn print_failed(error: std::io::Error) -> PrintError {
    PrintError(error)
}
