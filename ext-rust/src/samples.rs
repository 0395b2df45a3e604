//! Projects written to temporary folders, for the tests of this crate.

use std::fs;
use std::path::Path;

use devflow_protocol::message::Project;
use devflow_protocol::sdk::Failure;

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
    gather(project(files).path(), dir).unwrap().unwrap()
}

/// What is gathered about a member of the project in `root`.
pub(crate) fn gather(root: &Path, dir: &str) -> Result<Option<Facts>, Failure> {
    let root = root.to_str().unwrap().to_owned();
    Facts::gather(&Project { root, dir: dir.parse().unwrap(), name: "x".to_owned() })
}

/// A manifest of a package, with more lines.
pub(crate) fn package(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}\n")
}
