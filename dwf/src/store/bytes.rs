//! Files and trees as bytes: hashed, copied, bounded.
//!
//! Invariant: a tree has regular files and folders only, and its listing names every file with its
//! bytes and whether it may be executed; a tree of the same listing is the same tree.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use devflow_oci::hash::{hex, sha256_framed};
use sha2::{Digest, Sha256};

use super::MAX_BYTES;
use crate::files;

/// Files that a tree may have.
const MAX_FILES: usize = 10_000;

/// Folders inside each other that a tree may have.
const MAX_DEPTH: usize = 32;

/// Copies at most `most` bytes; gives how many they were, and their hash.
pub fn copy(from: &mut impl Read, to: &mut impl Write, most: u64) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut count = 0;
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => return Ok((count, hex(&hasher.finalize()))),
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        count += piece.len() as u64;
        if count > most {
            return Err(too_large());
        }
        hasher.update(piece);
        to.write_all(piece)?;
    }
}

/// The hash of a regular file that is no link.
pub fn hash_file(path: &Path) -> io::Result<String> {
    copy(&mut files::open_here(path)?, &mut io::sink(), MAX_BYTES).map(|(_, hash)| hash)
}

/// The hash of a tree's listing.
pub fn hash_tree(root: &Path) -> io::Result<String> {
    let mut left = MAX_BYTES;
    let mut parts: Vec<String> = vec!["devflow tree 1".to_owned()];
    for file in list(root)? {
        let mut from = files::open_here(&root.join(&file.path))?;
        let (count, hash) = copy(&mut from, &mut io::sink(), left)?;
        left -= count;
        parts.extend([file.path, if file.executable { "x" } else { "-" }.to_owned(), hash]);
    }
    Ok(sha256_framed(parts))
}

/// Copies a tree into an empty folder.
pub fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let mut left = MAX_BYTES;
    for file in list(from)? {
        let target = to.join(&file.path);
        if let Some(folder) = target.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut new = create(&target)?;
        let (count, _) = copy(&mut files::open_here(&from.join(&file.path))?, &mut new, left)?;
        left -= count;
        seal(&new, file.executable)?;
    }
    Ok(())
}

/// A new file that is not there yet.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes a file what it will stay: on disk, and not to be written again.
pub fn seal(file: &File, executable: bool) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(if executable { 0o500 } else { 0o400 }))?;
    file.sync_all()
}

/// A file of a tree.
pub struct Listed {
    /// Relative, with `/`.
    pub path: String,
    /// Whether it may be executed.
    pub executable: bool,
}

/// The files below a folder, by path.
pub fn list(root: &Path) -> io::Result<Vec<Listed>> {
    let mut files = Vec::new();
    let mut open = vec![(String::new(), 0)];
    while let Some((folder, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err(refused(&folder, "is nested too deeply"));
        }
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| refused(&name.to_string_lossy(), "is not UTF-8"))?;
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let meta = entry.metadata()?;
            if meta.is_dir() {
                open.push((path, depth + 1));
            } else if meta.is_file() {
                let executable = meta.permissions().mode() & 0o111 != 0;
                files.push(Listed { path, executable });
            } else {
                return Err(refused(&path, "is neither a regular file nor a folder"));
            }
            if files.len() + open.len() > MAX_FILES {
                return Err(refused(&folder, &format!("has more than {MAX_FILES} files")));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn refused(path: &str, reason: &str) -> io::Error {
    let path = if path.is_empty() { "it" } else { path };
    let path = crate::error::printable(path, 200);
    io::Error::new(io::ErrorKind::InvalidInput, format!("{path} {reason}"))
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {} MiB", MAX_BYTES >> 20))
}
