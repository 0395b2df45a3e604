//! A file that shows a session which folder is meant.
//!
//! Invariant: it was not there before, and it goes with its value.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use super::SessionError;

/// A mark that has been made.
#[derive(Debug)]
pub struct Mark(PathBuf);

impl Mark {
    /// Makes one.
    pub fn make(path: PathBuf) -> Result<Self, SessionError> {
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) => Err(SessionError::Mark(path, error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Who took it away before has done what was to be done.
        let _ = std::fs::remove_file(&self.0);
    }
}
