//! What a container sees of this machine's folders, and its folders in memory.
//!
//! Invariant: a mount is written so that no name can become another mount or another option; what cannot be written so
//! is refused.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use crate::csv;
use crate::engine::{Engine, EngineKind};
use crate::source::{SourceError, check_path};
use crate::target::{TargetError, check_target};
use crate::user::UserMapping;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mount {
    /// A file or folder of this machine.
    Bind {
        /// Its canonical path.
        source: PathBuf,
        /// Where the container sees it.
        target: String,
        /// Whether the container may only read it.
        readonly: bool,
    },
    /// A folder of this machine, copy-on-write.
    Overlay {
        /// The folder's canonical path; nothing writes there.
        lower: PathBuf,
        /// An empty folder for what is written; its owner and mode are the mount's.
        upper: PathBuf,
        /// An empty folder beside it, for the kernel.
        work: PathBuf,
        /// Where the container sees it.
        target: String,
    },
    /// A volume that the engine keeps under this name.
    Volume {
        /// Its name.
        name: String,
        /// Where the container sees it.
        target: String,
        /// Whether the container may only read it.
        readonly: bool,
    },
    /// An empty folder in memory, which belongs to the container's user.
    Tmpfs {
        /// Where the container sees it.
        target: String,
        /// Its limits.
        options: TmpfsOptions,
    },
}

/// How a tmpfs is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TmpfsOptions {
    /// At most so many bytes.
    pub size: Option<u64>,
    /// The permissions of the folder; everyone may write unless said otherwise.
    pub mode: u32,
    /// Whether programs in it may be run.
    pub exec: bool,
}

impl Default for TmpfsOptions {
    fn default() -> Self {
        Self { size: None, mode: 0o1777, exec: false }
    }
}

/// Why a mount cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountError {
    /// Its source is refused.
    Source(SourceError),
    /// Its target is refused.
    Target(TargetError),
    /// A `,`, `:` or `\` in a path of a mount that has no way to quote it.
    Unquotable(String),
    /// An option that no tmpfs has.
    TmpfsOption(String),
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Target(error) => error.fmt(f),
            Self::Unquotable(path) => {
                write!(
                    f,
                    "{path:?} cannot be mounted copy-on-write or as a tmpfs: it holds a `,`, `:`, `\\` or quote"
                )
            }
            Self::TmpfsOption(option) => {
                write!(f, "{option:?} is no option of a tmpfs; size=BYTES, mode=OCTAL, exec and noexec are")
            }
        }
    }
}

impl std::error::Error for MountError {}

impl From<SourceError> for MountError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<TargetError> for MountError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl FromStr for TmpfsOptions {
    type Err = MountError;

    /// `size=64m,mode=0755,exec`, in any order; empty is the default.
    fn from_str(text: &str) -> Result<Self, MountError> {
        let mut options = Self::default();
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let error = || MountError::TmpfsOption(option.to_owned());
            match option.split_once('=').unwrap_or((option, "")) {
                ("exec", "") => options.exec = true,
                ("noexec", "") => options.exec = false,
                ("size", size) => options.size = Some(bytes(size).ok_or_else(error)?),
                ("mode", mode) => {
                    let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777);
                    options.mode = mode.ok_or_else(error)?;
                }
                _ => return Err(error()),
            }
        }
        Ok(options)
    }
}

/// `512`, `64k`, `64m`, `1g`: as engines write sizes.
fn bytes(text: &str) -> Option<u64> {
    let (digits, shift) = match text.char_indices().last()? {
        (end, 'k' | 'K') => (&text[..end], 10),
        (end, 'm' | 'M') => (&text[..end], 20),
        (end, 'g' | 'G') => (&text[..end], 30),
        _ => (text, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

impl Mount {
    /// Where the container sees it.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::Bind { target, .. }
            | Self::Overlay { target, .. }
            | Self::Volume { target, .. }
            | Self::Tmpfs { target, .. } => target,
        }
    }

    /// The argument that makes it, for a container of this user.
    pub(crate) fn arg(&self, engine: &Engine, user: &UserMapping) -> Result<String, MountError> {
        check_target(self.target())?;
        match self {
            Self::Bind { source, target, readonly } => Ok(bind(check_path(source)?, target, *readonly)),
            Self::Overlay { lower, upper, work, target } => {
                let [lower, upper, work] = [plain(lower)?, plain(upper)?, plain(work)?];
                unquoted(target)?;
                let layers = format!("upperdir={upper},workdir={work}");
                Ok(match engine.kind {
                    EngineKind::Docker => format!(
                        "--mount=type=volume,dst={target},volume-nocopy,volume-driver=local,volume-opt=type=overlay,\
                         volume-opt=device=overlay,\"volume-opt=o=lowerdir={lower},{layers}\""
                    ),
                    EngineKind::Podman => format!("--volume={lower}:{target}:O,{layers}"),
                })
            }
            Self::Volume { name, target, readonly } => {
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                    return Err(MountError::Unquotable(name.clone()));
                }
                let target = format!("dst={target}");
                // What an image has at this place is not copied: Podman gives an empty volume to its first user anyway.
                let (copy, readonly) = match (engine.kind, readonly) {
                    (EngineKind::Docker, true) => (",volume-nocopy", ",readonly"),
                    (EngineKind::Docker, false) => (",volume-nocopy", ""),
                    (EngineKind::Podman, true) => ("", ",ro"),
                    (EngineKind::Podman, false) => ("", ""),
                };
                Ok(format!("--mount=type=volume,src={name},{}{copy}{readonly}", csv::field(&target)))
            }
            Self::Tmpfs { target, options } => {
                unquoted(target)?;
                let mut arg = format!("--tmpfs={target}:rw,nosuid,nodev,mode={:04o}", options.mode);
                arg.push_str(if options.exec { ",exec" } else { ",noexec" });
                if let Some(size) = options.size {
                    arg.push_str(&format!(",size={size}"));
                }
                // Older runc gives it the mode of the folder that it covers: only its owner is sure to write there.
                // Podman would fill it with what it covers, be that gigabytes.
                match engine.kind {
                    EngineKind::Docker => arg.push_str(&format!(",uid={},gid={}", user.uid, user.gid)),
                    EngineKind::Podman => arg.push_str(",notmpcopyup,U"),
                }
                Ok(arg)
            }
        }
    }
}

fn bind(source: &str, target: &str, readonly: bool) -> String {
    let source = format!("src={source}");
    let target = format!("dst={target}");
    let readonly = if readonly { ",readonly" } else { "" };
    format!("--mount=type=bind,{},{}{readonly}", csv::field(&source), csv::field(&target))
}

/// A path for a syntax without quotes.
fn plain(path: &Path) -> Result<&str, MountError> {
    unquoted(check_path(path)?)
}

fn unquoted(text: &str) -> Result<&str, MountError> {
    if text.contains([',', ':', '\\', '"', '\'']) {
        return Err(MountError::Unquotable(text.to_owned()));
    }
    Ok(text)
}

#[cfg(test)]
#[path = "mount_tests.rs"]
mod tests;
