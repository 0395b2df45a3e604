//! A container engine that answered, and what is known of it.
//!
//! Invariant: an [`Engine`] names its program by path; every difference between engines is decided from this value.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::invocation::Invocation;
use crate::version::Version;

/// Which command line an engine understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Docker, and what imitates it well enough.
    Docker,
    /// Podman.
    Podman,
}

impl EngineKind {
    /// Both, in the order in which `auto` tries them.
    pub const ALL: [Self; 2] = [Self::Docker, Self::Podman];
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        })
    }
}

/// A text that names no engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineKindError(String);

impl fmt::Display for EngineKindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no engine; docker and podman are", self.0)
    }
}

impl std::error::Error for EngineKindError {}

impl FromStr for EngineKind {
    type Err = EngineKindError;

    fn from_str(text: &str) -> Result<Self, EngineKindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        found.ok_or_else(|| EngineKindError(text.to_owned()))
    }
}

/// How the engine puts an init process before a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// `--init`: the engine brings one.
    Builtin,
    /// `--init --init-path=…`: this static program, on the engine's machine.
    Path(PathBuf),
    /// None was found: only images that bring their own can be run.
    Absent,
}

impl Init {
    /// Where Podman's machine may have an init, best first. Podman itself looks at the first two; the rest go with
    /// `--init-path`. The one that exists makes [`Init::podman`].
    pub const PODMAN_CANDIDATES: [&'static str; 7] = [
        "/usr/libexec/podman/catatonit",
        "/usr/local/libexec/podman/catatonit",
        "/usr/lib/podman/catatonit",
        "/usr/bin/catatonit",
        "/usr/bin/tini-static",
        "/usr/bin/docker-init",
        "/usr/libexec/docker/docker-init",
    ];

    /// From the first candidate that exists where Podman runs.
    #[must_use]
    pub fn podman(found: Option<PathBuf>) -> Self {
        found.map_or(Self::Absent, Self::Path)
    }
}

/// An engine that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Engine {
    /// Whose command line it speaks.
    pub kind: EngineKind,
    /// The client's path.
    pub program: PathBuf,
    /// The version of the engine (where there is a server: the server's).
    pub version: Version,
    /// Whether it runs without root's powers, so that its root is its caller.
    pub rootless: bool,
    /// Whether it is not on this machine, so that mounts of this machine's folders show another's.
    pub remote: bool,
    /// The client's context where it is not the default one; [`crate::probe::follow_up`] asks what it means.
    pub context: Option<String>,
    /// How to get an init process.
    pub init: Init,
}

impl Engine {
    /// A local, rootful engine.
    #[must_use]
    pub fn new(kind: EngineKind, program: impl Into<PathBuf>, version: Version) -> Self {
        let program = program.into();
        Self { kind, program, version, rootless: false, remote: false, context: None, init: Init::Builtin }
    }

    /// Whether this is Podman.
    #[must_use]
    pub fn is_podman(&self) -> bool {
        self.kind == EngineKind::Podman
    }

    /// The client with these first arguments.
    #[must_use]
    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Invocation {
        Invocation::new(&self.program).args(args)
    }
}

/// `podman 4.3.1 (rootless)`.
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.version)?;
        match (self.rootless, self.remote) {
            (true, true) => f.write_str(" (rootless, remote)"),
            (true, false) => f.write_str(" (rootless)"),
            (false, true) => f.write_str(" (remote)"),
            (false, false) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, EngineKind};
    use crate::version::Version;

    #[test]
    fn names() {
        assert_eq!("docker".parse(), Ok(EngineKind::Docker));
        assert_eq!("podman".parse(), Ok(EngineKind::Podman));
        let error = "Docker".parse::<EngineKind>().unwrap_err();
        assert_eq!(error.to_string(), "\"Docker\" is no engine; docker and podman are");

        let mut engine = Engine::new(EngineKind::Podman, "/usr/bin/podman", Version::new(4, 3, 1));
        assert_eq!(engine.to_string(), "podman 4.3.1");
        engine.rootless = true;
        assert_eq!(engine.to_string(), "podman 4.3.1 (rootless)");
    }
}
