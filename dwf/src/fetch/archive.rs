//! Unpacking an archive that may be anybody's.
//!
//! Invariant: only regular files and folders come out, inside the folder they are unpacked to, each
//! name once, and no more of them than a bound; else the whole archive is refused.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use devflow_protocol::path::RelPath;
use flate2::read::GzDecoder;
use ruzstd::decoding::StreamingDecoder;
use tar::{Archive, EntryType};

use super::magic::Magic;
use crate::error::printable;
use crate::store::{self, MAX_BYTES};

/// What an archive may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Files and folders.
    pub entries: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 10_000, bytes: MAX_BYTES }
    }
}

/// A file that came out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    /// Its path.
    pub path: RelPath,
    /// Whether it may be executed.
    pub executable: bool,
}

/// Unpacks a compressed tar archive into an empty folder; an error is the reason to refuse it.
pub(super) fn unpack(file: File, magic: Magic, to: &Path, bounds: Bounds) -> Result<Vec<Unpacked>, String> {
    let file = io::BufReader::new(file);
    match magic {
        Magic::Gzip => tar(GzDecoder::new(file), to, bounds),
        Magic::Zstd => tar(StreamingDecoder::new(file).map_err(|error| plain(&error))?, to, bounds),
        _ => Err("it is neither .tar.gz nor .tar.zst".to_owned()),
    }
}

/// What a decoder says of bytes that came from elsewhere.
fn plain(error: &dyn std::fmt::Display) -> String {
    printable(&format!("it cannot be read: {error}"), 200)
}

fn tar(stream: impl Read, to: &Path, bounds: Bounds) -> Result<Vec<Unpacked>, String> {
    let mut archive = Archive::new(Bounded { stream, left: 2 * bounds.bytes });
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    let mut left = bounds.bytes;
    for (count, entry) in archive.entries().map_err(|error| plain(&error))?.enumerate() {
        let mut entry = entry.map_err(|error| plain(&error))?;
        if count >= bounds.entries {
            return Err(format!("it has more than {} entries", bounds.entries));
        }
        let header = entry.header();
        let (kind, mode) = (header.entry_type(), header.mode().unwrap_or(0));
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| "it names a file that is not UTF-8".to_owned())?;
        let shown = printable(&name, 100);
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
            // What git writes in front of its archives: a comment.
            EntryType::XGlobalHeader => continue,
            EntryType::Symlink | EntryType::Link => return Err(format!("`{shown}` is a link")),
            _ => return Err(format!("`{shown}` is neither a regular file nor a folder")),
        }
        let inner = name.strip_prefix("./").unwrap_or(&name).trim_end_matches('/');
        if inner.is_empty() && kind == EntryType::Directory && !name.starts_with('/') {
            continue;
        }
        let path: RelPath =
            inner.parse().map_err(|_| format!("`{shown}` is no plain path inside the archive"))?;
        let target = to.join(path.as_str());
        if kind == EntryType::Directory {
            make(&target).map_err(|error| format!("`{shown}`: {error}"))?;
            continue;
        }
        // Some file systems take `A` and `a` for one name.
        if !names.insert(path.as_str().to_lowercase()) {
            return Err(format!("`{shown}` is in it twice"));
        }
        if let Some(folder) = target.parent() {
            make(folder).map_err(|error| format!("`{shown}`: {error}"))?;
        }
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target);
        let mut new = new.map_err(|error| format!("`{shown}`: {error}"))?;
        let wanted = entry.size();
        let (size, _) = store::copy(&mut entry, &mut new, left).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => format!("it unpacks to more than {} MiB", bounds.bytes >> 20),
            _ => plain(&error),
        })?;
        if size != wanted {
            return Err(format!("it breaks off inside `{shown}`"));
        }
        left -= size;
        files.push(Unpacked { path, executable: mode & 0o111 != 0 });
    }
    Ok(files)
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A stream that ends with an error, however small the archive was that it came from.
struct Bounded<R> {
    stream: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "it unpacks to far too much"))?;
        Ok(count)
    }
}
