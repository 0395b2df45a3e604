//! The volumes that an image wants.
//!
//! Invariant: none of them is ever made, so nothing that an image brings lies over what a container is given.

use std::collections::BTreeSet;
use std::fmt;

use crate::mount::{Mount, TmpfsOptions};
use crate::target::check_target;

/// An image's volume that would hide something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeError {
    volume: String,
    /// The target of a mount that it lies in; `None` where nothing may be mounted.
    inside: Option<String>,
}

impl fmt::Display for VolumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { volume, inside } = self;
        match inside {
            Some(target) => write!(
                f,
                "the image has a VOLUME at {volume:?}, which would hide a part of {target}: build it without"
            ),
            None => {
                write!(
                    f,
                    "the image has a VOLUME at {volume:?}, where nothing may be mounted: build it without"
                )
            }
        }
    }
}

impl std::error::Error for VolumeError {}

/// Empty folders in memory in place of an image's volumes, for an engine that cannot be told to leave them out. A place
/// that has a mount already needs none.
pub(crate) fn shadows(volumes: &[String], mounts: &[Mount]) -> Result<Vec<Mount>, VolumeError> {
    let places: BTreeSet<String> = volumes.iter().map(|volume| normal(volume)).collect();
    let mut shadows = Vec::new();
    for volume in places {
        let within = |target: &str| volume.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'));
        if let Some(mount) = mounts.iter().find(|mount| within(mount.target())) {
            return Err(VolumeError { volume, inside: Some(mount.target().to_owned()) });
        }
        if check_target(&volume).is_err() {
            return Err(VolumeError { volume, inside: None });
        }
        if mounts.iter().all(|mount| mount.target() != volume) {
            let options = TmpfsOptions { exec: true, ..TmpfsOptions::default() };
            shadows.push(Mount::Tmpfs { target: volume, options });
        }
    }
    Ok(shadows)
}

/// The only spelling of a path, as engines read it in an image.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::shadows;
    use crate::mount::Mount;

    fn check(volumes: &[&str]) -> Result<Vec<String>, String> {
        let bind =
            |target: &str| Mount::Bind { source: "/s".into(), target: target.to_owned(), readonly: false };
        let mounts = ["/workspace", "/home/dwf", "/run/dwf-runner"].map(bind);
        let volumes: Vec<String> = volumes.iter().map(|&volume| volume.to_owned()).collect();
        match shadows(&volumes, &mounts) {
            Ok(made) => Ok(made.iter().map(|mount| mount.target().to_owned()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn volumes() {
        assert_eq!(check(&["/workspace", "/home/dwf/", "//workspace/x/.."]), Ok(vec![]));
        assert_eq!(
            check(&["/data", "/run", "/data/", "var/lib/x"]).unwrap(),
            ["/data", "/run", "/var/lib/x"]
        );
        for inside in ["/workspace/src", "/home/dwf/.cache/x", "/a/../workspace//x", "/run/dwf-runner/x"] {
            assert!(check(&[inside]).unwrap_err().contains("would hide a part of /"), "{inside}");
        }
        for nowhere in ["/", "", "/proc/self", "/dev", "/sys/x", "/a\n"] {
            let said = check(&["/data", nowhere]).unwrap_err();
            assert!(said.contains("where nothing may be mounted"), "{nowhere:?} {said}");
        }
    }
}
