//! Reading and hashing the files that were found.
//!
//! Invariant: a file is streamed, whatever its size; the order of the result is that of the paths, however many threads
//! read them.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use super::error::FingerprintError;
use super::record::{Kind, Record};
use super::tree::open;
use crate::hash::{hex, sha256};

/// Large enough that the system calls do not show, small enough to stay in the processor's cache.
const BUFFER: usize = 128 * 1024;
/// Fewer files are read before other threads have even started.
const SERIAL: usize = 64;
/// Storage does not get faster with more.
const THREADS: usize = 8;

/// Makes a record of each path, relative to the root, that is said to be a link or a file.
pub(super) fn read(root: &Path, files: &[(PathBuf, Kind)]) -> Result<Vec<Record>, FingerprintError> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(THREADS));
    if files.len() < SERIAL || threads == 1 {
        let mut buffer = vec![0; BUFFER];
        return files.iter().map(|(path, kind)| record(root, path, *kind, &mut buffer)).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        let mut buffer = vec![0; BUFFER];
        let mut mine = Vec::new();
        while let Some((path, kind)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let record = record(root, path, *kind, &mut buffer);
            let failed = record.is_err();
            mine.push(record);
            if failed {
                next.store(files.len(), Ordering::Relaxed);
            }
        }
        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(mine);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_iter().collect()
}

fn record(root: &Path, path: &Path, kind: Kind, buffer: &mut [u8]) -> Result<Record, FingerprintError> {
    let unreadable = |error: std::io::Error| FingerprintError::unreadable(path, &error);
    let name = path.to_str().ok_or_else(|| FingerprintError::NotUtf8(path.into()))?;
    let (exec, sha256) = match kind {
        Kind::Symlink => {
            (false, sha256(root.join(path).read_link().map_err(unreadable)?.as_os_str().as_bytes()))
        }
        _ => {
            let mut file = open(&root.join(path)).map_err(unreadable)?;
            let metadata = file.metadata().map_err(unreadable)?;
            if !metadata.is_file() {
                return Err(unreadable(std::io::Error::other("it was a file a moment ago, and is none now")));
            }
            let sha256 = stream(&mut file, metadata.len(), buffer).map_err(unreadable)?;
            (metadata.permissions().mode() & 0o100 != 0, sha256)
        }
    };
    Ok(Record { path: name.to_owned(), kind, exec, sha256: Some(sha256) })
}

/// The SHA-256 of a file that seems to have so many bytes.
fn stream(file: &mut File, size: u64, buffer: &mut [u8]) -> std::io::Result<String> {
    let (mut hasher, mut done) = (Sha256::new(), 0);
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                done += read as u64;
                // A reading that had room for more has come to the end, where the system knows the size.
                if done == size && read < buffer.len() {
                    return Ok(hex(&hasher.finalize()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
