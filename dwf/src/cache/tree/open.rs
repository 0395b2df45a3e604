//! Opening folders one name at a time.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat};

const FOLDER: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// What a folder is, whatever it is called.
#[expect(clippy::unnecessary_cast, reason = "the types differ between systems")]
pub(super) fn id(stat: &FileStat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// Opens a folder by its name in another; a link is refused, a mount point is `EXDEV`.
pub fn folder(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    match inside(parent, name) {
        // Older container engines refuse what they do not know.
        Err(Errno::ENOSYS | Errno::EPERM) => same_device(parent, name),
        other => other,
    }
}

/// Only the kernel tells the mount of a folder of the same file system.
#[cfg(target_os = "linux")]
fn inside(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    use nix::fcntl::{OpenHow, ResolveFlag, openat2};

    let resolve =
        ResolveFlag::RESOLVE_NO_XDEV | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_BENEATH;
    openat2(parent, name, OpenHow::new().flags(FOLDER).resolve(resolve))
}

#[cfg(not(target_os = "linux"))]
fn inside(_: BorrowedFd<'_>, _: &CStr) -> Result<OwnedFd, Errno> {
    Err(Errno::ENOSYS)
}

fn same_device(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let fd = openat(parent, name, FOLDER, Mode::empty())?;
    match fstat(&fd)?.st_dev == fstat(parent)?.st_dev {
        true => Ok(fd),
        false => Err(Errno::EXDEV),
    }
}

/// Opens the folder above again, if it is still this one.
pub(super) fn above(fd: BorrowedFd<'_>, expected: (u64, u64)) -> Result<OwnedFd, Errno> {
    let fd = openat(fd, c"..", FOLDER, Mode::empty())?;
    match id(&fstat(&fd)?) == expected {
        true => Ok(fd),
        false => Err(Errno::ESTALE),
    }
}

/// Lets the owner of a folder into it, then opens it. No link is followed.
#[cfg(target_os = "linux")]
pub(super) fn unlocked(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;

    let path = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = openat(parent, name, path, Mode::empty())?;
    // A descriptor of this kind cannot be changed itself, but what it stands for can.
    let link = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    let changed = std::fs::set_permissions(link, std::fs::Permissions::from_mode(0o700));
    changed.map_err(|error| error.raw_os_error().map_or(Errno::EACCES, Errno::from_raw))?;
    folder(parent, name)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn unlocked(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    use nix::sys::stat::{FchmodatFlags, fchmodat};

    fchmodat(parent, name, Mode::S_IRWXU, FchmodatFlags::NoFollowSymlink)?;
    folder(parent, name)
}
