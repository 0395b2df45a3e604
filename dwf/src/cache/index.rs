//! The index of a cache root: for each entry a file that says whose it is, and one that tells that it is in use.
//!
//! Invariant: no container sees these files. They are replaced in one step, and what is in them is never needed to
//! read a cache: where they are lost or broken, the next run writes them again.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::stat::Mode;

use super::record::{Known, Record};
use super::root::CacheError;
use super::slot::Slot;
use super::tree;
use crate::files;

/// The folder of dwf's own below a root.
pub(super) const OWN: &str = ".dwf";
const ENTRIES: &str = "entries";
const TRASH: &str = "trash";
/// A record is a few lines.
const MOST: u64 = 64 << 10;
/// How often, and how long each time, a run waits for somebody who is moving an entry aside.
const TRIES: u32 = 200;
const WAIT: Duration = Duration::from_millis(10);

/// The index of one cache root.
#[derive(Debug, Clone)]
pub struct Index {
    root: PathBuf,
    owner: Option<(u32, u32)>,
}

impl Index {
    /// The index of a root that is there already, made if it is missing; new files belong to `owner`.
    pub fn open(root: &Path, owner: Option<(u32, u32)>) -> Result<Self, CacheError> {
        let index = Self { root: root.to_owned(), owner };
        for path in index.folders() {
            let failed = |error| CacheError::Index(path.clone(), error);
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => owner.map_or(Ok(()), |(u, g)| chown(&path, Some(u), Some(g))).map_err(failed)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
            if !path.symlink_metadata().map_err(failed)?.is_dir() {
                return Err(CacheError::Link(path));
            }
        }
        Ok(index)
    }

    /// The index of a root, if it has one.
    pub fn existing(root: &Path) -> Result<Option<Self>, CacheError> {
        let root = root.to_owned();
        match root.join(OWN).symlink_metadata() {
            Ok(_) => {
                let owner = root.metadata().ok().filter(|_| nix::unistd::geteuid().is_root());
                Self::open(&root, owner.map(|meta| (meta.uid(), meta.gid()))).map(Some)
            }
            Err(_) => Ok(None),
        }
    }

    /// The cache root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of what was moved aside.
    pub fn trash(&self) -> PathBuf {
        self.root.join(OWN).join(TRASH)
    }

    fn folders(&self) -> [PathBuf; 3] {
        let own = self.root.join(OWN);
        [own.clone(), own.join(ENTRIES), own.join(TRASH)]
    }

    fn file(&self, slot: &Slot, ending: &str) -> PathBuf {
        self.root.join(OWN).join(ENTRIES).join(format!("{}.{ending}", slot.id()))
    }

    /// What is known of an entry.
    pub(super) fn read(&self, slot: &Slot) -> Known {
        let path = self.file(slot, "json");
        let written = |meta: std::fs::Metadata| u64::try_from(meta.mtime()).unwrap_or(0);
        match (path.symlink_metadata(), files::read_here(&path, MOST)) {
            (Err(_), _) => Known::Nothing,
            (Ok(meta), Ok(bytes)) => Record::parse(&bytes, written(meta)),
            (Ok(meta), Err(_)) => Known::Broken(written(meta)),
        }
    }

    /// Says of an entry what is known.
    pub(super) fn write(&self, slot: &Slot, record: &Record) -> io::Result<()> {
        let json = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
        self.replace(&self.file(slot, "json"), &json)
    }

    /// Writes a file of the index in one step.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(self.root.join(OWN))?;
        io::Write::write_all(&mut file, bytes)?;
        if let Some((uid, gid)) = self.owner {
            fchown(file.as_file(), Some(uid), Some(gid))?;
        }
        file.persist(path).map(drop).map_err(|error| error.error)
    }

    /// A file of the index that is about the root as a whole.
    pub(super) fn whole(&self, name: &str) -> PathBuf {
        self.root.join(OWN).join(name)
    }

    /// Every entry that the index or the root has.
    pub(super) fn slots(&self) -> BTreeSet<Slot> {
        let mut slots = BTreeSet::new();
        for name in names(&self.root.join(OWN).join(ENTRIES)) {
            let id = name.strip_suffix(".json").or(name.strip_suffix(".lock"));
            slots.extend(id.and_then(Slot::from_id));
        }
        // A shared cache without a record may be anything: a name alone does not make it dwf's.
        for key in names(&self.root.join("env")) {
            let inside = names(&self.root.join("env").join(&key));
            slots.extend(inside.iter().filter_map(|name| Slot::at(&Path::new("env").join(&key).join(name))));
        }
        slots.extend(
            names(&self.root.join("tmp")).iter().filter_map(|run| Slot::at(&Path::new("tmp").join(run))),
        );
        slots
    }

    /// Says that an entry is in use for as long as the lock lives; nothing where this file system has no locks, and
    /// so nobody takes entries away.
    pub(super) fn share(&self, slot: &Slot) -> Result<Option<Flock<File>>, CacheError> {
        let path = self.file(slot, "lock");
        let failed = |error| CacheError::Index(path.clone(), error);
        for _ in 0..TRIES {
            let file = self.lock_file(&path).map_err(failed)?;
            match Flock::lock(file, FlockArg::LockSharedNonblock) {
                // Whoever took the entry away took this file with it.
                Ok(lock) if lock.metadata().map_err(failed)?.nlink() == 0 => {}
                Ok(lock) => return Ok(Some(lock)),
                Err((_, Errno::EWOULDBLOCK)) => std::thread::sleep(WAIT),
                Err((_, errno)) => {
                    tracing::debug!(target: "devflow::cache", "{}: {}", path.display(), errno.desc());
                    return Ok(None);
                }
            }
        }
        Err(CacheError::Busy(slot.clone()))
    }

    /// Keeps everybody from an entry for as long as the lock lives; nothing when somebody uses it, or may.
    pub fn seize(&self, slot: &Slot) -> Option<Flock<File>> {
        let file = self.lock_file(&self.file(slot, "lock")).ok()?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
        lock.metadata().is_ok_and(|meta| meta.nlink() > 0).then_some(lock)
    }

    /// Whether a run uses an entry, or may.
    pub(super) fn is_used(&self, slot: &Slot) -> bool {
        let options = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        match OpenOptions::new().read(true).custom_flags(options.bits()).open(self.file(slot, "lock")) {
            Ok(file) => Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    fn lock_file(&self, path: &Path) -> io::Result<File> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(flags.bits());
        match options.clone().create_new(true).mode(0o600).open(path) {
            Ok(file) => {
                if let Some((uid, gid)) = self.owner {
                    fchown(&file, Some(uid), Some(gid))?;
                }
                Ok(file)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match options.open(path) {
                // It went between the two.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.lock_file(path),
                other => other,
            },
            Err(error) => Err(error),
        }
    }

    /// Forgets an entry whose lock is held by the caller.
    pub fn forget(&self, slot: &Slot) {
        for ending in ["json", "lock"] {
            // What stays says something about nothing, and is looked at again.
            let _ = std::fs::remove_file(self.file(slot, ending));
        }
    }

    /// Whether a volume of this name can be used.
    pub fn is_ready(&self, name: &str) -> bool {
        self.whole(&format!("{name}.ready")).is_file()
    }

    /// A volume of this name can be used.
    pub fn ready(&self, name: &str) -> io::Result<()> {
        self.replace(&self.whole(&format!("{name}.ready")), &[])
    }

    /// A volume of this name may not be there any more.
    pub fn unready(&self, name: &str) {
        // Without it the volume is opened once more than needed.
        let _ = std::fs::remove_file(self.whole(&format!("{name}.ready")));
    }

    /// A folder below the root, reached without a link.
    pub(super) fn below(&self, parts: &[&str]) -> Result<OwnedFd, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = nix::fcntl::open(&self.root, flags, Mode::empty())?;
        parts.iter().try_fold(root, |parent, part| {
            let name = CString::new(*part).map_err(|_| Errno::EINVAL)?;
            tree::folder(parent.as_fd(), &name)
        })
    }

    /// The folder of what was moved aside.
    pub(super) fn open_trash(&self) -> Result<OwnedFd, Errno> {
        self.below(&[OWN, TRASH])
    }
}

/// The names in a folder that are text; none where it is no folder.
pub(super) fn names(folder: &Path) -> Vec<String> {
    if folder.symlink_metadata().map_or(true, |meta| !meta.is_dir()) {
        return Vec::new();
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
