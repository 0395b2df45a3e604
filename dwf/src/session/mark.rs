//! A file that shows a session which folder is meant.
//!
//! Invariant: it was not there before, and it goes with its value.

use std::fs::OpenOptions;
use std::io;
use std::path::PathBuf;

/// A mark that has been made.
#[derive(Debug)]
pub struct Mark(PathBuf);

impl Mark {
    /// Makes one.
    pub fn make(path: PathBuf) -> io::Result<Self> {
        OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Who took it away before has done what was to be done.
        let _ = std::fs::remove_file(&self.0);
    }
}
