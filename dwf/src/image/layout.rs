//! What a composed image is built from, as files: a Dockerfile, and a folder with what it copies.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ImageError;
use crate::compose::Composed;
use crate::files;
use crate::owner::Owner;

/// Bytes of a file that a composed image may copy.
const LARGEST: u64 = 16 << 20;

/// A Dockerfile and a context that are in no project; they go away with this value.
#[derive(Debug)]
pub(super) struct Layout {
    /// The Dockerfile.
    pub(super) dockerfile: PathBuf,
    /// What COPY and ADD see.
    pub(super) context: PathBuf,
    _folder: TempDir,
}

impl Layout {
    /// A folder with the text, and beside it one with the files that it copies and nothing else: the whole project would be
    /// sent to the builder, caches included, and its ignore file would hide some of it. Modes are the same everywhere.
    pub(super) fn new(composed: &Composed, root: &Path) -> Result<Self, ImageError> {
        let folder = Owner::me().temporary_folder();
        let folder =
            folder.map_err(|error| ImageError::Layout(PathBuf::from("a temporary folder"), error))?;
        let (dockerfile, context) = (folder.path().join("Dockerfile"), folder.path().join("context"));
        let write = || {
            fs::create_dir(&context)?;
            fs::write(&dockerfile, &composed.text)
        };
        write().map_err(|error| ImageError::Layout(dockerfile.clone(), error))?;
        for file in &composed.files {
            let (from, to) = (root.join(file.as_str()), context.join(file.as_str()));
            copy(&from, &to).map_err(|error| ImageError::Layout(from, error))?;
        }
        Ok(Self { dockerfile, context, _folder: folder })
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mode = match fs::symlink_metadata(from)?.permissions().mode() & 0o100 {
        0 => 0o644,
        _ => 0o755,
    };
    let bytes = files::read_here(from, LARGEST)?;
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(to, bytes)?;
    fs::set_permissions(to, Permissions::from_mode(mode))
}
