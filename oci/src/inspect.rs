//! An engine's description of an image.
//!
//! Invariant: what either engine prints becomes the same [`Image`], whatever else it prints; an absent image is an
//! answer, not an error.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::engine::Engine;
use crate::image::{Image, ImageName};
use crate::invocation::Invocation;
use crate::reference::ImageRef;

/// Why an engine did not describe an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// The engine failed, and not because there is no such image.
    Engine(String),
    /// Its answer is not one.
    NotAnAnswer(String),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(stderr) => write!(f, "the engine cannot inspect an image: {stderr:?}"),
            Self::NotAnAnswer(problem) => {
                write!(f, "the engine's description of an image makes no sense: {problem}")
            }
        }
    }
}

impl std::error::Error for ImageError {}

/// Asks for an image.
#[must_use]
pub fn inspect(engine: &Engine, name: &ImageRef) -> Invocation {
    engine.command(["image", "inspect", "--"]).arg(name.for_engine())
}

/// Asks for an image by its id.
#[must_use]
pub fn inspect_id(engine: &Engine, id: &str) -> Invocation {
    let id = ImageName::Id(id.to_owned()).arg().unwrap_or_default();
    engine.command(["image", "inspect", "--"]).arg(id)
}

/// Asks for several images at once.
#[must_use]
pub fn inspect_all<'a>(engine: &Engine, names: impl IntoIterator<Item = &'a ImageName>) -> Invocation {
    engine
        .command(["image", "inspect", "--"])
        .args(names.into_iter().map(|name| name.arg().unwrap_or_default()))
}

/// Reads what [`inspect_all`] printed: as many images as were asked for, in that order.
pub fn parse_inspect_all(stdout: &str, asked: usize) -> Result<Vec<Image>, ImageError> {
    let images: Vec<Inspect> =
        serde_json::from_str(stdout).map_err(|problem| ImageError::NotAnAnswer(problem.to_string()))?;
    match images.len() == asked {
        true => Ok(images.into_iter().map(Image::from).collect()),
        false => Err(ImageError::NotAnAnswer(format!("{} images of {asked}", images.len()))),
    }
}

/// Reads what [`inspect`] printed; `None` where the engine has no such image.
pub fn parse_inspect(success: bool, stdout: &str, stderr: &str) -> Result<Option<Image>, ImageError> {
    if !success {
        return if is_no_such_image(stderr) {
            Ok(None)
        } else {
            Err(ImageError::Engine(stderr.trim().chars().take(1000).collect()))
        };
    }
    let images: Vec<Inspect> =
        serde_json::from_str(stdout).map_err(|problem| ImageError::NotAnAnswer(problem.to_string()))?;
    let image = images.into_iter().next().ok_or_else(|| ImageError::NotAnAnswer("it is empty".to_owned()))?;
    Ok(Some(image.into()))
}

/// Whether an engine says that it has no such image, as opposed to any other failure.
#[must_use]
pub fn is_no_such_image(stderr: &str) -> bool {
    let stderr = stderr.to_ascii_lowercase();
    ["no such image", "image not known", "failed to find image"].iter().any(|text| stderr.contains(text))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspect {
    id: String,
    #[serde(default, deserialize_with = "null")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "null")]
    repo_digests: Vec<String>,
    #[serde(default, deserialize_with = "null")]
    config: Config,
    #[serde(default, deserialize_with = "null", rename = "RootFS")]
    root: Root,
    #[serde(default, deserialize_with = "null")]
    os: String,
    #[serde(default, deserialize_with = "null")]
    architecture: String,
    #[serde(default, deserialize_with = "null")]
    size: u64,
    #[serde(default, deserialize_with = "null")]
    created: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    #[serde(deserialize_with = "words")]
    entrypoint: Vec<String>,
    #[serde(deserialize_with = "words", rename = "Cmd")]
    command: Vec<String>,
    #[serde(deserialize_with = "null", rename = "WorkingDir")]
    workdir: String,
    #[serde(deserialize_with = "null")]
    user: String,
    #[serde(deserialize_with = "null")]
    env: Vec<String>,
    #[serde(deserialize_with = "null")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "null")]
    volumes: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Root {
    #[serde(deserialize_with = "null")]
    layers: Vec<String>,
}

/// Engines write `null` for what is empty.
fn null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Older engines write one word without a list.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Words::One(word)) => vec![word],
        Some(Words::Many(words)) => words,
    })
}

impl From<Inspect> for Image {
    fn from(inspect: Inspect) -> Self {
        let id = inspect.id;
        let pair = |text: String| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (text, String::new()),
        };
        Self {
            id: if id.contains(':') { id } else { format!("sha256:{id}") },
            tags: inspect.repo_tags,
            digests: inspect.repo_digests,
            entrypoint: inspect.config.entrypoint,
            command: inspect.config.command,
            workdir: inspect.config.workdir,
            user: inspect.config.user,
            env: inspect.config.env.into_iter().map(pair).collect(),
            labels: inspect.config.labels,
            volumes: inspect.config.volumes.into_keys().collect(),
            layers: inspect.root.layers,
            os: inspect.os,
            architecture: inspect.architecture,
            size: inspect.size,
            created: inspect.created,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageError, inspect, inspect_id, parse_inspect};
    use crate::engine::{Engine, EngineKind};
    use crate::version::Version;

    const DOCKER: &str = r#"[{"Id":"sha256:254c","RepoTags":["debian:slim"],"RepoDigests":[],
        "Config":{"User":"","Env":["PATH=/bin","X=a=b"],"Cmd":["bash"],"Volumes":null,"Entrypoint":null,"Labels":null},
        "Architecture":"amd64","Os":"linux","Size":73808678,"RootFS":{"Type":"layers","Layers":["sha256:cb05"]}}]"#;
    const PODMAN: &str = r#"[{"Id":"9a0e","RepoTags":null,"RepoDigests":["docker.io/library/debian@sha256:aad4"],
        "Config":{"Env":["PATH=/bin"],"Entrypoint":["/usr/bin/tini","--"],"User":"dwf","WorkingDir":"/data","Volumes":{"/v":{}},
        "Labels":{"k":"v"}},"RootFS":{"Layers":["sha256:cb05"]},"Labels":{"k":"v"},"Annotations":{}}]"#;

    #[test]
    fn both_engines() {
        let docker = parse_inspect(true, DOCKER, "").unwrap().unwrap();
        let podman = parse_inspect(true, PODMAN, "a warning").unwrap().unwrap();
        assert_eq!((docker.id.as_str(), podman.id.as_str()), ("sha256:254c", "sha256:9a0e"));
        assert_eq!(docker.env["X"], "a=b");
        assert!(docker.entrypoint.is_empty() && docker.labels.is_empty() && docker.workdir.is_empty());
        assert_eq!((docker.command.len(), podman.workdir.as_str()), (1, "/data"));
        assert_eq!((podman.user.as_str(), podman.labels["k"].as_str()), ("dwf", "v"));
        assert_eq!(podman.entrypoint, ["/usr/bin/tini", "--"]);
        assert_eq!(podman.volumes, ["/v"]);
        assert_eq!(docker.image_layers_key(), podman.image_layers_key());
    }

    #[test]
    fn old_and_odd() {
        let one_word =
            parse_inspect(true, r#"[{"Id":"1","Config":{"Entrypoint":"/x"}}]"#, "").unwrap().unwrap();
        assert_eq!(one_word.entrypoint, ["/x"]);
        assert!(parse_inspect(true, r#"[{"Id":"1"}]"#, "").unwrap().is_some());
        for text in ["", "[]", "{}", "[{}]"] {
            assert!(matches!(parse_inspect(true, text, ""), Err(ImageError::NotAnAnswer(_))), "{text}");
        }
    }

    #[test]
    fn absent_or_broken() {
        for stderr in [
            "Error: No such image: nope:x",
            "Error response from daemon: no such image: nope:x: No such image: nope:x",
            "Error: inspecting object: nope:x: image not known",
        ] {
            assert_eq!(parse_inspect(false, "[]\n", stderr), Ok(None));
        }
        let error = parse_inspect(false, "", "Cannot connect to the Docker daemon\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the engine cannot inspect an image: \"Cannot connect to the Docker daemon\""
        );
    }

    #[test]
    fn invocation() {
        let engine = Engine::new(EngineKind::Docker, "docker", Version::default());
        let line = inspect(&engine, &"debian:slim".parse().unwrap()).to_string();
        assert_eq!(line, "docker image inspect -- debian:slim");
        let id = format!("sha256:{}", "0".repeat(64));
        assert_eq!(inspect_id(&engine, &id).to_string(), format!("docker image inspect -- {id}"));
    }
}
