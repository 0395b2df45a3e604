//! A folder that holds of a project what a description says that it reads, and nothing else.

use std::io;
use std::path::Path;

use devflow_protocol::path::RelPath;

use crate::files;

/// Bytes of a file that is copied.
const FILE: u64 = 16 << 20;
/// Entries of a folder that are listed.
const ENTRIES: usize = 10_000;

/// Makes it in `to`: files with their content, folders with entries that are empty.
pub fn make(from: &Path, to: &Path, reads: &[RelPath]) -> io::Result<()> {
    for path in reads {
        let (source, target) = (from.join(path.as_str()), to.join(path.as_str()));
        let Ok(meta) = source.metadata() else { continue };
        if meta.is_dir() {
            std::fs::create_dir_all(&target)?;
            for entry in source.read_dir()?.flatten().take(ENTRIES) {
                let target = target.join(entry.file_name());
                match entry.path().is_dir() {
                    _ if target.exists() => {}
                    true => std::fs::create_dir(target)?,
                    false => std::fs::write(target, "")?,
                }
            }
        } else {
            std::fs::create_dir_all(target.parent().unwrap_or(to))?;
            std::fs::write(target, files::read(&source, FILE)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_whole_and_folders_are_lists() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, text) in [("a", "1"), ("b", "2"), ("d/x", "3"), ("d/y", "4"), ("d/e/z", "5")] {
            let path = from.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let reads = ["a", "d/x", "d", "gone"].map(|path| path.parse().unwrap());
        make(from.path(), to.path(), &reads).unwrap();
        let text = |name: &str| std::fs::read_to_string(to.path().join(name)).ok();
        let found = ["a", "b", "d/x", "d/y", "d/e/z", "gone"].map(text);
        let texts = [Some("1"), None, Some("3"), Some(""), None, None];
        assert_eq!(found, texts.map(|text| text.map(str::to_owned)));
        assert!(to.path().join("d/e").is_dir());
    }
}
