//! Places in the project's files that an output names: `path:line` or `path:line:column`.
//!
//! Invariant: a place is one of a regular file inside the project, named relative to its root.

use std::path::{Component, Path, PathBuf};

/// Bytes of an output that are looked through.
pub const LOOKED_AT: u64 = 256 << 10;
/// Words that are tried on the disk; a hostile output must not cost more.
const TRIES: usize = 2_000;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, relative to the repository's root.
    pub file: String,
    /// Its line.
    pub line: Option<u32>,
    /// Its column.
    pub column: Option<u32>,
}

/// Where the files of an action are.
#[derive(Debug)]
pub struct Ground<'a> {
    /// The project's root.
    pub root: &'a Path,
    /// The project's root as the action sees it.
    pub workspace: &'a str,
    /// The member's folder, relative to the root.
    pub member: &'a str,
    /// The folder of the root in its repository, with a `/` at its end, or nothing.
    pub prefix: &'a str,
}

impl Ground<'_> {
    /// The first place in a text that is one of the project.
    pub fn first(&self, text: &str) -> Option<Location> {
        let separates = |c: char| c.is_whitespace() || "\"'`()[]{}<>|,;=".contains(c);
        let words = text.split(separates).filter(|word| word.contains(':'));
        let places = words.filter_map(split);
        let mut found = places.take(TRIES).filter_map(|(path, line, column)| {
            Some(Location { file: self.file(path)?, line: Some(line), column })
        });
        found.next()
    }

    /// A file's name relative to the repository, if it is one of the project.
    pub fn file(&self, path: &str) -> Option<String> {
        let path = path.strip_prefix("file://").unwrap_or(path);
        let inside = |root: &str| {
            let rest = path.strip_prefix(root)?.strip_prefix('/')?;
            (!root.is_empty()).then_some(rest)
        };
        let root = self.root.to_string_lossy();
        let candidates = match inside(self.workspace).or_else(|| inside(&root)) {
            Some(rest) => vec![PathBuf::from(rest)],
            None if path.starts_with('/') => return None,
            None => vec![Path::new(self.member).join(path), PathBuf::from(path)],
        };
        let found = candidates.into_iter().find_map(|path| self.there(&path))?;
        Some(format!("{}{found}", self.prefix))
    }

    fn there(&self, path: &Path) -> Option<String> {
        let mut parts = Vec::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::Normal(part) => parts.push(part.to_str()?),
                // What leads elsewhere, even for a while, is no place of the project.
                _ => return None,
            }
        }
        let mut at = self.root.to_owned();
        let (last, folders) = parts.split_last()?;
        for folder in folders {
            at.push(folder);
            at.symlink_metadata().ok().filter(std::fs::Metadata::is_dir)?;
        }
        at.push(last);
        at.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(parts.join("/"))
    }
}

/// `path:line` or `path:line:column`, with whatever follows after another `:`.
fn split(word: &str) -> Option<(&str, u32, Option<u32>)> {
    let (scheme, rest) = match word.strip_prefix("file://") {
        Some(rest) => (word.len() - rest.len(), rest),
        None => (0, word),
    };
    let end = rest.find(':')?;
    let (path, numbers) = (&word[..scheme + end], &rest[end + 1..]);
    let mut numbers = numbers.split(':');
    let line = number(numbers.next()?)?;
    (!path.is_empty()).then_some((path, line, numbers.next().and_then(number)))
}

fn number(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_tools_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("web/src")).unwrap();
        for file in ["web/src/a.x", "top.x"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.join("secret")).unwrap();
        let ground = Ground { root, workspace: "/workspace", member: "web", prefix: "" };
        let own = format!("{}/web/src/a.x:8", root.display());
        for (text, expected) in [
            ("panicked at src/a.x:60:9:", Some("web/src/a.x:60:9")),
            ("  --> src/a.x:3", Some("web/src/a.x:3")),
            ("E  ./src/a.x:3: AssertionError", Some("web/src/a.x:3")),
            ("at f (file:///workspace/web/src/a.x:7:10)", Some("web/src/a.x:7:10")),
            ("Diff in /workspace/top.x:12:", Some("top.x:12")),
            ("top.x:5", Some("top.x:5")),
            (own.as_str(), Some("web/src/a.x:8")),
            ("nothing.x:4 then src/a.x:2", Some("web/src/a.x:2")),
            ("src/a.x:0 src/a.x:-1 src/a.x: src/a.x", None),
            ("../web/src/a.x:3 /etc/passwd:1 link/passwd:1 secret:1 src:1 :1", None),
            ("12:30:45 http://host:80 a::b", None),
        ] {
            let found = ground.first(text).map(|at| {
                let column = at.column.map(|column| format!(":{column}")).unwrap_or_default();
                format!("{}:{}{column}", at.file, at.line.unwrap_or_default())
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        let ground = Ground { prefix: "shop/", ..ground };
        assert_eq!(ground.first("top.x:5").unwrap().file, "shop/top.x");
    }
}
