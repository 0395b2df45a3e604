//! What of this machine may be mounted into a container.
//!
//! Invariant: only canonical paths below an allowed root pass, and never one that shows, or holds, a denied place.

use std::fmt;
use std::path::{Component, Path, PathBuf};

/// A place that may not be mounted, nor anything that contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// This place, though what is below it may be.
    Itself(PathBuf),
    /// This place and all below it.
    Tree(PathBuf),
}

impl Denied {
    /// What no machine should show. The caller adds the user's home ([`Denied::Itself`]), its places for secrets and
    /// the engines' sockets ([`Denied::Tree`]).
    #[must_use]
    pub fn system() -> Vec<Self> {
        let trees = ["/boot", "/etc", "/proc", "/sys", "/var/lib/containers", "/var/lib/docker"];
        let themselves = [
            "/bin",
            "/dev",
            "/dev/shm",
            "/home",
            "/lib",
            "/lib32",
            "/lib64",
            "/opt",
            "/root",
            "/run",
            "/run/user",
            "/sbin",
            "/srv",
            "/usr",
            "/usr/bin",
            "/usr/lib",
            "/usr/local",
            "/usr/sbin",
            "/var",
            "/var/lib",
            "/var/run",
        ];
        let tree = |path: &str| Self::Tree(path.into());
        let itself = |path: &str| Self::Itself(path.into());
        trees.into_iter().map(tree).chain(themselves.into_iter().map(itself)).collect()
    }
}

/// Why a path may not be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// Not absolute, or with `..` or the like: the caller did not canonicalise it.
    NotCanonical(PathBuf),
    /// It is not UTF-8, and engines would change it.
    NotUtf8(PathBuf),
    /// It holds a control character, which engines read differently.
    Control(PathBuf),
    /// It is in none of the roots.
    Outside(PathBuf),
    /// It is, is in, or contains this denied place.
    Denied(PathBuf, PathBuf),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCanonical(path) => {
                write!(f, "cannot mount {path:?}: not an absolute path without `.` and `..`")
            }
            Self::NotUtf8(path) => write!(f, "cannot mount {path:?}: its name is not UTF-8"),
            Self::Control(path) => write!(f, "cannot mount {path:?}: its name holds a control character"),
            Self::Outside(path) => {
                write!(f, "cannot mount {path:?}: it is in neither the project nor the cache")
            }
            Self::Denied(path, place) if path == place => write!(f, "refusing to mount {path:?}"),
            Self::Denied(path, place) => {
                write!(f, "refusing to mount {path:?}: it would show what is in {place:?}")
            }
        }
    }
}

impl std::error::Error for SourceError {}

/// Whether the text of a path survives its way through an engine.
pub fn check_path(path: &Path) -> Result<&str, SourceError> {
    let Some(text) = path.to_str() else {
        return Err(SourceError::NotUtf8(path.into()));
    };
    if text.chars().any(char::is_control) {
        return Err(SourceError::Control(path.into()));
    }
    // Components hide `.`, doubled and trailing slashes: the text must be what they make.
    let normal = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute()
        || !normal
        || path.components().collect::<PathBuf>().as_os_str() != path.as_os_str()
    {
        return Err(SourceError::NotCanonical(path.into()));
    }
    Ok(text)
}

/// Checks a path that is to be mounted. All paths are canonical: the caller resolved every link.
pub fn check_source(path: &Path, allowed_roots: &[PathBuf], denied: &[Denied]) -> Result<(), SourceError> {
    check_path(path)?;
    for place in denied {
        let (place, below) = match place {
            Denied::Itself(place) => (place, false),
            Denied::Tree(place) => (place, true),
        };
        if place.starts_with(path) || (below && path.starts_with(place)) {
            return Err(SourceError::Denied(path.into(), place.clone()));
        }
    }
    if !allowed_roots.iter().any(|root| path.starts_with(root)) {
        return Err(SourceError::Outside(path.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    use super::{Denied, SourceError, check_path, check_source};

    fn check(path: &str) -> Result<(), SourceError> {
        let mut denied = Denied::system();
        denied.push(Denied::Itself("/home/me".into()));
        denied.push(Denied::Tree("/home/me/.ssh".into()));
        denied.push(Denied::Tree("/run/user/1000/podman/podman.sock".into()));
        // Even a root that is far too wide opens nothing that is denied.
        check_source(Path::new(path), &["/home/me/shop".into(), "/".into()], &denied)
    }

    #[test]
    fn denied_places() {
        for path in [
            "/",
            "/etc",
            "/etc/ssh",
            "/proc",
            "/proc/self",
            "/sys",
            "/dev",
            "/dev/shm",
            "/boot/x",
            "/usr",
            "/usr/lib",
            "/run",
            "/var/run",
            "/var/lib",
            "/var/lib/docker/x",
            "/var",
            "/home",
            "/home/me",
            "/home/me/.ssh",
            "/home/me/.ssh/id",
            "/run/user",
            "/run/user/1000",
            "/run/user/1000/podman/podman.sock",
        ] {
            assert!(matches!(check(path), Err(SourceError::Denied(..))), "{path}");
        }
        for path in [
            "/home/me/shop",
            "/home/me/shop/.cache",
            "/home/me/.sshx",
            "/var/lib/ci/w",
            "/usr/src/app",
            "/w/a",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn outside() {
        let roots = [PathBuf::from("/w/shop")];
        for path in ["/w", "/w/shopping", "/x"] {
            let path = Path::new(path);
            assert_eq!(check_source(path, &roots, &[]), Err(SourceError::Outside(path.into())));
        }
        assert_eq!(check_source(Path::new("/w/shop/a"), &roots, &[]), Ok(()));
    }

    #[test]
    fn texts() {
        for path in ["", "w", "./w", "/w/..", "/w/./x", "/w/", "/w//x", "//w"] {
            assert_eq!(check_path(Path::new(path)), Err(SourceError::NotCanonical(path.into())), "{path}");
        }
        for path in ["/w\nx", "/w\u{1b}", "/\u{85}"] {
            assert_eq!(check_path(Path::new(path)), Err(SourceError::Control(path.into())));
        }
        let error = check_path(Path::new(OsStr::from_bytes(b"/w\xff"))).unwrap_err();
        assert_eq!(error.to_string(), "cannot mount \"/w\\xFF\": its name is not UTF-8");
        for path in ["/", "/w", "/w/p,src=/etc", "/w/ a:b\"c= "] {
            assert_eq!(check_path(Path::new(path)), Ok(path));
        }
    }
}
