//! Framing: one JSON object a line, UTF-8, ended by `\n`; a `\r` before it is dropped, blank lines
//! are skipped.
//!
//! Invariant: a reader never holds more than its cap, whatever the other side sends.

use std::fmt;
use std::io::{self, BufRead, Write};

use serde::Serialize;

use crate::excerpt;

/// Why a line could not be read or written. Excerpts are escaped and bounded.
#[derive(Debug)]
pub enum FrameError {
    /// The pipe failed.
    Io(io::Error),
    /// A line of more than `cap` bytes; what follows on this pipe cannot be understood.
    TooLong {
        /// The most bytes a line may have.
        cap: usize,
        /// How the line starts.
        excerpt: String,
    },
    /// A line that is not UTF-8.
    NotUtf8 {
        /// How the line starts.
        excerpt: String,
    },
    /// A line that starts with a byte order mark.
    Bom {
        /// How the line starts.
        excerpt: String,
    },
    /// The pipe ended in the middle of a line.
    Torn {
        /// How the line starts.
        excerpt: String,
    },
    /// The value to be written cannot be JSON.
    Unserialisable(serde_json::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the pipe failed: {error}"),
            Self::TooLong { cap, excerpt } => {
                write!(f, "a line of more than {cap} bytes, which starts with \"{excerpt}\"")
            }
            Self::NotUtf8 { excerpt } => write!(f, "a line that is not UTF-8: \"{excerpt}\""),
            Self::Bom { excerpt } => write!(f, "a line that starts with a byte order mark: \"{excerpt}\""),
            Self::Torn { excerpt } => write!(f, "the pipe ended in the middle of a line: \"{excerpt}\""),
            Self::Unserialisable(error) => write!(f, "the message cannot be written as JSON: {error}"),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Unserialisable(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The next line that is not blank, without its end; `None` when the pipe has ended. Bytes are
/// counted without the line's end. After `TooLong`, `Torn` and `Io` there is nothing more to read.
pub fn read_line(reader: &mut impl BufRead, cap: usize) -> Result<Option<String>, FrameError> {
    let mut line = PartialLine::new(cap);
    loop {
        let chunk = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return line.end().map(|()| None);
        }
        let (used, done) = line.push(chunk);
        reader.consume(used);
        if let Some(text) = done? {
            return Ok(Some(text));
        }
    }
}

/// Writes a value as one line, in a single write, and flushes it.
pub fn write_line(
    writer: &mut impl Write,
    value: &(impl Serialize + ?Sized),
    cap: usize,
) -> Result<(), FrameError> {
    let mut line = serde_json::to_vec(value).map_err(FrameError::Unserialisable)?;
    if line.len() > cap {
        return Err(FrameError::TooLong { cap, excerpt: excerpt::excerpt(&line, excerpt::LINE) });
    }
    line.push(b'\n');
    writer.write_all(&line)?;
    writer.flush()?;
    Ok(())
}

/// A line that is being put together from chunks.
pub struct PartialLine {
    bytes: Vec<u8>,
    cap: usize,
}

impl PartialLine {
    /// An empty line of at most `cap` bytes.
    pub fn new(cap: usize) -> Self {
        Self { bytes: Vec::new(), cap }
    }

    /// Takes bytes up to the next line's end: how many it took, and the line if it is complete and
    /// not blank.
    pub fn push(&mut self, chunk: &[u8]) -> (usize, Result<Option<String>, FrameError>) {
        let newline = chunk.iter().position(|byte| *byte == b'\n');
        let used = newline.map_or(chunk.len(), |at| at + 1);
        // One byte more than the cap may be the `\r` of the line's end.
        let room = self.cap.saturating_add(1).saturating_sub(self.bytes.len());
        let content = &chunk[..newline.unwrap_or(chunk.len())];
        self.bytes.extend_from_slice(&content[..content.len().min(room)]);
        let carriage_return = self.bytes.last() == Some(&b'\r');
        if content.len() > room || self.bytes.len() - usize::from(carriage_return) > self.cap {
            return (used, Err(FrameError::TooLong { cap: self.cap, excerpt: self.excerpt() }));
        }
        (used, newline.map_or(Ok(None), |_| self.complete()))
    }

    /// Says whether the pipe may end here.
    pub fn end(self) -> Result<(), FrameError> {
        match self.is_blank() {
            true => Ok(()),
            false => Err(FrameError::Torn { excerpt: self.excerpt() }),
        }
    }

    fn complete(&mut self) -> Result<Option<String>, FrameError> {
        if self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        if self.is_blank() {
            self.bytes.clear();
            return Ok(None);
        }
        if self.bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(FrameError::Bom { excerpt: self.excerpt() });
        }
        let bytes = std::mem::take(&mut self.bytes);
        String::from_utf8(bytes).map(Some).map_err(|error| FrameError::NotUtf8 {
            excerpt: excerpt::excerpt(error.as_bytes(), excerpt::LINE),
        })
    }

    fn is_blank(&self) -> bool {
        self.bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
    }

    fn excerpt(&self) -> String {
        excerpt::excerpt(&self.bytes, excerpt::LINE)
    }
}

#[cfg(test)]
mod tests;
