//! Reading files that may be anything: bounded, and never waiting for a writer.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

/// The content of a regular file of at most `most` bytes; anything else is an error.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    content(open(path, OFlag::empty())?, most)
}

/// As [`read`], of a file that is there itself: a link is an error.
pub fn read_here(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    content(open_here(path)?, most)
}

/// Opens a regular file that is there itself: a link is an error.
pub fn open_here(path: &Path) -> io::Result<File> {
    open(path, OFlag::O_NOFOLLOW).map_err(|error| match error.raw_os_error() {
        Some(code) if code == nix::errno::Errno::ELOOP as i32 => {
            io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link")
        }
        _ => error,
    })
}

fn open(path: &Path, more: OFlag) -> io::Result<File> {
    // O_NONBLOCK: opening a FIFO must not wait.
    let flags = (OFlag::O_NONBLOCK | more).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

fn content(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes"))),
        false => Ok(bytes),
    }
}
