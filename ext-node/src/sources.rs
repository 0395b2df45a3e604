//! Looking for files among the project's own folders.

use devflow_protocol::sdk::{Entry, Failure, Files, paths};

/// Whether a folder, or one a few levels below it, holds a file that `wanted` accepts: it is given
/// the folder's path and the file's name. A folder below that cannot be listed may hold anything,
/// so it counts as one that does.
pub(crate) fn any(
    files: &Files,
    dir: &str,
    depth: u8,
    wanted: &dyn Fn(&str, &str) -> bool,
) -> Result<bool, Failure> {
    let entries = files.entries(dir)?;
    if entries.iter().any(|entry| (!entry.folder || entry.link) && wanted(dir, &entry.name)) {
        return Ok(true);
    }
    let mut inner = entries.iter().filter(|entry| is_source(entry)).take(64);
    let below = |entry: &Entry| any(files, &paths::at(dir, &entry.name), depth - 1, wanted).unwrap_or(true);
    Ok(depth > 0 && inner.any(below))
}

/// Whether this is a folder, itself and no link, that may hold the project's own files.
pub(crate) fn is_source(entry: &Entry) -> bool {
    let foreign = ["node_modules", "bower_components", "dist", "build", "coverage"];
    entry.folder && !entry.link && !entry.is_hidden() && !foreign.contains(&entry.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::files;

    #[test]
    fn files_in_folders() {
        let dir = tempfile::tempdir().unwrap();
        for place in ["a", "b/c", "node_modules"] {
            std::fs::create_dir_all(dir.path().join(place)).unwrap();
        }
        for place in ["a/b.json", "b/c/d.json", "node_modules/e.json"] {
            std::fs::write(dir.path().join(place), "").unwrap();
        }
        std::os::unix::fs::symlink("..", dir.path().join("a/up")).unwrap();
        for (dir_, depth, name, expected) in [
            (".", 0, "b.json", false),
            (".", 1, "b.json", true),
            ("a", 0, "b.json", true),
            (".", 1, "d.json", false),
            (".", 2, "d.json", true),
            ("a", 4, "d.json", false),
            (".", 4, "e.json", false),
        ] {
            let found = any(&files(dir.path()), dir_, depth, &|_, there| there == name).unwrap();
            assert_eq!(found, expected, "{name} in {dir_}, {depth}");
        }
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("out")).unwrap();
        assert!(any(&files(dir.path()), "out", 1, &|_, _| true).is_err());
    }
}
