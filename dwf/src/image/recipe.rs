//! What the project's image is built from: a Dockerfile, and what a bake file says about it; or the composed text.
//!
//! Invariant: all of it is in the project or composed, and nothing of it is read through a symbolic link.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use devflow_oci::bake;

use super::ImageError;
use super::layout::Layout;
use crate::compose::Composed;
use crate::files;
use crate::identity::Origin;
use crate::project::Project;

/// Bytes of a Dockerfile, a bake file or a file of ignore rules.
pub(super) const MOST: u64 = 1 << 20;

/// What an image is built from.
#[derive(Debug, Clone)]
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
    /// Keeps the files of a composed image, which are in no project.
    pub(super) _layout: Option<Arc<Layout>>,
}

impl Recipe {
    /// What an image of this origin is built from, if it is built at all.
    pub fn of(project: &Project, origin: &Origin) -> Result<Option<Self>, ImageError> {
        match origin {
            Origin::File(path) => Self::written(project, path).map(Some),
            Origin::Composed(composed) => Self::composed(project, composed).map(Some),
            Origin::Named | Origin::Nothing => Ok(None),
        }
    }

    pub(super) fn new(shown: String, dockerfile: PathBuf, text: String, context: PathBuf) -> Self {
        let (stage, args, bake, note, _layout) = (None, BTreeMap::new(), None, None, None);
        Self { shown, dockerfile, text, context, stage, args, bake, note, _layout }
    }

    fn written(project: &Project, path: &str) -> Result<Self, ImageError> {
        let dockerfile = normal(&project.root, path);
        let text = read(project, &dockerfile, path)?;
        Self::new(path.to_owned(), dockerfile, text, project.root.clone()).baked(project)
    }

    fn composed(project: &Project, composed: &Composed) -> Result<Self, ImageError> {
        let layout = Layout::new(composed, &project.root)?;
        let stacks: Vec<&str> = composed.stacks.iter().map(String::as_str).collect();
        let shown = match stacks.is_empty() {
            true => "[image] in devflow.toml".to_owned(),
            false => format!("what its stacks need ({})", stacks.join(", ")),
        };
        let (dockerfile, context) = (layout.dockerfile.clone(), layout.context.clone());
        let plain = Self::new(shown, dockerfile, composed.text.clone(), context);
        Ok(Self { _layout: Some(Arc::new(layout)), ..plain })
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
    use crate::identity;

    fn recipe(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Option<Recipe>, ImageError>) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let recipe = of(dir.path());
        (dir, recipe)
    }

    fn of(dir: &Path) -> Result<Option<Recipe>, ImageError> {
        let project = Project::load(dir).unwrap();
        let origin = identity::dockerfile(&project).map_or(Origin::Nothing, Origin::File);
        Recipe::of(&project, &origin)
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
        let error = of(dir.path()).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }
}
