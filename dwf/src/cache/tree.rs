//! Trees of files that somebody else fills: measured, and removed.
//!
//! Invariant: everything is done by descriptors of folders that were opened one name at a time, so no link is followed,
//! no mount point is crossed, and whatever is moved meanwhile, nothing outside the tree is touched.

mod measure;
mod open;
mod remove;

#[cfg(test)]
mod tests;

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, SFlag, fstat, fstatat};

pub use measure::{Size, measure};
pub use open::folder;
pub use remove::remove;

/// Folders that are held open at once: a tree may be deeper than a process may have descriptors.
const OPEN: usize = 32;
/// Names of a path that are told.
const TOLD: usize = 12;
/// Files between two looks at the clock.
const OFTEN: u32 = 256;

/// When to end before the end.
#[derive(Debug, Clone, Default)]
pub struct Limit {
    stop: Arc<AtomicBool>,
    until: Option<Instant>,
}

impl Limit {
    /// At most this long.
    pub fn of(time: Duration) -> Self {
        Self { stop: Arc::default(), until: Instant::now().checked_add(time) }
    }

    /// Ends whatever has this limit, from another thread.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it is time to end.
    pub fn over(&self) -> bool {
        self.stopped() || self.until.is_some_and(|until| Instant::now() >= until)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What could not be done with a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It ended before its end.
    Stopped,
    /// Something was refused.
    Refused(Refused),
}

/// What was refused in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// How often.
    pub count: usize,
    /// Where first, as seen from the tree's parent.
    pub path: PathBuf,
    /// And why.
    pub errno: Errno,
    /// Whether somebody with other powers could have done some of it.
    pub permission: bool,
    /// Whether something is mounted in the tree.
    pub mount: bool,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("it would have taken too long"),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = crate::error::printable(&self.path.to_string_lossy(), 200);
        match self.errno {
            Errno::EXDEV | Errno::EBUSY => write!(f, "{path}: a mount point")?,
            errno => write!(f, "{path}: {}", errno.desc())?,
        }
        match self.count {
            0 | 1 => Ok(()),
            count => write!(f, ", and {} more", count - 1),
        }
    }
}

/// What is done on the way.
trait Visit {
    /// Opens a folder.
    fn open(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
        folder(parent, name)
    }

    /// A folder was opened.
    fn enter(&mut self, folder: BorrowedFd<'_>, stat: &FileStat) -> Result<(), Errno>;

    /// Something that is no folder.
    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno>;

    /// All in this folder was visited.
    fn leave(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno>;

    /// A folder could not be opened; fails with the reason, unless nothing is amiss.
    fn closed(&mut self, parent: BorrowedFd<'_>, name: &CStr, reason: Errno) -> Result<(), Errno>;
}

/// A folder on the way down.
struct Level {
    name: CString,
    /// Nothing while it is closed, to be opened again.
    fd: Option<Rc<OwnedFd>>,
    id: (u64, u64),
    /// Its folders that were not visited yet.
    folders: Vec<CString>,
}

struct Walk<'a, V> {
    visit: V,
    limit: &'a Limit,
    levels: Vec<Level>,
    refused: Option<Refused>,
    looked: u32,
}

/// Visits a folder and all in it, depth first. What is refused is left out, and told in the end.
fn walk<V: Visit>(parent: BorrowedFd<'_>, name: &CStr, visit: V, limit: &Limit) -> (V, Result<(), Trouble>) {
    let mut walk = Walk { visit, limit, levels: Vec::new(), refused: None, looked: 0 };
    let result = walk.run(parent, name);
    let refused = walk.refused.map_or(Ok(()), |refused| Err(Trouble::Refused(refused)));
    (walk.visit, result.and(refused))
}

impl<V: Visit> Walk<'_, V> {
    fn run(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Trouble> {
        self.descend(parent, name)?;
        while let Some(level) = self.levels.last_mut() {
            let Some(fd) = level.fd.clone() else { return Ok(()) };
            if let Some(next) = level.folders.pop() {
                self.descend(fd.as_fd(), &next)?;
                continue;
            }
            let name = std::mem::take(&mut level.name);
            self.levels.pop();
            let Some(above) = self.levels.last_mut() else {
                self.note(&name, |visit| visit.leave(parent, &name));
                return Ok(());
            };
            if above.fd.is_none() {
                above.fd = open::above(fd.as_fd(), above.id).ok().map(Rc::new);
            }
            match above.fd.clone() {
                Some(above) => self.note(&name, |visit| visit.leave(above.as_fd(), &name)),
                // Somebody moved it: what is above it now is not this tree's business.
                None => self.refuse(&name, Errno::ESTALE),
            }
        }
        Ok(())
    }

    /// Opens a folder, visits its files and remembers its folders.
    fn descend(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Trouble> {
        let opened = self.visit.open(parent, name).and_then(|fd| Ok((fstat(&fd)?, fd)));
        let (stat, fd) = match opened {
            Ok(opened) => opened,
            Err(errno) => {
                self.note(name, |visit| visit.closed(parent, name, errno));
                return Ok(());
            }
        };
        self.note(name, |visit| visit.enter(fd.as_fd(), &stat));
        let (name, id) = (name.to_owned(), open::id(&stat));
        self.levels.push(Level { name, fd: None, id, folders: Vec::new() });
        if let Some(far) = self.levels.len().checked_sub(OPEN) {
            self.levels[far].fd = None;
        }
        let folders = self.files(&fd)?;
        if let Some(level) = self.levels.last_mut() {
            (level.fd, level.folders) = (Some(Rc::new(fd)), folders);
        }
        Ok(())
    }

    /// Visits the files of a folder; gives its folders.
    fn files(&mut self, fd: &OwnedFd) -> Result<Vec<CString>, Trouble> {
        let mut folders = Vec::new();
        let listed = fd.try_clone().map_err(|_| Errno::EMFILE).and_then(Dir::from_fd);
        let mut dir = match listed {
            Ok(dir) => dir,
            Err(errno) => {
                self.refuse(c".", errno);
                return Ok(folders);
            }
        };
        for entry in dir.iter() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(errno) => {
                    self.refuse(c".", errno);
                    break;
                }
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            self.looked = (self.looked + 1) % OFTEN;
            if self.limit.stopped() || (self.looked == 0 && self.limit.over()) {
                return Err(Trouble::Stopped);
            }
            match entry.file_type().map_or_else(|| is_folder(fd, name), |kind| kind == Type::Directory) {
                true => folders.push(name.to_owned()),
                false => self.note(name, |visit| visit.file(fd.as_fd(), name)),
            }
        }
        Ok(folders)
    }

    fn note(&mut self, name: &CStr, act: impl FnOnce(&mut V) -> Result<(), Errno>) {
        match act(&mut self.visit) {
            // It went meanwhile.
            Ok(()) | Err(Errno::ENOENT) => {}
            // What it still has was told already.
            Err(Errno::ENOTEMPTY) if self.refused.is_some() => {}
            Err(errno) => self.refuse(name, errno),
        }
    }

    fn refuse(&mut self, name: &CStr, errno: Errno) {
        let permission = matches!(errno, Errno::EACCES | Errno::EPERM);
        let mount = matches!(errno, Errno::EXDEV | Errno::EBUSY);
        if let Some(refused) = &mut self.refused {
            refused.count += 1;
            refused.permission |= permission;
            refused.mount |= mount;
            return;
        }
        let names = self.levels.iter().map(|level| level.name.as_c_str()).chain([name]);
        let path = names.take(TOLD).map(|name| OsStr::from_bytes(name.to_bytes())).collect();
        self.refused = Some(Refused { count: 1, path, errno, permission, mount });
    }
}

fn is_folder(parent: &OwnedFd, name: &CStr) -> bool {
    let stat = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR)
}
