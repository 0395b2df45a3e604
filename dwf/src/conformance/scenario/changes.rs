//! Whether a folder changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ignore::WalkBuilder;

/// Entries of a folder that are looked at.
const ENTRIES: usize = 50_000;

/// The entries of a folder, as they are at one moment.
#[derive(Debug, Default)]
pub struct Look(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

/// Looks at every entry; a folder of too many cannot be compared.
pub fn look(root: &Path) -> Result<Look, String> {
    let mut entries = BTreeMap::new();
    let walk = WalkBuilder::new(root).standard_filters(false).follow_links(false).build();
    for entry in walk.flatten() {
        if entries.len() == ENTRIES {
            return Err(format!("the project has more than {ENTRIES} files"));
        }
        let Ok(meta) = entry.metadata() else { continue };
        // A folder changes with its entries, which are listed themselves.
        let seen = if meta.is_dir() { (0, None) } else { (meta.len(), meta.modified().ok()) };
        entries.insert(entry.into_path(), seen);
    }
    Ok(Look(entries))
}

impl Look {
    /// The entries that are not what they were in a later look, at most ten.
    pub fn until(&self, later: &Look) -> Vec<String> {
        let all = self.0.keys().chain(later.0.keys().filter(|path| !self.0.contains_key(*path)));
        let changed = all.filter(|path| self.0.get(*path) != later.0.get(*path));
        changed.take(10).map(|path| path.to_string_lossy().into_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_went_or_changed_is_listed() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("kept"), "1").unwrap();
        std::fs::write(file("gone"), "1").unwrap();
        std::fs::write(file("changed"), "1").unwrap();
        let before = look(dir.path()).unwrap();
        assert!(before.until(&look(dir.path()).unwrap()).is_empty());
        std::fs::remove_file(file("gone")).unwrap();
        std::fs::write(file("changed"), "12").unwrap();
        std::fs::create_dir(file("new")).unwrap();
        let changed = before.until(&look(dir.path()).unwrap());
        assert_eq!(changed, ["changed", "gone", "new"].map(|name| file(name).to_string_lossy().into_owned()));
    }
}
