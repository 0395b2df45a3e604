//! The folder for copy-on-write layers of one run.

use std::path::{Path, PathBuf};

use crate::estate::remove_layers;

/// A folder that goes away with the run.
pub(in crate::command) struct Scratch(PathBuf);

impl Scratch {
    /// The folder; it need not exist yet, or ever.
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    pub(in crate::command) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove_layers(&self.0);
    }
}
