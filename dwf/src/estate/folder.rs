//! Folders of a run.
//!
//! Invariant: no link is followed, and nothing is removed that belongs to another user.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Removes a folder of copy-on-write layers, and the one around it when it is empty.
pub fn remove_layers(path: &Path) {
    // The kernel leaves its own folder in each `work` without any permission, and with a rootless
    // engine it is another user's: it can be taken away, but not be looked into.
    for layer in fs::read_dir(path).into_iter().flatten().flatten() {
        let kernels = layer.path().join("work/work");
        if fs::remove_dir(&kernels).is_err() {
            let _ = fs::set_permissions(kernels, fs::Permissions::from_mode(0o700));
        }
    }
    // What cannot be removed is found below the cache root, where it is no more than space.
    let _ = fs::remove_dir_all(path);
    if let Some(parent) = path.parent() {
        let _ = fs::remove_dir(parent);
    }
}

/// This user's folders whose path begins so.
pub(super) fn beginning(path: &Path, uid: u32) -> Vec<PathBuf> {
    let (Some(parent), Some(prefix)) = (path.parent(), path.file_name()) else { return Vec::new() };
    let ours = |entry: &fs::DirEntry| {
        let named = entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        named && entry.path().symlink_metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == uid)
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(ours).map(|entry| entry.path()).collect()
}

/// Removes a folder.
pub(super) fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_begins_otherwise_and_what_is_linked_stays() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["dwf-build-7-a/context", "dwf-build-77-a", "kept"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::write(at("dwf-build-7-file"), "").unwrap();
        symlink(at("kept"), at("dwf-build-7-link")).unwrap();
        let uid = dir.path().metadata().unwrap().uid();
        assert_eq!(beginning(&at("dwf-build-7-"), uid + 1), [] as [&Path; 0]);
        assert_eq!(beginning(&at("dwf-build-7-"), uid), [at("dwf-build-7-a")]);
        remove(&at("dwf-build-7-a"));
        assert!(!at("dwf-build-7-a").exists());
        for name in ["dwf-build-77-a", "dwf-build-7-file", "dwf-build-7-link", "kept"] {
            assert!(at(name).exists(), "{name}");
        }
    }

    #[test]
    fn layers_go_with_what_the_kernel_left_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("tmp/run");
        fs::create_dir_all(run.join("deps/work/work")).unwrap();
        fs::create_dir_all(run.join("deps/upper/x")).unwrap();
        fs::set_permissions(run.join("deps/work/work"), fs::Permissions::from_mode(0o0)).unwrap();
        remove_layers(&run);
        assert!(!dir.path().join("tmp").exists());
        remove_layers(&run);
    }
}
