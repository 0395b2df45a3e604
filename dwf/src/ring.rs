//! What a child writes to standard error: always read, the end kept, shown when it matters.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use devflow_protocol::limits::STDERR_RING;
use tokio::process::ChildStderr;

use crate::process::each_piece;

/// The last bytes of a stream that is being read.
#[derive(Debug, Clone, Default)]
pub struct Ring(Rc<RefCell<VecDeque<u8>>>);

impl Ring {
    /// Reads a stream to its end, in the background; must be called inside a local task set.
    pub fn drain(&self, stream: Option<ChildStderr>) {
        let ring = self.clone();
        tokio::task::spawn_local(async move {
            // A stream that fails has nothing more to say.
            let _ = each_piece(stream, |piece| ring.push(piece)).await;
        });
    }

    /// Adds bytes; the oldest give way.
    pub fn push(&self, piece: &[u8]) {
        let mut bytes = self.0.borrow_mut();
        bytes.extend(piece);
        let excess = bytes.len().saturating_sub(STDERR_RING);
        bytes.drain(..excess);
    }

    /// The last lines, safe to print.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let bytes: Vec<u8> = self.0.borrow().iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let start = lines.len().saturating_sub(count);
        lines[start..].iter().map(|line| crate::error::printable(line, 300)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let ring = Ring::default();
        ring.push(&vec![b'x'; 2 * STDERR_RING]);
        ring.push(b"\nfirst\n\nsecond \x1b[0m\n");
        assert_eq!(ring.last_lines(2), ["first", "second \\u{1b}[0m"]);
        assert_eq!(ring.0.borrow().len(), STDERR_RING);
    }
}
