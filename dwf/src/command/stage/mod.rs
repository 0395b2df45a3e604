//! Staging: a plan becomes jobs and the place they run in.

mod container;
mod host;
mod prepared;
mod scratch;

pub(super) use container::stage as container;
pub(super) use host::stage as host;

pub(super) use prepared::{owner, owner_of, passed_variables, selinux_enforces};
pub(super) use scratch::Scratch;
use tokio::sync::mpsc;

use super::skipping::Whereabouts;
use crate::error::{Exit, Explain};
use crate::lower::Job;
use crate::session::{Backend, Message, Sender};

/// Messages between the sessions and the executor; a session that says more has to wait.
const INBOX: usize = 64;

/// Everything a run needs.
pub(super) struct Stage<'a> {
    pub(super) jobs: Vec<Job>,
    pub(super) backend: Backend<'a>,
    pub(super) inbox: mpsc::Receiver<Message>,
    /// Where they run.
    pub(super) place: Whereabouts,
    /// What is to be removed when the run is over.
    pub(super) scratch: Option<Scratch>,
}

fn channel() -> (Sender, mpsc::Receiver<Message>) {
    mpsc::channel(INBOX)
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
