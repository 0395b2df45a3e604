//! The values of devflow.lock: hashes, platforms, sources, folders.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use devflow_oci::hash::is_sha256;
use devflow_protocol::path::RelPath;
use serde::{Deserialize, Serialize};

/// A SHA-256, written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Hash(String);

impl Hash {
    /// The hash with these digits; anything else is none.
    pub fn from_hex(hex: &str) -> Option<Self> {
        is_sha256(hex).then(|| Self(hex.to_owned()))
    }

    /// The digits.
    pub fn hex(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some(hex) = text.strip_prefix("sha256:") else {
            return Err("a hash is written `sha256:` and 64 hexadecimal digits".to_owned());
        };
        let count = hex.chars().count();
        match Self::from_hex(hex) {
            Some(hash) => Ok(hash),
            None if is_sha256(&hex.to_ascii_lowercase()) => {
                Err("this hash has upper-case digits; they are written in lower case".to_owned())
            }
            None if count != 64 => Err(format!("this hash has {count} digits, and SHA-256 has 64")),
            None => Err("this hash has characters that are no hexadecimal digits".to_owned()),
        }
    }
}

/// A platform that extensions run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Platform {
    /// 64-bit x86, Linux.
    #[serde(rename = "x86_64-linux")]
    X86Linux,
    /// 64-bit ARM, Linux.
    #[serde(rename = "aarch64-linux")]
    ArmLinux,
    /// 64-bit x86, macOS.
    #[serde(rename = "x86_64-macos")]
    X86Macos,
    /// 64-bit ARM, macOS.
    #[serde(rename = "aarch64-macos")]
    ArmMacos,
    /// All of them.
    #[serde(rename = "any")]
    Any,
}

impl Platform {
    /// Those that native programs are for.
    pub const NATIVE: [Self; 4] = [Self::X86Linux, Self::ArmLinux, Self::X86Macos, Self::ArmMacos];

    /// The one that dwf runs on, where it is one of these.
    pub fn this() -> Option<Self> {
        Self::of(std::env::consts::OS, std::env::consts::ARCH)
    }

    /// The platform of a system and an architecture.
    pub fn of(os: &str, arch: &str) -> Option<Self> {
        Self::NATIVE.into_iter().find(|platform| (platform.os(), platform.arch()) == (os, arch))
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86Linux => "x86_64-linux",
            Self::ArmLinux => "aarch64-linux",
            Self::X86Macos => "x86_64-macos",
            Self::ArmMacos => "aarch64-macos",
            Self::Any => "any",
        }
    }

    /// The operating system.
    pub fn os(self) -> &'static str {
        self.as_str().split_once('-').map_or("any", |(_, os)| os)
    }

    /// The architecture.
    pub fn arch(self) -> &'static str {
        self.as_str().split_once('-').map_or("any", |(arch, _)| arch)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where an extension's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Source {
    /// An address.
    Url(String),
    /// A file or folder of the project.
    Project(RelPath),
    /// A file or folder elsewhere, absolute.
    File(PathBuf),
    /// Beside dwf, or on `PATH`.
    Installed,
}

const INSTALLED: &str = "installed";

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::Project(path) => f.write_str(path.as_str()),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Installed => f.write_str(INSTALLED),
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == INSTALLED {
            return Ok(Self::Installed);
        }
        if let Some(path) = text.strip_prefix("file:") {
            let whole = Path::new(path).is_absolute() && is_straight(path);
            let wrong = || "after `file:` comes an absolute path without `..`".to_owned();
            return whole.then(|| Self::File(path.into())).ok_or_else(wrong);
        }
        match text.split_once(':') {
            Some(("http" | "https", rest)) => check_address(rest).map(|()| Self::Url(text.to_owned())),
            Some((scheme, _)) if !scheme.contains('/') => {
                Err("a source is https://…, a path inside the project, file:/…, or installed".to_owned())
            }
            _ => text.parse().map(Self::Project).map_err(|error| format!("{error}")),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What follows `http:` or `https:`.
fn check_address(rest: &str) -> Result<(), String> {
    let host = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or("");
    if host.is_empty() {
        return Err("this address names no host".to_owned());
    }
    if host.contains('@') {
        return Err("an address in a file that everybody reads holds no user and no password".to_owned());
    }
    match rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{}|".contains(&byte)) {
        true => Ok(()),
        false => Err("this address has characters that no address has".to_owned()),
    }
}

/// Whether a path has no `..` and no control characters.
fn is_straight(path: &str) -> bool {
    !path.chars().any(char::is_control) && path.split('/').all(|part| part != "..")
}

/// A folder of the machine: absolute, or `~/` and a path below the user's home.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Folder(String);

impl Folder {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it is on this machine.
    pub fn path(&self, home: &Path) -> PathBuf {
        match self.0.strip_prefix("~/") {
            Some(below) => home.join(below),
            None => PathBuf::from(&self.0),
        }
    }
}

impl TryFrom<String> for Folder {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rooted = text.strip_prefix("~/").is_some_and(|rest| !rest.is_empty()) || text.starts_with('/');
        match rooted && is_straight(&text) {
            true => Ok(Self(text)),
            false => Err("a folder is absolute or begins with ~/, and has no `..`".to_owned()),
        }
    }
}
