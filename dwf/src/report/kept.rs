//! What an action wrote, kept for later: the beginning and the end of it.
//!
//! Invariant: however much is written, memory and disk stay bounded.

use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

/// Bytes of one action's output that are kept in memory; the rest goes to a file without a name.
const IN_MEMORY: usize = 256 << 10;
/// Bytes that are kept of the beginning.
pub const HEAD: u64 = 1 << 20;
/// Bytes that are kept of the end.
pub const TAIL: u64 = 7 << 20;

/// The output of one action: a head, and behind it a ring that holds the tail.
#[derive(Debug)]
pub struct Kept {
    spool: SpooledTempFile,
    total: u64,
    broken: Option<io::Error>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { spool: SpooledTempFile::new(IN_MEMORY), total: 0, broken: None }
    }
}

impl Kept {
    /// Adds to the end. A full disk costs the output, not the run.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.broken.is_none() {
            let (place, room) = place(self.total);
            let count = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            let (now, rest) = bytes.split_at(count);
            let written = self.spool.seek(SeekFrom::Start(place)).and_then(|_| self.spool.write_all(now));
            match written {
                Ok(()) => self.total += count as u64,
                Err(error) => self.broken = Some(error),
            }
            bytes = rest;
        }
    }

    /// Bytes that were left out.
    pub fn left_out(&self) -> u64 {
        self.total.saturating_sub(HEAD + TAIL)
    }

    /// Gives all that is kept, in its order, a piece at a time; where something is left out, a line says so.
    pub fn replay(&mut self, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let left_out = self.left_out();
        if left_out == 0 {
            self.copy(0, self.total, &mut to)?;
        } else {
            self.copy(0, HEAD, &mut to)?;
            let note = format!(
                "\n[dwf: {left_out} bytes are left out here; of an action's output the first {} MiB and the last {} MiB are kept]\n",
                HEAD >> 20,
                TAIL >> 20
            );
            to(note.as_bytes())?;
            let (oldest, _) = place(self.total);
            self.copy(oldest, HEAD + TAIL, &mut to)?;
            self.copy(HEAD, oldest, &mut to)?;
        }
        match &self.broken {
            Some(error) => to(format!("\n[dwf: the rest could not be kept: {error}]\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// At most this many bytes of the end.
    pub fn end(&mut self, most: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let kept = self.replay(|piece| {
            bytes.extend_from_slice(piece);
            let over = bytes.len().saturating_sub(most);
            bytes.drain(..over);
            Ok(())
        });
        // What cannot be read again is as good as not kept.
        kept.map(|()| bytes).unwrap_or_default()
    }

    fn copy(
        &mut self,
        from: u64,
        until: u64,
        to: &mut impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.spool.seek(SeekFrom::Start(from))?;
        let mut left = until.saturating_sub(from);
        let mut buffer = [0; 16 << 10];
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = self.spool.read(&mut buffer[..most])?;
            if count == 0 {
                return Ok(());
            }
            to(&buffer[..count])?;
            left -= count as u64;
        }
        Ok(())
    }
}

/// Where the byte of this number goes, and how many fit from there on.
fn place(number: u64) -> (u64, u64) {
    match number.checked_sub(HEAD) {
        None => (number, HEAD - number),
        Some(beyond) => (HEAD + beyond % TAIL, TAIL - beyond % TAIL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(kept: &mut Kept) -> Vec<u8> {
        kept.end(u64::MAX)
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let mut kept = Kept::default();
        kept.push(b"one\ntw");
        kept.push(b"o\n");
        assert_eq!(all(&mut kept), b"one\ntwo\n");
        kept.push(b"three");
        assert_eq!(all(&mut kept), b"one\ntwo\nthree", "it can be read in between");
        assert_eq!(kept.end(3), b"ree");
    }

    #[test]
    fn of_more_than_fits_the_beginning_and_the_end_are_kept() {
        for size in [HEAD + TAIL, HEAD + TAIL + 1, HEAD + 3 * TAIL, HEAD + 5 * TAIL + 4097] {
            let mut kept = Kept::default();
            let bytes: Vec<u8> = (0..size).map(|at| b'a' + u8::try_from(at % 26).unwrap()).collect();
            bytes.chunks(65_537).for_each(|piece| kept.push(piece));
            let text = all(&mut kept);
            let (head, tail) = (usize::try_from(HEAD).unwrap(), usize::try_from(TAIL).unwrap());
            assert_eq!(text[..head], bytes[..head], "{size}");
            assert_eq!(text[text.len() - tail..], bytes[bytes.len() - tail..], "{size}");
            let note = String::from_utf8(text[head..text.len() - tail].to_vec()).unwrap();
            let left_out = size - HEAD - TAIL;
            match left_out {
                0 => assert_eq!(note, ""),
                _ => assert!(
                    note.starts_with(&format!("\n[dwf: {left_out} bytes are left out here")),
                    "{note}"
                ),
            }
        }
    }
}
