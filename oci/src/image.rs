//! An image, and what an engine is told to run of it.
//!
//! Invariant: nothing here depends on which engine described the image.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::environment;
use crate::hash::{is_sha256, sha256_framed};
use crate::reference::ImageRef;

/// What an engine is told to run: a name, or the id of an image it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageName {
    /// By name.
    Ref(ImageRef),
    /// By id, with or without `sha256:`.
    Id(String),
}

impl ImageName {
    /// The argument that names it; `None` for an id that is none.
    pub(crate) fn arg(&self) -> Option<String> {
        match self {
            Self::Ref(name) => Some(name.for_engine()),
            Self::Id(id) => is_sha256(id.strip_prefix("sha256:").unwrap_or(id)).then(|| id.clone()),
        }
    }
}

impl From<ImageRef> for ImageName {
    fn from(name: ImageRef) -> Self {
        Self::Ref(name)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ref(name) => name.fmt(f),
            Self::Id(id) => f.write_str(id),
        }
    }
}

/// What starts a program in a container of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Entrypoint {
    /// The image brings tini, at this place.
    Tini(String),
    /// The engine's init does it.
    EngineInit,
    /// Nothing: the program is process 1. For programs that reap and handle signals themselves.
    None,
}

/// Where a program is that an administrator installs. Anything else that is called tini could be the project's own.
const SYSTEM: [&str; 7] = ["", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// What dwf has to know of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Image {
    /// The id, always with `sha256:`.
    pub id: String,
    /// Names with a tag that point at it.
    pub tags: Vec<String>,
    /// `repository@sha256:…` under which registries know it.
    pub digests: Vec<String>,
    /// What starts before the command.
    pub entrypoint: Vec<String>,
    /// The command, when nobody says another.
    pub command: Vec<String>,
    /// Where it starts; empty is `/`.
    pub workdir: String,
    /// The user it wants; empty is root.
    pub user: String,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Where it wants volumes.
    pub volumes: Vec<String>,
    /// The digests of its layers, lowest first.
    pub layers: Vec<String>,
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// Bytes on disk.
    pub size: u64,
    /// When it was made, RFC 3339.
    pub created: String,
}

/// What images call a processor that a compiler calls so (`x86_64`).
#[must_use]
pub fn architecture(compiler: &str) -> &str {
    match compiler {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

impl Image {
    /// What names the contents of this image, on any engine.
    #[must_use]
    pub fn image_layers_key(&self) -> String {
        sha256_framed(&self.layers)
    }

    /// How a program is started in it.
    #[must_use]
    pub fn entrypoint_policy(&self) -> Entrypoint {
        let program = self.entrypoint.first();
        let parts = program.and_then(|program| program.rsplit_once('/'));
        match (program, parts) {
            (Some(program), Some((folder, "tini" | "tini-static"))) if SYSTEM.contains(&folder) => {
                Entrypoint::Tini(program.clone())
            }
            _ => Entrypoint::EngineInit,
        }
    }

    /// Its variables that change how any program starts, and so also what dwf puts before an action.
    pub fn loader_env(&self) -> impl Iterator<Item = (&str, &str)> {
        let env = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        env.filter(|(name, _)| environment::is_name(name) && environment::is_loaders(name))
    }
}

#[cfg(test)]
mod tests {
    use super::{Entrypoint, Image, ImageName};

    #[test]
    fn entrypoints() {
        let tini = |path: &str| Entrypoint::Tini(path.to_owned());
        for (entrypoint, expected) in [
            (vec!["/usr/bin/tini", "--"], tini("/usr/bin/tini")),
            (vec!["/sbin/tini", "-s", "-g", "--", "/hostile"], tini("/sbin/tini")),
            (vec!["/tini"], tini("/tini")),
            (vec!["tini"], Entrypoint::EngineInit),
            (vec!["./tini"], Entrypoint::EngineInit),
            (vec!["/workspace/tini"], Entrypoint::EngineInit),
            (vec!["/usr/bin/../../workspace/tini"], Entrypoint::EngineInit),
            (vec!["/usr/bin/tini-static"], tini("/usr/bin/tini-static")),
            (vec!["/bin/sh", "-c", "tini"], Entrypoint::EngineInit),
            (vec!["/tini/x"], Entrypoint::EngineInit),
            (vec![], Entrypoint::EngineInit),
        ] {
            let entrypoint = entrypoint.into_iter().map(str::to_owned).collect();
            assert_eq!(Image { entrypoint, ..Image::default() }.entrypoint_policy(), expected);
        }
    }

    #[test]
    fn variables_of_the_loader() {
        let env = ["PATH", "LD_PRELOAD", "LD_X-Y", "GLIBC_TUNABLES", "TINI_VERBOSITY", "OLD_X", "BASH_ENV"];
        let env = env.map(|name| (name.to_owned(), "x".to_owned())).into();
        let image = Image { env, ..Image::default() };
        let names: Vec<_> = image.loader_env().map(|(name, _)| name).collect();
        assert_eq!(names, ["GLIBC_TUNABLES", "LD_PRELOAD", "TINI_VERBOSITY"]);
    }

    #[test]
    fn names() {
        let id = "254ca83b0e3d3e3114eccd50226df3986287e232263a4500385753bb587b4ba1";
        assert_eq!(ImageName::Id(id.to_owned()).arg().as_deref(), Some(id));
        let long = format!("sha256:{id}");
        assert_eq!(ImageName::Id(long.clone()).arg(), Some(long));
        assert_eq!(ImageName::Id("--privileged".to_owned()).arg(), None);
    }
}
