//! Taking entries away.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::renameat;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::index::Index;
use super::record::Known;
use super::slot::Slot;
use super::survey::Entry;
use super::tree::{Limit, Trouble, remove};

/// What became of an entry that was to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swept {
    /// It is no more.
    Aside,
    /// Somebody uses it, or has used it since it was judged.
    InUse,
    /// It could not even be moved.
    Refused(Errno),
}

/// Something that was moved aside and could not be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// Where it is now.
    pub path: PathBuf,
    /// Why.
    pub trouble: Trouble,
}

/// Moves an entry's folder aside, so that from here on nobody finds it.
pub fn sweep(index: &Index, entry: &Entry) -> Swept {
    let Some(_lock) = index.seize(&entry.slot) else { return Swept::InUse };
    if matches!(index.read(&entry.slot), Known::Record(record) if record.used != entry.used) {
        return Swept::InUse;
    }
    match aside(index, &entry.slot) {
        Ok(()) | Err(Errno::ENOENT) => {
            index.forget(&entry.slot);
            Swept::Aside
        }
        Err(errno) => Swept::Refused(errno),
    }
}

fn aside(index: &Index, slot: &Slot) -> Result<(), Errno> {
    let parts = slot.parts();
    let Some((name, parents)) = parts.split_last() else { return Ok(()) };
    let parent = index.below(parents)?;
    let trash = index.open_trash()?;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let to = format!("{}+{}+{time}", slot.id(), std::process::id());
    renameat(&parent, *name, &trash, to.as_str())?;
    if let Slot::Environment(key, _) = slot {
        // No other entry has this key.
        let _ = unlinkat(index.below(&["env"])?, key.as_str(), UnlinkatFlags::RemoveDir);
    }
    Ok(())
}

/// Removes whatever was moved aside, also by one that was killed; gives what stays.
pub fn empty(index: &Index, limit: &Limit) -> Vec<Stuck> {
    let stuck = |name: &CString, trouble: Trouble| {
        let path = index.trash().join(OsStr::from_bytes(name.to_bytes()));
        Stuck { path, trouble }
    };
    let Ok(trash) = index.open_trash() else { return Vec::new() };
    let mut left = Vec::new();
    for name in listed(&trash) {
        // Only a folder cannot be taken away like this.
        if unlinkat(&trash, name.as_c_str(), UnlinkatFlags::NoRemoveDir).is_ok() {
            continue;
        }
        if let Err(trouble) = remove(trash.as_fd(), &name, limit) {
            left.push(stuck(&name, trouble));
        }
    }
    left
}

fn listed(folder: &OwnedFd) -> Vec<CString> {
    let dir = folder.try_clone().ok().and_then(|fd| Dir::from_fd(fd).ok());
    let mut names = Vec::new();
    if let Some(mut dir) = dir {
        let entries = dir.iter().flatten().map(|entry| entry.file_name().to_owned());
        names.extend(entries.filter(|name| name.as_c_str() != c"." && name.as_c_str() != c".."));
    }
    names.sort();
    names
}
