//! A place to write to, without the secrets.

use std::io::{self, Write};

use super::{Hidden, Stream};

/// Passes on what is written to it, with secrets replaced.
#[derive(Debug)]
pub struct Writer<W: Write> {
    stream: Stream,
    to: W,
}

impl<W: Write> Writer<W> {
    /// In front of another place to write to.
    pub fn new(hidden: &Hidden, to: W) -> Self {
        Self { stream: hidden.stream(), to }
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let out = self.stream.push(bytes);
        self.to.write_all(&out)?;
        Ok(bytes.len())
    }

    /// What may be the beginning of a secret stays here: no secret begins with the end of a line.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Drop for Writer<W> {
    fn drop(&mut self) {
        let rest = self.stream.end();
        if !rest.is_empty() {
            // Nobody is left to tell that it failed.
            let _ = self.to.write_all(&rest).and_then(|()| self.to.flush());
        }
    }
}
