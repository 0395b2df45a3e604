//! Standard error: lines that stay, and below them a few that are drawn anew.
//!
//! Invariant: the lines that are drawn anew are the last thing on the screen, the cursor is below
//! them and never hidden, and whoever prints a line goes through here. So a terminal is left clean
//! whenever the region is cleared, and readable when nobody could clear it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;
use unicode_width::UnicodeWidthStr;

use super::text;

/// Columns and rows.
pub type Size = (u16, u16);

/// What standard error shows.
pub struct Screen {
    err: Box<dyn Write + Send>,
    size: Box<dyn Fn() -> Option<Size> + Send>,
    /// The lines of the region as they should be.
    wanted: Vec<String>,
    /// The widths of the lines that are on the screen, in columns.
    drawn: Vec<usize>,
}

/// A screen for several writers.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Screen>>);

impl Shared {
    /// A screen on this stream; `size` is the terminal's, where it is one.
    pub fn new(err: Box<dyn Write + Send>, size: impl Fn() -> Option<Size> + Send + 'static) -> Self {
        let screen = Screen { err, size: Box::new(size), wanted: Vec::new(), drawn: Vec::new() };
        Self(Arc::new(Mutex::new(screen)))
    }

    /// The screen. A panic elsewhere does not make it useless.
    pub fn lock(&self) -> MutexGuard<'_, Screen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the region away, if nobody is at the screen just now.
    pub fn leave(&self) {
        if let Ok(mut screen) = self.0.try_lock() {
            screen.region(Vec::new());
        }
    }
}

impl Screen {
    /// The terminal's size.
    pub fn size(&self) -> Option<Size> {
        (self.size)()
    }

    /// Prints whole lines above the region.
    pub fn print(&mut self, bytes: &[u8]) {
        let mut frame = self.erase();
        frame.extend_from_slice(bytes);
        self.draw(&mut frame);
        // Where standard error is gone, nobody is left to tell.
        let _ = self.err.write_all(&frame).and_then(|()| self.err.flush());
    }

    /// Prints what need not be whole lines; the region comes back with the next [`Screen::print`].
    pub fn above(&mut self, bytes: &[u8]) {
        let erase = self.erase();
        let _ = self.err.write_all(&erase).and_then(|()| self.err.write_all(bytes));
    }

    /// Shows other lines in the region, each of at most one row.
    pub fn region(&mut self, lines: Vec<String>) {
        if lines == self.wanted && lines.len() == self.drawn.len() {
            return;
        }
        self.wanted = lines;
        self.print(&[]);
    }

    /// A text that takes the lines of the region away.
    fn erase(&mut self) -> Vec<u8> {
        let columns = self.size().map_or(0, |(columns, _)| usize::from(columns)).max(1);
        // A terminal that became narrower has wrapped what was one row.
        let rows: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        self.drawn.clear();
        if rows == 0 { Vec::new() } else { format!("\x1b[{rows}A\r\x1b[J").into_bytes() }
    }

    fn draw(&mut self, frame: &mut Vec<u8>) {
        for line in &self.wanted {
            self.drawn.push(text::plain(line.as_bytes()).width());
            frame.extend_from_slice(line.as_bytes());
            frame.push(b'\n');
        }
    }
}

/// A line of a trace, as one writer has it.
pub struct Line(Shared, Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.lock().print(&self.1);
    }
}

impl<'a> MakeWriter<'a> for Shared {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.clone(), Vec::new())
    }
}
