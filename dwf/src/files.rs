//! Files that may be anything: reading is bounded and never waits, writing follows no link.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
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

/// A regular file to write to, emptied, that only its user may read. A link is not followed.
pub fn create_private(path: &Path) -> io::Result<File> {
    let flags = nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOFOLLOW;
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).mode(0o600).custom_flags(flags.bits()).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.nlink() != 1 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file of its own"));
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_new_or_emptied_and_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("old"), "secret of an earlier run").unwrap();
        std::fs::set_permissions(at("old"), Permissions::from_mode(0o644)).unwrap();
        for name in ["old", "new"] {
            let meta = create_private(&at(name)).unwrap().metadata().unwrap();
            assert_eq!((meta.len(), meta.mode() & 0o777), (0, 0o600), "{name}");
        }
        std::fs::write(at("kept"), "kept").unwrap();
        std::os::unix::fs::symlink(at("kept"), at("link")).unwrap();
        std::fs::hard_link(at("kept"), at("second")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for name in ["link", "second", "fifo"] {
            assert!(create_private(&at(name)).is_err(), "{name}");
        }
        assert_eq!(std::fs::read(at("kept")).unwrap(), b"kept");
    }
}
