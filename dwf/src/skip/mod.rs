//! What need not run again: an action whose latest run here succeeded, when nothing that it depends on is another.
//!
//! Invariant: what is not known for certain runs. An earlier success is forgotten before its action starts again, and
//! content decides, never a time.

mod decide;
mod inputs;
mod key;
mod ledger;
mod outputs;
mod record;
mod store;
mod survey;

use std::path::PathBuf;

use crate::error::{Exit, Explain};

pub use key::{Environment, Seen};
pub use ledger::Ledger;
pub use outputs::CacheFolders;
pub use store::{KnownImage, Store};
pub use survey::Survey;

/// An earlier success cannot be forgotten, so a failure now would later be taken for one.
#[derive(Debug, thiserror::Error)]
#[error("what is known of an earlier run cannot be replaced in {}", .path.display())]
pub struct SkipError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Explain for SkipError {
    fn exit(&self) -> Exit {
        Exit::Machine
    }

    fn hint(&self) -> Option<String> {
        Some(format!("make {} writable, or remove it", self.path.display()))
    }
}
