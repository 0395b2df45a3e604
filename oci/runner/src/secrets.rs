//! Files that are there for some actions, while these are there.
//!
//! Invariant: a file is made by the first action that may see it and removed at the end of the last;
//! nothing that was there before is written over, and no link is followed to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::wire::{Place, Secret, Start};

/// The files, and the actions that each is there for.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<PathBuf, BTreeSet<u32>>);

/// Puts an action's secret variables into each of its choices; what is left are its files.
pub(crate) fn unpack(start: &mut Start) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for Secret { place, value } in std::mem::take(&mut start.secrets) {
        match place {
            Place::Variable(name) => {
                for choice in &mut start.choices {
                    choice.env.insert(name.clone(), Some(value.clone()));
                }
            }
            Place::File(path) => files.push((PathBuf::from(path), value)),
        }
    }
    files
}

impl Files {
    /// Makes files for an action, all or none.
    pub(crate) fn put(&mut self, id: u32, files: &[(PathBuf, String)]) -> Result<(), String> {
        for (path, value) in files {
            if !self.0.contains_key(path)
                && let Err(error) = write(path, value)
            {
                self.release(id);
                return Err(format!("the secret {} cannot be put there: {error}", path.display()));
            }
            self.0.entry(path.clone()).or_default().insert(id);
        }
        Ok(())
    }

    /// Removes what was there for this action alone.
    pub(crate) fn release(&mut self, id: u32) {
        self.0.retain(|path, actions| {
            if actions.remove(&id) && actions.is_empty() {
                // Gone already is as good.
                let _ = fs::remove_file(path);
            }
            !actions.is_empty()
        });
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in self.0.keys() {
            let _ = fs::remove_file(path);
        }
    }
}

fn write(path: &Path, value: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(value.as_bytes()).inspect_err(|_| drop(fs::remove_file(path)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_there_as_long_as_one_may_see_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".some/credentials");
        let wanted = [(file.clone(), "s3cret".to_owned())];
        let mut files = Files::default();
        files.put(1, &wanted).unwrap();
        files.put(2, &wanted).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "s3cret");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(file.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        files.release(1);
        assert!(file.exists());
        files.release(2);
        assert!(!file.exists());
        files.put(3, &wanted).unwrap();
        drop(files);
        assert!(!file.exists());
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("own"), "own").unwrap();
        std::os::unix::fs::symlink(at("elsewhere"), at("link")).unwrap();
        let mut files = Files::default();
        for name in ["own", "link"] {
            let wanted = [(at("first"), "s3cret".to_owned()), (at(name), "s3cret".to_owned())];
            let reason = files.put(1, &wanted).unwrap_err();
            assert!(reason.contains(name) && !reason.contains("s3cret"), "{reason}");
            assert!(!at("first").exists() && !at("elsewhere").exists());
        }
        assert_eq!(fs::read_to_string(at("own")).unwrap(), "own");
    }
}
