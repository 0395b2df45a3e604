//! The folder for copy-on-write layers of one run.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A folder that goes away with the run.
pub(in crate::command) struct Scratch(PathBuf);

impl Scratch {
    /// The folder; it need not exist yet, or ever.
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    pub(in crate::command) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The kernel leaves its own folder in each `work` without any permission, and with a rootless
        // engine it is another user's: it can be taken away, but not be looked into.
        for layer in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let kernels = layer.path().join("work/work");
            if std::fs::remove_dir(&kernels).is_err() {
                let _ = std::fs::set_permissions(kernels, std::fs::Permissions::from_mode(0o700));
            }
        }
        // What cannot be removed is found below the cache root, where it is no more than space.
        let _ = std::fs::remove_dir_all(&self.0);
        if let Some(parent) = self.0.parent() {
            let _ = std::fs::remove_dir(parent);
        }
    }
}
