//! Projects written to temporary folders, for the tests of this crate.

use std::fs;

use crate::facts::Facts;

/// A project of these files.
pub(crate) fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let place = root.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    root
}

/// The facts about a member of a project of these files.
pub(crate) fn facts(files: &[(&str, &str)], dir: &str) -> Facts {
    let root = project(files);
    Facts::gather(root.path().to_str().unwrap(), dir).unwrap().unwrap()
}

/// A manifest of a package, with more lines.
pub(crate) fn package(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}\n")
}
