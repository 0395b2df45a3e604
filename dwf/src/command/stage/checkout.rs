//! What a project's `.git` leads to, where that is not in the project.
//!
//! Invariant: a container is shown no repository but the one that itself says that this project is its worktree. Neither
//! a file of the project nor one beside it can name another.

use std::path::{Path, PathBuf};

use devflow_oci::source::{Denied, check_source};

use super::prepared::{owner_of, write};
use crate::error::Error;
use crate::files;
use crate::lower::REPOSITORY;
use crate::world::World;

/// Bytes of a file that names a folder.
const NAME: u64 = 8 << 10;

/// Where the repository of a project is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checkout {
    /// In the project, or nowhere.
    Inside,
    /// In this folder, which knows the project by this name.
    Worktree(PathBuf, String),
    /// Where a container cannot see it; why.
    Outside(String),
}

impl Checkout {
    /// Looks at a project.
    pub(super) fn of(root: &Path) -> Self {
        let own = root.join(".git");
        let Ok(meta) = own.symlink_metadata() else {
            return match root.ancestors().skip(1).find(|dir| dir.join(".git").symlink_metadata().is_ok()) {
                Some(dir) => Self::Outside(format!("its repository begins further up, in {}", dir.display())),
                None => Self::Inside,
            };
        };
        if meta.is_dir() {
            return match own.join("objects/info/alternates").symlink_metadata() {
                Ok(_) => Self::Outside("its repository borrows objects from another one".to_owned()),
                Err(_) => Self::Inside,
            };
        }
        if !meta.is_file() {
            return Self::Outside("its `.git` is a link".to_owned());
        }
        match linked(root) {
            Some(found) => found,
            None => Self::Outside("its `.git` leads to no repository of this user that knows it".to_owned()),
        }
    }

    /// Its folder and a file that leads there; `None` where nothing is to be mounted.
    pub(super) fn files(
        &self,
        world: &World,
        denied: &[Denied],
    ) -> Result<Option<(PathBuf, PathBuf)>, Error> {
        let Self::Worktree(folder, name) = self else { return Ok(None) };
        check_source(folder, std::slice::from_ref(folder), denied)
            .map_err(super::container::StageError::Source)?;
        let text = format!("gitdir: {REPOSITORY}/worktrees/{name}\n");
        let link = world.state()?.join("git").join(devflow_oci::hash::sha256(&text));
        write(&link, &text)?;
        Ok(Some((folder.clone(), link)))
    }
}

/// What the file `.git` of a project leads to; `None` is nothing that can be believed.
fn linked(root: &Path) -> Option<Checkout> {
    let named = first_line(&root.join(".git"))?;
    let named = Path::new(named.strip_prefix("gitdir: ")?);
    let own = root.join(named).canonicalize().ok()?;
    if own.starts_with(root) && named.is_relative() {
        return Some(Checkout::Inside);
    }
    let Some(common) = first_line(&own.join("commondir")) else {
        let head = own.join("HEAD").is_file();
        return head.then(|| Checkout::Outside("it is a submodule, whose repository is outside".to_owned()));
    };
    let folder = own.join(common).canonicalize().ok()?;
    let name = own.file_name()?.to_str().filter(|name| !name.chars().any(char::is_control))?;
    // What leads back lies in the repository itself, so only who may write there has written it.
    let back = own.join(first_line(&own.join("gitdir"))?).canonicalize().ok()?;
    let its_own = own.parent()? == folder.join("worktrees") && back == root.join(".git");
    let same_owner = owner_of(&folder).ok()?.0 == owner_of(root).ok()?.0;
    (its_own && same_owner).then(|| Checkout::Worktree(folder.clone(), name.to_owned()))
}

fn first_line(path: &Path) -> Option<String> {
    let text = String::from_utf8(files::read(path, NAME).ok()?).ok()?;
    Some(text.lines().next()?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        /// A repository with a worktree; the latter's `.git`, and what leads back.
        fn worktree(link: &str, back: &str) -> Self {
            let tree = Self::new();
            let at = tree.path("").to_string_lossy().into_owned();
            let at = at.trim_end_matches('/');
            tree.write("main/.git/HEAD", "ref: refs/heads/main\n");
            tree.write("main/.git/worktrees/w/commondir", "../..\n");
            tree.write("main/.git/worktrees/w/gitdir", &back.replace("AT", at));
            tree.write("w/.git", &link.replace("AT", at));
            tree
        }
    }

    fn why(checkout: &Checkout) -> &str {
        match checkout {
            Checkout::Outside(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn worktrees() {
        for (link, back) in [
            ("gitdir: AT/main/.git/worktrees/w\n", "AT/w/.git\n"),
            ("gitdir: ../main/.git/worktrees/w\n", "../../../../w/.git\n"),
        ] {
            let tree = Tree::worktree(link, back);
            let expected = Checkout::Worktree(tree.path("main/.git"), "w".to_owned());
            assert_eq!(Checkout::of(&tree.path("w")), expected);
        }
    }

    /// A folder that came from elsewhere says that it is a worktree of a repository that does not know it.
    #[test]
    fn what_only_pretends() {
        let refused = |tree: &Tree| {
            let found = Checkout::of(&tree.path("w"));
            assert!(why(&found).contains("no repository of this user that knows it"), "{found:?}");
        };
        refused(&Tree::worktree("gitdir: AT/main/.git/worktrees/w\n", "AT/other/.git\n"));
        refused(&Tree::worktree("gitdir: AT/main/.git/worktrees/none\n", "AT/w/.git\n"));
        refused(&Tree::worktree("nonsense", "AT/w/.git\n"));
        refused(&Tree::worktree(&format!("gitdir: {}", "x".repeat(10_000)), "AT/w/.git\n"));
        // A folder of its own, whose `commondir` leads to somebody else's repository.
        let tree = Tree::worktree("gitdir: AT/own/worktrees/w\n", "AT/w/.git\n");
        tree.write("own/worktrees/w/commondir", &tree.path("main/.git").to_string_lossy());
        tree.write("own/worktrees/w/gitdir", &tree.path("w/.git").to_string_lossy());
        refused(&tree);
    }

    #[test]
    fn other_places() {
        let tree = Tree::new();
        tree.write("a/.git/HEAD", "");
        tree.write("a/member/x", "");
        assert_eq!(Checkout::of(&tree.path("a")), Checkout::Inside);
        assert!(why(&Checkout::of(&tree.path("a/member"))).contains("begins further up"));
        tree.write("a/.git/objects/info/alternates", "/elsewhere\n");
        assert!(why(&Checkout::of(&tree.path("a"))).contains("borrows"));

        tree.write("s/.git/modules/m/HEAD", "");
        tree.write("s/m/.git", "gitdir: ../.git/modules/m\n");
        assert!(why(&Checkout::of(&tree.path("s/m"))).contains("submodule"));

        tree.write("b/.git", "gitdir: ./.bare\n");
        tree.write("b/.bare/HEAD", "");
        assert_eq!(Checkout::of(&tree.path("b")), Checkout::Inside);
        std::fs::create_dir(tree.path("l")).unwrap();
        std::os::unix::fs::symlink(tree.path("a/.git"), tree.path("l/.git")).unwrap();
        assert!(why(&Checkout::of(&tree.path("l"))).contains("a link"));
    }
}
