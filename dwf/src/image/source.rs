//! What a build sees: a Dockerfile, and the folder that it copies from.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ImageError;
use crate::compose::Composed;
use crate::files;
use crate::identity::Origin;

/// Bytes of a file that a composed image may copy.
const LARGEST: u64 = 16 << 20;

/// What a build sees.
pub(super) struct Source {
    /// The Dockerfile.
    pub(super) dockerfile: PathBuf,
    /// What COPY and ADD see.
    pub(super) context: PathBuf,
    /// What messages call it.
    pub(super) shown: String,
    /// Goes away with the source.
    _folder: Option<TempDir>,
}

impl Source {
    /// What a build of an image with this origin sees, if it is built at all.
    pub(super) fn of(origin: &Origin, root: &Path) -> Result<Option<Self>, ImageError> {
        match origin {
            Origin::File(path) => Ok(Some(Self {
                dockerfile: root.join(path),
                context: root.to_owned(),
                shown: path.clone(),
                _folder: None,
            })),
            Origin::Composed(composed) => Self::lay_out(composed, root).map(Some),
            Origin::Named | Origin::Nothing => Ok(None),
        }
    }

    /// A folder with the text, and beside it one with the files that it copies and nothing else: the whole project would be
    /// sent to the builder, caches included, and its ignore file would hide some of it. Modes are the same everywhere.
    fn lay_out(composed: &Composed, root: &Path) -> Result<Self, ImageError> {
        let folder = tempfile::Builder::new().prefix("dwf-build-").tempdir();
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
        let stacks: Vec<&str> = composed.stacks.iter().map(String::as_str).collect();
        let shown = match stacks.is_empty() {
            true => "[image] in devflow.toml".to_owned(),
            false => format!("what its stacks need ({})", stacks.join(", ")),
        };
        Ok(Self { dockerfile, context, shown, _folder: Some(folder) })
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
