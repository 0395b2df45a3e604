//! What is in a cache root.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::index::Index;
use super::now;
use super::record::{Known, Owner, Volumes};
use super::sizes::Sizes;
use super::slot::Slot;
use super::tree::{Limit, Size, measure};

/// Something in a cache root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub slot: Slot,
    /// Whose; nothing where the index does not say.
    pub owner: Option<Owner>,
    /// Where else it is.
    pub volumes: Option<Volumes>,
    /// When it was used last, in seconds since 1970. A clock that went back makes it a time to come.
    pub used: u64,
    /// Whether a run uses it.
    pub in_use: bool,
    /// Whether nobody can use it any more: its workspace is gone.
    pub gone: bool,
    /// Whether a newer dwf wrote about it.
    pub newer: bool,
    /// Whether it has a folder.
    pub folder: bool,
    /// What that takes.
    pub size: Size,
}

/// How sizes are learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// By measuring everything.
    All,
    /// By measuring what was used since it was measured.
    Stale,
}

/// Looks at every entry, as far as the limit allows.
pub fn survey(index: &Index, sizes: &mut Sizes, look: Look, limit: &Limit) -> Vec<Entry> {
    let now = now();
    let mut entries: Vec<Entry> = index.slots().into_iter().filter_map(|slot| entry(index, slot)).collect();
    sizes.retain(entries.iter().map(|entry| &entry.slot));
    for entry in entries.iter_mut().filter(|entry| entry.folder) {
        let known = sizes.current(&entry.slot, entry.used, now).filter(|_| look == Look::Stale);
        entry.size = match known {
            Some(size) => size,
            None => {
                let size = size(index, &entry.slot, limit);
                if !entry.in_use {
                    // A second counts as a whole: what is used in it is measured again.
                    sizes.set(&entry.slot, size, now);
                }
                size
            }
        };
    }
    entries
}

fn entry(index: &Index, slot: Slot) -> Option<Entry> {
    let path = index.root().join(slot.to_string());
    let folder = path.symlink_metadata().ok().filter(std::fs::Metadata::is_dir);
    let known = index.read(&slot);
    let touched = folder.as_ref().and_then(|meta| u64::try_from(meta.mtime()).ok()).unwrap_or(0);
    let (owner, volumes, used, newer) = match known {
        Known::Record(record) => (Some(record.owner), record.volumes, record.used, false),
        Known::Newer => (None, None, touched, true),
        Known::Broken(written) => (None, None, written, false),
        Known::Nothing => (None, None, touched, false),
    };
    let in_use = index.is_used(&slot);
    if folder.is_none() && volumes.is_none() && !in_use {
        // Only words are left of it.
        if let Some(_lock) = index.seize(&slot).filter(|_| !newer) {
            index.forget(&slot);
        }
        return None;
    }
    let gone = matches!(slot, Slot::Environment(..)) && owner.as_ref().is_some_and(is_gone);
    let folder = folder.is_some();
    let size = Size { bytes: 0, whole: true };
    Some(Entry { slot, owner, volumes, used, in_use, gone, newer, folder, size })
}

fn is_gone(owner: &Owner) -> bool {
    let looked = owner.workspace.as_ref().map(|path| Path::new(path).symlink_metadata());
    matches!(looked, Some(Err(error)) if error.kind() == io::ErrorKind::NotFound)
}

/// Measures a folder anywhere; nothing where it cannot be seen.
pub fn measure_at(folder: &Path, limit: &Limit) -> Option<Size> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let parent = nix::fcntl::open(folder.parent()?, flags, Mode::empty()).ok()?;
    let name = CString::new(folder.file_name()?.as_encoded_bytes()).ok()?;
    Some(measure(parent.as_fd(), &name, limit))
}

fn size(index: &Index, slot: &Slot, limit: &Limit) -> Size {
    let parts = slot.parts();
    let Some((name, parents)) = parts.split_last() else { return Size::default() };
    match (index.below(parents), CString::new(*name)) {
        (Ok(parent), Ok(name)) => measure(parent.as_fd(), &name, limit),
        _ => Size::default(),
    }
}
