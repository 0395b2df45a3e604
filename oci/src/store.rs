//! The images that an engine holds: pulling, pushing, naming, listing and removing them.
//!
//! Invariant: an image is always named by a valid reference or an id, after `--`.

use std::fmt;

use serde::Serialize;

use crate::engine::{Engine, EngineKind};
use crate::hash::is_sha256;
use crate::image::ImageName;
use crate::invocation::Invocation;
use crate::reference::ImageRef;

/// Fetches an image.
#[must_use]
pub fn pull(engine: &Engine, name: &ImageRef) -> Invocation {
    engine.command(["pull", "--"]).arg(name.for_engine())
}

/// Sends an image to its registry.
#[must_use]
pub fn push(engine: &Engine, name: &ImageRef) -> Invocation {
    let push = engine.command(["push"]);
    let push = match engine.kind {
        EngineKind::Docker => push,
        // Podman says it nowhere else: what it sends may be packed otherwise than what it has.
        EngineKind::Podman => push.arg("--digestfile=/dev/stdout"),
    };
    push.arg("--").arg(name.to_string())
}

/// The digest under which the registry has what [`push`] sent, from what it printed.
#[must_use]
pub fn parse_push(stdout: &str) -> Option<String> {
    let digest = |word: &&str| word.strip_prefix("sha256:").is_some_and(is_sha256);
    stdout.split_whitespace().rfind(digest).map(str::to_owned)
}

/// Gives an image one more name.
#[must_use]
pub fn tag(engine: &Engine, image: &ImageName, name: &ImageRef) -> Invocation {
    let image = image.arg().unwrap_or_default();
    engine.command(["tag", "--"]).args([image, name.to_string()])
}

/// Takes a name away, and with the last one the image.
#[must_use]
pub fn remove(engine: &Engine, name: &ImageRef) -> Invocation {
    engine.command(["image", "rm", "--"]).arg(name.to_string())
}

/// Writes an image to standard output, as the archive that `docker load` takes.
#[must_use]
pub fn save(engine: &Engine, image: &ImageName) -> Invocation {
    let save = engine.command(["save"]);
    let save = if engine.is_podman() { save.arg("--format=docker-archive") } else { save };
    save.arg("--").arg(image.arg().unwrap_or_default())
}

/// Whether a failed [`remove`] failed because a container uses the image.
#[must_use]
pub fn is_in_use(stderr: &str) -> bool {
    let stderr = stderr.to_ascii_lowercase();
    ["is in use by a container", "is using its referenced image", "image used by", "container is using"]
        .iter()
        .any(|text| stderr.contains(text))
}

/// A name of an image in an engine's store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// The image's id, with `sha256:`.
    pub id: String,
    /// Its repository; Podman puts `localhost/` before a name without a registry.
    pub repository: String,
    /// Its tag; `None` where it has lost it.
    pub tag: Option<String>,
    /// When it was made, as the engine writes it.
    pub created: String,
    /// Its size, as the engine writes it.
    pub size: String,
}

/// A list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(EngineKind, String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not answer with a list of images but with {:?}", self.0, self.1)
    }
}

impl std::error::Error for StoreError {}

/// Asks for the images with this label, `key` or `key=value`.
#[must_use]
pub fn list(engine: &Engine, label: &str) -> Invocation {
    let columns = "{{.ID}}\t{{.Repository}}\t{{.Tag}}\t{{.CreatedAt}}\t{{.Size}}";
    let list = engine.command(["images", "--no-trunc"]).arg(format!("--filter=label={label}"));
    list.arg(format!("--format={columns}"))
}

/// Reads what [`list`] printed.
pub fn parse_list(engine: &Engine, stdout: &str) -> Result<Vec<Stored>, StoreError> {
    let row = |line: &str| {
        let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let [id, repository, tag, created, size] = <[String; 5]>::try_from(columns)
            .map_err(|_| StoreError(engine.kind, line.chars().take(200).collect()))?;
        let tag = Some(tag).filter(|tag| tag != "<none>");
        let id = if id.starts_with("sha256:") { id } else { format!("sha256:{id}") };
        Ok(Stored { id, repository, tag, created, size })
    };
    stdout.lines().filter(|line| !line.trim().is_empty()).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::{list, parse_list, parse_push, pull, push, remove, tag};
    use crate::engine::{Engine, EngineKind};
    use crate::image::ImageName;
    use crate::version::Version;

    #[test]
    fn invocations() {
        let engine = Engine::new(EngineKind::Docker, "docker", Version::default());
        let name = "ghcr.io/acme/shop-ci:f00".parse().unwrap();
        assert_eq!(pull(&engine, &name).to_string(), "docker pull -- ghcr.io/acme/shop-ci:f00");
        assert_eq!(push(&engine, &name).to_string(), "docker push -- ghcr.io/acme/shop-ci:f00");
        assert_eq!(remove(&engine, &name).to_string(), "docker image rm -- ghcr.io/acme/shop-ci:f00");
        let from = ImageName::Ref("x:1".parse().unwrap());
        assert_eq!(tag(&engine, &from, &name).to_string(), "docker tag -- x:1 ghcr.io/acme/shop-ci:f00");
        assert_eq!(list(&engine, "dwf.project=shop").args[2], "--filter=label=dwf.project=shop");
    }

    #[test]
    fn digests() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for text in [
            format!("The push refers to repository [h/x]\n1: Pushed\nf00: digest: {digest} size: 527\n"),
            digest.clone(),
        ] {
            assert_eq!(parse_push(&text), Some(digest.clone()));
        }
        assert_eq!(parse_push("sha256:12 pushed"), None);
        let podman = Engine::new(EngineKind::Podman, "podman", Version::default());
        let line = push(&podman, &"h.io/x:1".parse().unwrap()).to_string();
        assert_eq!(line, "podman push --digestfile=/dev/stdout -- h.io/x:1");
    }

    #[test]
    fn lists() {
        let engine = Engine::new(EngineKind::Podman, "podman", Version::default());
        let text = "sha256:1\tlocalhost/shop-ci\tf00\t2026-01-01\t77 MB\n2\t<none>\t<none>\tx\t1 B\n";
        let found = parse_list(&engine, text).unwrap();
        assert_eq!(
            (found[0].repository.as_str(), found[0].tag.as_deref()),
            ("localhost/shop-ci", Some("f00"))
        );
        assert_eq!((found[1].id.as_str(), found[1].tag.as_deref()), ("sha256:2", None));
        assert!(parse_list(&engine, "oops").unwrap_err().to_string().contains("\"oops\""));
    }

    #[test]
    fn archives() {
        let line = |kind: EngineKind| {
            let engine = Engine::new(kind, kind.to_string(), Version::default());
            super::save(&engine, &ImageName::Ref("x:1".parse().unwrap())).to_string()
        };
        assert_eq!(line(EngineKind::Docker), "docker save -- x:1");
        assert_eq!(line(EngineKind::Podman), "podman save --format=docker-archive -- x:1");
    }
}
