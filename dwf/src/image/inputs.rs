//! What can come into an image by its build: two builds with the same hash make the same image, but for what they fetch.
//!
//! Invariant: never too little. What a base image has become, and what a step downloads, is in no hash: as the layers that
//! a builder keeps, an image that was built of the same inputs is as good as a new one.

use std::path::{Path, PathBuf};

use devflow_oci::Fingerprint;
use devflow_oci::dockerfile::{Sources, exclusions, sources};
use devflow_oci::fingerprint::{Inputs, Kind, Warning, literal};
use devflow_oci::hash::sha256_framed;

use super::recipe::{MOST, Recipe};
use crate::files;

/// The first part of what is hashed.
const HEADER: &str = "devflow build 1";
/// The pattern of a whole context.
const ALL: &str = "**";

/// The hash over all that a build reads of the project; the cache root is no part of a build.
pub(super) fn hash(recipe: &Recipe, cache: &Path) -> Result<String, String> {
    let ignore = ignore_files(recipe)?;
    let mut exclude: Vec<String> = cache
        .strip_prefix(&recipe.context)
        .ok()
        .and_then(Path::to_str)
        .filter(|path| !path.is_empty())
        .map(literal)
        .into_iter()
        .collect();
    // Builders differ in which of several such files they read.
    if let [(path, text)] = ignore.as_slice()
        && *path == recipe.context.join(".dockerignore")
    {
        exclude.extend(exclusions(text));
    }
    let read = |patterns: Vec<String>| {
        let inputs = Inputs { patterns, exclude: exclude.clone(), ..Inputs::default() };
        Fingerprint::of_context(&recipe.context, &inputs).map_err(|error| error.to_string())
    };
    let seen = match sources(&recipe.text) {
        Sources::Some(patterns) => {
            let patterns: Vec<String> = patterns.into_iter().collect();
            let seen = read(patterns.clone())?;
            match leads_elsewhere(&patterns, &seen) {
                true => read(vec![ALL.to_owned()])?,
                false => seen,
            }
        }
        Sources::Whole(_) => read(vec![ALL.to_owned()])?,
    };
    let count = ignore.len().to_string();
    let mut parts =
        vec![HEADER, &recipe.text, recipe.stage.as_deref().unwrap_or_default(), &seen.hex, &count];
    parts.extend(ignore.iter().map(|(_, text)| text.as_str()));
    parts.extend(recipe.args.iter().flat_map(|(name, value)| [name.as_str(), value]));
    Ok(sha256_framed(parts))
}

/// The files that can say what of the context is left out, with their text.
fn ignore_files(recipe: &Recipe) -> Result<Vec<(PathBuf, String)>, String> {
    let beside = |end: &str| PathBuf::from(format!("{}{end}", recipe.dockerfile.display()));
    let mut found = Vec::new();
    for path in [
        recipe.context.join(".dockerignore"),
        recipe.context.join(".containerignore"),
        beside(".dockerignore"),
        beside(".containerignore"),
    ] {
        match files::read(&path, MOST) {
            Ok(bytes) => found.push((path, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        }
    }
    Ok(found)
}

/// Whether a builder may follow a link that a source names: what it leads to is no record yet.
fn leads_elsewhere(patterns: &[String], seen: &Fingerprint) -> bool {
    let is_glob = |pattern: &String| pattern.replace("\\*", "").contains('*');
    let has_glob = patterns.iter().any(is_glob);
    let mut links = seen.records.iter().filter(|record| record.kind == Kind::Symlink);
    links.any(|link| has_glob || patterns.contains(&literal(&link.path)))
        || seen.warnings.iter().any(|warning| matches!(warning, Warning::BehindLink(..)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            for path in ["x.lock", "src/a", "src/deep/b", "other", "dist/c", ".git/HEAD", ".cache/devflow/d"]
            {
                tree.write(path, path);
            }
            tree.write(".gitignore", "dist\n");
            tree
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn hash(&self, text: &str) -> String {
            let root = self.0.path().to_owned();
            let recipe = Recipe::new("Dockerfile".to_owned(), root.join("Dockerfile"), text.to_owned(), root);
            hash(&recipe, &self.0.path().join(".cache/devflow")).unwrap()
        }

        /// Whether the hash of a build from this Dockerfile changes with this file.
        #[track_caller]
        fn check(&self, text: &str, path: &str, counts: bool) {
            let before = self.hash(text);
            let old = fs::read_to_string(self.0.path().join(path)).unwrap();
            self.write(path, "changed");
            assert_eq!(self.hash(text) != before, counts, "{path} in {text}");
            self.write(path, &old);
            assert_eq!(self.hash(text), before);
        }
    }

    #[test]
    fn what_counts() {
        let tree = Tree::new();
        tree.check("FROM a\n", "x.lock", false);
        tree.check("FROM a\nCOPY x.lock /\n", "x.lock", true);
        tree.check("FROM a\nCOPY x.lock /\n", "other", false);
        tree.check("FROM a\nCOPY *.lock /\n", "x.lock", true);
        tree.check("FROM a\nCOPY s* /\n", "src/deep/b", true);
        tree.check("FROM a\nCOPY src /src\n", "src/deep/b", true);
        tree.check("FROM a\nCOPY dist /\n", "dist/c", true);
        tree.check("FROM a\nCOPY . /\n", ".git/HEAD", true);
        tree.check("FROM a\nCOPY . /\n", ".cache/devflow/d", false);
        tree.check("FROM a\nCOPY $X /\n", "other", true);
        assert_ne!(tree.hash("FROM a\n"), tree.hash("FROM b\n"));
    }

    #[test]
    fn ignore_rules() {
        let tree = Tree::new();
        tree.write(".dockerignore", "dist\n");
        tree.check("FROM a\nCOPY . /\n", "dist/c", false);
        tree.check("FROM a\nCOPY . /\n", "other", true);
        tree.check("FROM a\n", ".dockerignore", true);
        tree.write("Dockerfile.dockerignore", "other\n");
        tree.check("FROM a\nCOPY . /\n", "dist/c", true);
        tree.check("FROM a\nCOPY . /\n", "other", true);
    }

    #[test]
    fn what_a_link_leads_to() {
        let tree = Tree::new();
        let at = |name: &str| tree.0.path().join(name);
        symlink("other", at("link.lock")).unwrap();
        symlink("src", at("way")).unwrap();
        tree.check("FROM a\nCOPY link.lock /\n", "other", true);
        tree.check("FROM a\nCOPY *.lock /\n", "other", true);
        tree.check("FROM a\nCOPY way/a /\n", "src/a", true);
        // A link in a folder is copied as a link.
        symlink("../other", at("src/link")).unwrap();
        tree.check("FROM a\nCOPY src /\n", "other", false);
    }

    #[test]
    fn stages_and_arguments() {
        let tree = Tree::new();
        let plain = || {
            let root = tree.0.path().to_owned();
            Recipe::new(String::new(), root.join("Dockerfile"), "FROM a\n".to_owned(), root)
        };
        let recipe = |stage: Option<&str>, args: &[(&str, &str)]| Recipe {
            stage: stage.map(str::to_owned),
            args: args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..plain()
        };
        let cache = Path::new("/elsewhere");
        let all = [
            recipe(None, &[]),
            recipe(Some("x"), &[]),
            recipe(None, &[("A", "1")]),
            recipe(None, &[("A", "2")]),
        ];
        let hashes: std::collections::BTreeSet<_> = all.iter().map(|one| hash(one, cache).unwrap()).collect();
        assert_eq!(hashes.len(), all.len());
        let baked = Recipe { bake: Some("ci".to_owned()), ..recipe(None, &[]) };
        assert_eq!(hash(&baked, cache), hash(&all[0], cache));
    }
}
