//! What can go wrong with caches as a whole.

use crate::cache::Stuck;
use crate::error::{Exit, Explain, printable};

/// The thread that did the work is gone.
#[derive(Debug, thiserror::Error)]
#[error("looking at the caches broke off")]
pub(super) struct Lost(#[source] pub(super) tokio::task::JoinError);

impl Explain for Lost {
    fn exit(&self) -> Exit {
        Exit::Bug
    }
}

/// Some of what was to go is still there.
#[derive(Debug, thiserror::Error)]
#[error("{} of what was to be removed could not be", count(.0.len()))]
pub(super) struct Left(pub(super) Vec<String>);

impl Explain for Left {
    fn exit(&self) -> Exit {
        Exit::Machine
    }

    fn detail(&self) -> Option<String> {
        Some(self.0.iter().map(|line| format!("  {}", printable(line, 400))).collect::<Vec<_>>().join("\n"))
    }

    fn hint(&self) -> Option<String> {
        Some(
            "no run uses any of it again; what is in a folder `trash` is tried again by the next prune"
                .to_owned(),
        )
    }
}

fn count(count: usize) -> String {
    match count {
        1 => "a part".to_owned(),
        count => format!("{count} parts"),
    }
}

/// One line about something that stays.
pub(super) fn line(stuck: &Stuck) -> String {
    format!("{}: {}", stuck.path.display(), stuck.trouble)
}
