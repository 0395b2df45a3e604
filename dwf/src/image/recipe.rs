//! What the project's image is built from: a Dockerfile, and what a bake file says about it.
//!
//! Invariant: all of it is in the project, and nothing of it is read through a symbolic link.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devflow_oci::bake;

use super::ImageError;
use crate::files;
use crate::identity;
use crate::project::Project;

/// Bytes of a Dockerfile, a bake file or a file of ignore rules.
pub(super) const MOST: u64 = 1 << 20;

/// What an image is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// What the Dockerfile is called to the user.
    pub shown: String,
    /// The Dockerfile, absolute.
    pub dockerfile: PathBuf,
    /// What is in it.
    pub text: String,
    /// The folder that COPY and ADD see.
    pub context: PathBuf,
    /// The stage that is built, if not the last.
    pub stage: Option<String>,
    /// Values for ARG.
    pub args: BTreeMap<String, String>,
    /// The target of the bake file that says so.
    pub bake: Option<String>,
    /// Why the bake file says nothing about it, where there is one that could.
    pub note: Option<String>,
}

impl Recipe {
    /// The project's, if it has one.
    pub fn of(project: &Project) -> Result<Option<Self>, ImageError> {
        let Some(shown) = identity::dockerfile(project) else { return Ok(None) };
        let dockerfile = normal(&project.root, &shown);
        let text = read(project, &dockerfile, &shown)?;
        let plain = Self {
            shown,
            dockerfile,
            text,
            context: project.root.clone(),
            stage: None,
            args: BTreeMap::new(),
            bake: None,
            note: None,
        };
        plain.baked(project).map(Some)
    }

    /// With what the bake file says, if its target for the project's image builds from the same Dockerfile.
    fn baked(self, project: &Project) -> Result<Self, ImageError> {
        let path = project.root.join(bake::FILE);
        if path.symlink_metadata().is_err() {
            return Ok(self);
        }
        let file = bake::File::parse(&read(project, &path, bake::FILE)?).map_err(ImageError::Bake)?;
        let Some(name) = file.chosen() else { return Ok(self) };
        match file.dockerfile(name) {
            // It is for another image, such as that of the product.
            Some(other) if normal(&project.root, &other) != self.dockerfile => {
                let note = format!(
                    "{} does not count: its target `{name}` builds from {other}, not from {}",
                    bake::FILE,
                    self.shown
                );
                return Ok(Self { note: Some(note), ..self });
            }
            Some(_) | None => {}
        }
        let target = file.target(name).map_err(ImageError::Bake)?;
        let context = normal(&project.root, &target.context);
        match context.canonicalize() {
            Ok(real) if real == context && real.is_dir() => {}
            Ok(_) => return Err(wrong(&target.context, "it is no folder of the project, or behind a link")),
            Err(error) => return Err(wrong(&target.context, &error.to_string())),
        }
        Ok(Self { context, stage: target.stage, args: target.args, bake: Some(target.name), ..self })
    }
}

/// A path below the root, in its only spelling.
fn normal(root: &Path, path: &str) -> PathBuf {
    root.join(path).components().collect()
}

fn wrong(path: &str, reason: &str) -> ImageError {
    ImageError::File { path: path.to_owned(), reason: reason.to_owned() }
}

fn read(project: &Project, path: &Path, shown: &str) -> Result<String, ImageError> {
    let wrong = |reason: &str| wrong(shown, reason);
    let real = path.canonicalize().map_err(|error| wrong(&error.to_string()))?;
    // The fingerprint has a link's own text, not what it leads to.
    if real != path || !real.starts_with(&project.root) {
        return Err(wrong("it is a symbolic link, or behind one"));
    }
    let bytes = files::read_here(path, MOST).map_err(|error| wrong(&error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn recipe(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Option<Recipe>, ImageError>) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let recipe = Recipe::of(&Project::load(dir.path()).unwrap());
        (dir, recipe)
    }

    const DOCKERFILE: (&str, &str) = ("Dockerfile.devflow", "FROM a\n");

    #[test]
    fn a_dockerfile_alone() {
        assert!(recipe(&[]).1.unwrap().is_none());
        let (dir, recipe) = recipe(&[DOCKERFILE]);
        let (recipe, root) = (recipe.unwrap().unwrap(), dir.path().canonicalize().unwrap());
        assert_eq!((recipe.context, recipe.dockerfile), (root.clone(), root.join(DOCKERFILE.0)));
        assert_eq!((recipe.text.as_str(), recipe.bake), (DOCKERFILE.1, None));
    }

    #[test]
    fn a_bake_file_says_more() {
        let target = "context = \"ci\"\ndockerfile = \"Dockerfile\"\ntarget = \"x\"\nargs = { A = 1 }";
        let bake = format!("target \"ci\" {{\n{target}\n}}\n");
        let toml = "[project]\nstack = []\n[container]\ndockerfile = \"./ci/Dockerfile\"\n";
        let files = [("ci/Dockerfile", "FROM a\n"), ("devflow.toml", toml), (bake::FILE, &bake)];
        let (dir, recipe) = recipe(&files);
        let recipe = recipe.unwrap().unwrap();
        assert_eq!(recipe.context, dir.path().canonicalize().unwrap().join("ci"));
        assert_eq!((recipe.stage.as_deref(), recipe.bake.as_deref()), (Some("x"), Some("ci")));
        assert_eq!(recipe.args["A"], "1");
    }

    #[test]
    fn a_bake_file_for_something_else_is_left_alone() {
        let product = "target \"default\" {\n  secret = [\"id=x\"]\n}\n";
        let (_dir, recipe) = recipe(&[DOCKERFILE, (bake::FILE, product)]);
        assert_eq!(recipe.unwrap().unwrap().bake, None);
    }

    #[test]
    fn refusals() {
        let secret =
            format!("target \"ci\" {{\n  dockerfile = \"{}\"\n  secret = [\"id=x\"]\n}}\n", DOCKERFILE.0);
        let (_dir, wrong) = recipe(&[DOCKERFILE, (bake::FILE, &secret)]);
        assert!(wrong.unwrap_err().to_string().contains("(line 3) has `secret`"));
        let gone =
            format!("target \"ci\" {{\n  context = \"gone\"\n  dockerfile = \"../{}\"\n}}\n", DOCKERFILE.0);
        assert!(recipe(&[DOCKERFILE, (bake::FILE, &gone)]).1.is_err());
        let dir = tempfile::tempdir().unwrap();
        symlink("/etc/passwd", dir.path().join(DOCKERFILE.0)).unwrap();
        let error = Recipe::of(&Project::load(dir.path()).unwrap()).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }
}
