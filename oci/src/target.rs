//! Where in a container something may be mounted.
//!
//! Invariant: a checked target is absolute, in its only spelling, below neither `/proc`, `/sys` nor `/dev`, and taken
//! once.

use std::collections::BTreeSet;
use std::fmt;

/// Why nothing may be mounted there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// It does not begin with `/`.
    Relative(String),
    /// It is `/`.
    Root,
    /// It holds `..`, `.`, an empty part, or ends with `/`.
    NotNormal(String),
    /// It is, or is below, a place that belongs to the kernel.
    Kernel(String),
    /// It holds a control character.
    Control(String),
    /// Two mounts want it.
    Duplicate(String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relative(target) => write!(f, "the mount target {target:?} is not absolute"),
            Self::Root => f.write_str("nothing can be mounted on \"/\""),
            Self::NotNormal(target) => {
                write!(f, "the mount target {target:?} has an empty, `.` or `..` part, or ends with `/`")
            }
            Self::Kernel(target) => write!(f, "the mount target {target:?} is in /proc, /sys or /dev"),
            Self::Control(target) => write!(f, "the mount target {target:?} holds a control character"),
            Self::Duplicate(target) => write!(f, "two mounts want the target {target:?}"),
        }
    }
}

impl std::error::Error for TargetError {}

/// Checks one target.
pub fn check_target(target: &str) -> Result<(), TargetError> {
    let owned = || target.to_owned();
    if target.chars().any(char::is_control) {
        return Err(TargetError::Control(owned()));
    }
    if target == "/" {
        return Err(TargetError::Root);
    }
    let Some(parts) = target.strip_prefix('/') else {
        return Err(TargetError::Relative(owned()));
    };
    if parts.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(TargetError::NotNormal(owned()));
    }
    if matches!(parts.split('/').next(), Some("proc" | "sys" | "dev")) {
        return Err(TargetError::Kernel(owned()));
    }
    Ok(())
}

/// Checks all targets of a container.
pub fn check_targets<'a>(targets: impl IntoIterator<Item = &'a str>) -> Result<(), TargetError> {
    let mut seen = BTreeSet::new();
    for target in targets {
        check_target(target)?;
        if !seen.insert(target) {
            return Err(TargetError::Duplicate(target.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TargetError as E, check_target, check_targets};

    #[test]
    fn targets() {
        for good in
            ["/workspace", "/home/dwf/.cache/a b", "/w/a,b:c\"d", "/processes", "/w/...", "/etc/passwd", "/é"]
        {
            assert_eq!(check_target(good), Ok(()), "{good}");
        }
        let refused = |error: fn(String) -> E, targets: &[&str]| {
            for target in targets {
                assert_eq!(check_target(target), Err(error((*target).to_owned())));
            }
        };
        refused(E::Relative, &["", "w", "./w", "../w", "~/x"]);
        refused(E::NotNormal, &["//", "/w/", "/w/..", "/..", "/w/./x", "/.", "//w", "/w//x"]);
        refused(E::Kernel, &["/proc", "/proc/self", "/sys", "/sys/fs", "/dev", "/dev/shm"]);
        refused(E::Control, &["/a\nb", "/a\rb", "/a\0b", "/\u{1b}[31m", "/\u{7f}"]);
        assert_eq!(check_target("/"), Err(E::Root));
    }

    #[test]
    fn duplicates() {
        assert_eq!(check_targets(["/w", "/w/a"]), Ok(()));
        assert_eq!(check_targets(["/w", "/x", "/w"]), Err(E::Duplicate("/w".to_owned())));
    }
}
