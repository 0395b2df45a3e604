//! How much disk a tree takes.

use std::collections::HashSet;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, fstatat};

use super::{Limit, Trouble, Visit, open, walk};

/// What a tree takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes on disk; what has several names counts once.
    pub bytes: u64,
    /// Whether all of it was seen; else this is the least it takes.
    pub whole: bool,
}

/// Measures a folder and all in it, as far as the limit allows.
pub fn measure(parent: BorrowedFd<'_>, name: &CStr, limit: &Limit) -> Size {
    let (counter, result) = walk(parent, name, Counter::default(), limit);
    // What may not be read is somebody else's, and stays unknown however often one looks.
    Size { bytes: counter.bytes, whole: !matches!(result, Err(Trouble::Stopped)) }
}

#[derive(Default)]
struct Counter {
    bytes: u64,
    /// Files with several names that were counted.
    seen: HashSet<(u64, u64)>,
}

impl Counter {
    fn count(&mut self, stat: &FileStat) {
        // Blocks are of 512 bytes, whatever the file system has.
        let bytes = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl Visit for Counter {
    fn enter(&mut self, _: BorrowedFd<'_>, stat: &FileStat) -> Result<(), Errno> {
        self.count(stat);
        Ok(())
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        let stat = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if stat.st_nlink < 2 || self.seen.insert(open::id(&stat)) {
            self.count(&stat);
        }
        Ok(())
    }

    fn leave(&mut self, _: BorrowedFd<'_>, _: &CStr) -> Result<(), Errno> {
        Ok(())
    }

    fn closed(&mut self, _: BorrowedFd<'_>, _: &CStr, reason: Errno) -> Result<(), Errno> {
        Err(reason)
    }
}
