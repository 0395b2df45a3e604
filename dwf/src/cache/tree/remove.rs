//! Taking a tree away.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::{FileStat, Mode, fchmod};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

use super::{Limit, Trouble, Visit, open, walk};

/// Removes a folder and all in it. What is refused stays, the rest goes.
pub fn remove(parent: BorrowedFd<'_>, name: &CStr, limit: &Limit) -> Result<(), Trouble> {
    walk(parent, name, Remover { uid: geteuid().as_raw() }, limit).1
}

struct Remover {
    uid: u32,
}

impl Visit for Remover {
    fn open(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
        match open::folder(parent, name) {
            Err(Errno::EACCES) => open::unlocked(parent, name),
            other => other,
        }
    }

    fn enter(&mut self, folder: BorrowedFd<'_>, stat: &FileStat) -> Result<(), Errno> {
        let mode = Mode::from_bits_truncate(stat.st_mode);
        if stat.st_uid == self.uid && self.uid != 0 && !mode.contains(Mode::S_IRWXU) {
            fchmod(folder, Mode::S_IRWXU)?;
        }
        Ok(())
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        unlinkat(parent, name, UnlinkatFlags::NoRemoveDir)
    }

    fn leave(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        unlinkat(parent, name, UnlinkatFlags::RemoveDir)
    }

    /// An empty folder can be taken away by who may not look into it.
    fn closed(&mut self, parent: BorrowedFd<'_>, name: &CStr, reason: Errno) -> Result<(), Errno> {
        unlinkat(parent, name, UnlinkatFlags::RemoveDir).map_err(|_| reason)
    }
}
