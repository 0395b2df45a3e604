//! The packages of a workspace: folders that patterns such as `packages/*` name.
//!
//! Invariant: bounded; a pattern never leads out of the folder that has it.

use std::collections::BTreeSet;

use devflow_protocol::sdk::{Failure, Files, paths};

use crate::manifest::Manifest;
use crate::sources::is_source;

/// Packages that are looked at.
const PACKAGES: usize = 512;
/// How deep `**` goes.
const DEPTH: usize = 5;

/// A package of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Package {
    /// Its folder, seen from the workspace's root.
    pub(crate) dir: String,
    pub(crate) manifest: Manifest,
}

/// The packages of the workspace at `root` that these patterns name.
pub(crate) fn packages(files: &Files, root: &str, patterns: &[String]) -> Result<Vec<Package>, Failure> {
    let mut found = BTreeSet::new();
    for pattern in patterns {
        let (taken, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, pattern.as_str()),
        };
        let parts: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.contains(&"..") || pattern.len() > 128 {
            continue;
        }
        if taken {
            found.retain(|dir: &String| !fits(&parts, &dir.split('/').collect::<Vec<_>>()));
        } else {
            expand(files, root, ".", &parts, 0, &mut found)?;
        }
    }
    let mut packages = Vec::new();
    for dir in found {
        if let Some(manifest) = Manifest::read(files, &paths::at(root, &dir))? {
            packages.push(Package { dir, manifest });
        }
    }
    Ok(packages)
}

fn expand(
    files: &Files,
    root: &str,
    dir: &str,
    parts: &[&str],
    depth: usize,
    found: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    if found.len() >= PACKAGES || depth > DEPTH + 8 {
        return Ok(());
    }
    let Some((first, rest)) = parts.split_first() else {
        if dir != "." && files.has(&paths::at(root, &paths::at(dir, "package.json")))? {
            found.insert(dir.to_owned());
        }
        return Ok(());
    };
    if *first == "**" {
        expand(files, root, dir, rest, depth, found)?;
        if depth >= DEPTH {
            return Ok(());
        }
    } else if !first.contains(['*', '?', '{', '[']) {
        return expand(files, root, &paths::at(dir, first), rest, depth + 1, found);
    }
    for entry in files.entries(&paths::at(root, dir))?.into_iter().filter(is_source) {
        let inner = paths::at(dir, &entry.name);
        match *first {
            "**" => expand(files, root, &inner, parts, depth + 1, found)?,
            _ if fits_part(first, &entry.name) => expand(files, root, &inner, rest, depth + 1, found)?,
            _ => {}
        }
    }
    Ok(())
}

fn fits(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), None) => fits(rest, path),
        (Some((&"**", rest)), Some((_, tail))) => fits(rest, path) || fits(pattern, tail),
        (Some((first, rest)), Some((name, tail))) => fits_part(first, name) && fits(rest, tail),
        _ => false,
    }
}

/// Whether a name fits a pattern that may also have `{a,b}`.
fn fits_part(pattern: &str, name: &str) -> bool {
    if let Some((before, (choices, after))) =
        pattern.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        return choices.split(',').any(|choice| fits_part(&format!("{before}{choice}{after}"), name));
    }
    paths::fits(pattern, name)
}

/// The patterns of a pnpm-workspace.yaml.
pub(crate) fn pnpm_patterns(text: &str) -> Vec<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("packages:")).peekable();
    let inline = lines.next().and_then(|line| line.split_once('[')?.1.split_once(']'));
    let plain = |item: &str| item.trim().trim_matches(['"', '\'']).to_owned();
    if let Some((items, _)) = inline {
        return items.split(',').map(plain).filter(|item| !item.is_empty()).collect();
    }
    lines
        .map(|line| line.split(" #").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map_while(|line| line.strip_prefix('-').map(plain))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("{web,api}", "api", true),
            ("a?", "ab", true),
            ("ä*", "äö", true),
        ] {
            assert_eq!(fits_part(pattern, name), expected, "{pattern} {name}");
        }
        assert!(fits(&["**", "test"], &["a", "b", "test"]));
        assert!(!fits(&["*"], &["a", "b"]));
    }

    #[test]
    fn pnpm() {
        let text = "# x\npackages:\n  - 'packages/*' # all\n  # but\n\n  - \"!**/test/**\"\nonlyBuiltDependencies:\n  - a\n";
        assert_eq!(pnpm_patterns(text), ["packages/*", "!**/test/**"]);
        assert_eq!(pnpm_patterns("packages: [a, 'b/*']\n"), ["a", "b/*"]);
        assert!(pnpm_patterns("catalog:\n  - x\n").is_empty());
    }

    #[test]
    fn folders() {
        let dir = tempfile::tempdir().unwrap();
        for package in ["packages/a", "packages/b", "packages/node_modules/x", "apps/web", "apps/deep/er"] {
            std::fs::create_dir_all(dir.path().join(package)).unwrap();
            std::fs::write(dir.path().join(package).join("package.json"), "{}").unwrap();
        }
        let files = crate::samples::files(dir.path());
        let check = |patterns: &[&str], expected: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            let found = packages(&files, ".", &patterns).unwrap();
            assert_eq!(found.iter().map(|package| package.dir.as_str()).collect::<Vec<_>>(), expected);
        };
        check(&["packages/*"], &["packages/a", "packages/b"]);
        check(&["./packages/a", "../x", "packages/none"], &["packages/a"]);
        check(&["**", "!packages/b"], &["apps/deep/er", "apps/web", "packages/a"]);
    }
}
