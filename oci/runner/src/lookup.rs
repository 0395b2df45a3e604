//! Where a program is.
//!
//! Invariant: only absolute folders are searched, and the folders that are searched are the PATH that
//! the action sees, so both always mean the same program.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// The folders of one action's PATH, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folders(Vec<PathBuf>);

/// Why a program was not found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// There is none.
    Missing,
    /// There is a file, but it may not be executed.
    Forbidden(PathBuf),
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "there is no such program"),
            Self::Forbidden(path) => write!(f, "{} is not executable here", path.display()),
        }
    }
}

impl Folders {
    /// An action's own folders, then those of a PATH. Relative and empty entries mean the working
    /// directory; they are left out.
    pub(crate) fn new(own: &[String], path: Option<&OsStr>) -> Self {
        let own = own.iter().map(PathBuf::from);
        let rest = path.into_iter().flat_map(std::env::split_paths);
        Self(own.chain(rest).filter(|folder| folder.is_absolute()).collect())
    }

    /// As a value of PATH; `None` when there is no folder, for an empty PATH means the working directory.
    pub(crate) fn to_path(&self) -> io::Result<Option<OsString>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        std::env::join_paths(&self.0).map(Some).map_err(io::Error::other)
    }

    /// A program by its name, or by its path relative to `cwd` when there is a `/` in it.
    pub(crate) fn find(&self, program: &str, cwd: &Path) -> Result<PathBuf, NotFound> {
        if program.contains('/') {
            return check(cwd.join(program).components().collect());
        }
        let mut result = Err(NotFound::Missing);
        for folder in &self.0 {
            match check(folder.join(program)) {
                Ok(path) => return Ok(path),
                Err(NotFound::Missing) => {}
                Err(forbidden) if result == Err(NotFound::Missing) => result = Err(forbidden),
                Err(_) => {}
            }
        }
        result
    }
}

fn check(path: PathBuf) -> Result<PathBuf, NotFound> {
    if !path.is_file() {
        return Err(NotFound::Missing);
    }
    match access(&path, AccessFlags::X_OK) {
        Ok(()) => Ok(path),
        Err(_) => Err(NotFound::Forbidden(path)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folders(own: &[&str], path: &str) -> Folders {
        Folders::new(&own.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), Some(path.as_ref()))
    }

    #[test]
    fn relative_and_empty_entries_are_left_out() {
        let path = folders(&["/own", "own", ""], ":/a:.:b/c::/d:").to_path().unwrap();
        assert_eq!(path, Some("/own:/a:/d".into()));
        assert_eq!(folders(&[], "").to_path().unwrap(), None);
        assert_eq!(folders(&[], ".:").to_path().unwrap(), None);
    }

    #[test]
    fn a_folder_that_would_become_two_is_refused() {
        assert!(folders(&["/a:b"], "/c").to_path().is_err());
    }

    #[test]
    fn the_first_executable_file_is_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (file, mode) in [("plain/tool", 0o644), ("good/tool", 0o755), ("later/tool", 0o755)] {
            fs::create_dir_all(at(file).parent().unwrap()).unwrap();
            fs::write(at(file), "").unwrap();
            fs::set_permissions(at(file), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir_all(at("folder/tool")).unwrap();
        let folders = |names: &[&str]| {
            Folders::new(&names.iter().map(|name| at(name).display().to_string()).collect::<Vec<_>>(), None)
        };
        let find = |names: &[&str], program: &str| folders(names).find(program, dir.path());

        assert_eq!(find(&["none", "folder", "plain", "good", "later"], "tool"), Ok(at("good/tool")));
        assert_eq!(find(&["plain", "folder"], "tool"), Err(NotFound::Forbidden(at("plain/tool"))));
        assert_eq!(find(&["folder"], "tool"), Err(NotFound::Missing));
        assert_eq!(find(&["good"], ""), Err(NotFound::Missing));
        assert_eq!(find(&["good"], ".."), Err(NotFound::Missing));
        assert_eq!(find(&[], "./good/tool"), Ok(at("good/tool")));
        assert_eq!(find(&["good"], "good/none"), Err(NotFound::Missing));
    }
}
