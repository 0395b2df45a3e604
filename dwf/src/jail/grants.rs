//! What a jail lets in: data, and how far it may reach.

use std::path::{Path, PathBuf};

/// What systems keep their programs and libraries in.
const SYSTEM: &[&str] =
    &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store"];

/// What programs read at their start, and devices that answer without remembering.
const FILES: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
];

/// What is readable in a jail; nothing is writable but `/dev/null`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Files, and folders with all that is in them.
    pub read: Vec<PathBuf>,
    /// The same, and what is in them may be executed.
    pub run: Vec<PathBuf>,
}

/// What no grant for the sake of a program may hold: the project, and the places of the user's own
/// files. With links resolved.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The project's root.
    pub project: PathBuf,
    /// The home directory, and those that the XDG specification names.
    pub private: Vec<PathBuf>,
}

impl Bounds {
    /// Bounds around these places; one that is not there cannot be held.
    pub fn new(project: &Path, private: impl IntoIterator<Item = PathBuf>) -> Self {
        let private = private.into_iter().filter_map(|dir| dir.canonicalize().ok()).collect();
        Self { project: project.to_owned(), private }
    }

    /// Whether a folder holds what an extension has no business with, or is anybody's.
    pub fn forbid(&self, dir: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;

        let anybodys = dir.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o002 != 0);
        anybodys || dir.starts_with(&self.project) || self.holds(dir)
    }

    /// Whether the project or a private place is this folder, or in it.
    fn holds(&self, dir: &Path) -> bool {
        self.private.iter().chain([&self.project]).any(|place| place.starts_with(dir))
    }

    /// The folder, or what is in it when it holds what it should not: all but that.
    fn around(&self, dir: &Path, into: &mut Vec<PathBuf>) {
        if !self.holds(dir) {
            into.push(dir.to_owned());
        } else if !self.private.iter().chain([&self.project]).any(|place| place == dir) {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            // A link's target is granted where it is, if at all.
            for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink())) {
                self.around(&entry.path(), into);
            }
        }
    }

    /// What every extension gets: the project, and the system.
    pub fn common(&self) -> Grants {
        let mut run = Vec::new();
        for dir in SYSTEM.iter().filter_map(|dir| Path::new(dir).canonicalize().ok()) {
            if !run.iter().any(|known: &PathBuf| dir.starts_with(known)) {
                self.around(&dir, &mut run);
            }
        }
        let files = FILES.iter().map(PathBuf::from).filter(|file| file.exists());
        Grants { read: files.chain([self.project.clone()]).collect(), run }
    }
}

/// Whether a file is the system's, and so in every jail.
pub fn of_system(file: &Path) -> bool {
    SYSTEM.iter().any(|dir| file.starts_with(dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_grant_holds_what_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["opt/app/bin", "opt/shop/src", "home/me/.local/share", "home/me/py/bin", "open"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(root.join("open"), std::fs::Permissions::from_mode(0o1777)).unwrap();
        let private = [root.join("home/me"), root.join("home/me/.local/share"), root.join("not/there")];
        let bounds = Bounds::new(&root.join("opt/shop"), private);
        for (dir, forbidden) in [
            ("home", true),
            ("home/me", true),
            ("home/me/.local", true),
            ("home/me/.local/share", true),
            ("home/me/py", false),
            ("opt", true),
            ("opt/shop", true),
            ("opt/shop/src", true),
            ("opt/app", false),
            ("open", true),
        ] {
            assert_eq!(bounds.forbid(&root.join(dir)), forbidden, "{dir}");
        }
        let mut around = Vec::new();
        bounds.around(&root.join("opt"), &mut around);
        assert_eq!(around, [root.join("opt/app")]);
        assert!(bounds.common().read.contains(&root.join("opt/shop")));
        assert!(!bounds.common().run.contains(&root.join("opt/shop")));
    }
}
