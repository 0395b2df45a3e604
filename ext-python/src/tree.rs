//! The Python files below a folder.

use devflow_protocol::sdk::{Entry, Failure, Files, paths};

/// Entries of folders that are looked at, in all, and how deep.
const ENTRIES: usize = 20_000;
const DEPTH: usize = 12;

/// The Python files below a folder, relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Their paths, in order.
    pub(crate) files: Vec<String>,
    /// Whether there was more than could be looked at.
    pub(crate) cut: bool,
}

impl Tree {
    /// Those of a folder, without hidden, generated and foreign ones. No link is followed.
    pub(crate) fn gather(files: &Files, top: &str) -> Result<Self, Failure> {
        let mut tree = Self::default();
        let mut budget = ENTRIES;
        let mut todo = vec![(String::new(), 0)];
        while let Some((dir, depth)) = todo.pop() {
            let entries = match files.entries(&paths::at(top, &dir)) {
                Ok(entries) => entries,
                Err(failure) if dir.is_empty() => return Err(failure),
                Err(_) => {
                    tree.cut = true;
                    continue;
                }
            };
            if !dir.is_empty() && entries.iter().any(|entry| entry.name == "pyvenv.cfg") {
                continue;
            }
            tree.cut |= entries.len() >= budget;
            for entry in entries.iter().take(budget).filter(|entry| !entry.is_hidden() && !entry.link) {
                let path = paths::at(&dir, &entry.name);
                if !entry.folder {
                    tree.files.extend(path.ends_with(".py").then_some(path));
                } else if depth == DEPTH {
                    tree.cut = true;
                } else if !is_foreign(entry) {
                    todo.push((path, depth + 1));
                }
            }
            budget = budget.saturating_sub(entries.len());
            if budget == 0 {
                break;
            }
        }
        tree.files.sort();
        Ok(tree)
    }
}

fn is_foreign(folder: &Entry) -> bool {
    let names = ["node_modules", "__pycache__", "site-packages", "target", "build", "dist"];
    names.contains(&folder.name.as_str()) || folder.name.ends_with(".egg-info")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use devflow_protocol::message::Project;

    use super::*;

    #[test]
    fn modules_of_the_project() {
        let project = tempfile::tempdir().unwrap();
        let at = |name: &str| project.path().join(name);
        let deep = "d/".repeat(DEPTH + 1);
        let own = ["a/b/x.py", "a/y.py"];
        let foreign = [
            "a/b/__pycache__/x.py",
            "a/.hidden/x.py",
            "a/env/pyvenv.cfg",
            "a/env/lib/x.py",
            "a/x.txt",
            "z.py",
        ];
        for path in own.iter().chain(&foreign) {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), "").unwrap();
        }
        symlink("..", at("a/b/up")).unwrap();
        symlink("y.py", at("a/link.py")).unwrap();
        let tree = || {
            let root = project.path().to_str().unwrap().to_owned();
            let project = Project { root, dir: "a".parse().unwrap(), name: "x".to_owned() };
            let files = Files::new(&project).unwrap();
            let tree = Tree::gather(&files, "a").unwrap();
            (tree, files.reads().into_iter().map(String::from).collect::<Vec<_>>())
        };
        let (mut expected, reads) = tree();
        assert_eq!(expected, Tree { files: vec!["b/x.py".to_owned(), "y.py".to_owned()], cut: false });
        assert_eq!(reads, [".", "b", "env"]);

        expected.cut = true;
        fs::create_dir_all(at("a").join(&deep)).unwrap();
        assert_eq!(tree().0, expected, "too deep");
        fs::remove_dir_all(at("a/d")).unwrap();
        fs::create_dir(at("a/data")).unwrap();
        for number in 0..=Files::ENTRIES {
            fs::write(at(&format!("a/data/{number}")), "").unwrap();
        }
        assert_eq!(tree().0, expected, "too many");
    }
}
