//! A program that outlives dwf when dwf is killed.
//!
//! Invariant: dropping it tells it nothing but the end of its input, so that whatever ends dwf has the same effect.

use std::io::Write;
use std::process::Child;
use std::time::Duration;

/// How long one that was told to end is waited for, so that nothing is left when dwf ends; then it ends alone.
const PATIENCE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(1);

/// A child in a session of its own, with one pipe from dwf.
#[derive(Debug)]
pub struct Survivor {
    child: Child,
}

impl Survivor {
    pub(super) fn new(child: Child) -> Self {
        Self { child }
    }

    /// Says the last word, and waits for it to end.
    pub fn dismiss(mut self, word: &str) {
        if let Some(mut stdin) = self.child.stdin.take() {
            // One that has ended hears nothing, and need not.
            let _ = stdin.write_all(word.as_bytes());
        }
        let mut waited = Duration::ZERO;
        while waited < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(AGAIN);
            waited += AGAIN;
        }
    }
}
