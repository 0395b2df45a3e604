//! Whether a session is in the folder that dwf means, and not in one of the same path on another machine.
//!
//! Invariant: only proof counts. Either this is the same folder of the same running kernel, or a file appears in it that
//! dwf makes at this moment.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a file may need to be seen; folders that a virtual machine shares are looked at now and then.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// A folder as dwf sees it. As text, `BOOT:DEVICE:INODE:MARK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    boot: String,
    device: u64,
    inode: u64,
    mark: String,
}

/// A text that describes no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceError(String);

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} describes no place", self.0)
    }
}

impl std::error::Error for PlaceError {}

impl Place {
    /// A folder of this machine, and the name of the file that proves it elsewhere.
    pub fn of(folder: &Path, mark: String) -> io::Result<Self> {
        let meta = folder.metadata()?;
        Ok(Self { boot: boot(), device: meta.dev(), inode: meta.ino(), mark })
    }

    /// Whether a folder is this one, as far as its numbers tell: a kernel gives each folder its own, and another kernel's
    /// mean nothing.
    pub(crate) fn is(&self, folder: &Path) -> Option<bool> {
        let meta = folder.metadata().ok()?;
        let known = !self.boot.is_empty() && self.boot == boot();
        known.then(|| (meta.dev(), meta.ino()) == (self.device, self.inode))
    }

    /// Waits for dwf's file to be seen in a folder.
    pub(crate) fn is_marked(&self, folder: &Path) -> bool {
        let (mark, until) = (folder.join(&self.mark), Instant::now() + PATIENCE);
        loop {
            if mark.symlink_metadata().is_ok() {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            sleep(LOOK);
        }
    }
}

/// What no other kernel has, nor this one after its next start; empty where the system has no such number.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.boot, self.device, self.inode, self.mark)
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let parts: Vec<&str> = text.split(':').collect();
        if let [boot, device, inode, mark] = parts.as_slice()
            && let (Ok(device), Ok(inode)) = (device.parse(), inode.parse())
            && !mark.is_empty()
            && !mark.contains('/')
        {
            return Ok(Self { boot: (*boot).to_owned(), device, inode, mark: (*mark).to_owned() });
        }
        Err(PlaceError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn as_text() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(dir.path(), ".mark".to_owned()).unwrap();
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "b:1:2", "b:1:2:", "b:x:2:m", "b:1:2:../m", "b:1:2:m:n"] {
            assert_eq!(
                text.parse::<Place>().unwrap_err().to_string(),
                format!("{text:?} describes no place")
            );
        }
    }

    #[test]
    fn the_same_folder() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = Place::of(one.path(), ".mark".to_owned()).unwrap();
        assert_eq!([place.is(one.path()), place.is(other.path())], [Some(true), Some(false)]);
        let link = other.path().join("link");
        std::os::unix::fs::symlink(one.path(), &link).unwrap();
        assert_eq!(place.is(&link), Some(true));
        let moved = Place { boot: "another".to_owned(), ..place.clone() };
        assert_eq!(moved.is(one.path()), None);
        let nowhere = Place { boot: String::new(), ..place };
        assert_eq!(nowhere.is(one.path()), None);
    }

    #[test]
    fn a_mark() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(dir.path(), ".mark".to_owned()).unwrap();
        std::fs::write(dir.path().join(".mark"), "").unwrap();
        assert!(place.is_marked(dir.path()));
    }
}
