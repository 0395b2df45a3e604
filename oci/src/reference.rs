//! The name of an image: `repository[:tag][@sha256:…]`.
//!
//! Invariant: an [`ImageRef`] that exists is valid, so it never looks like a flag and never holds a space or a control
//! character.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::is_sha256;

/// A valid name of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRefError {
    name: String,
    problem: &'static str,
}

impl fmt::Display for ImageRefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not the name of an image: {}", self.name, self.problem)
    }
}

impl std::error::Error for ImageRefError {}

const TAG: &str =
    "a tag is at most 128 letters, digits, `_`, `.` and `-`, and begins with neither `.` nor `-`";
const DIGEST: &str = "after `@` comes `sha256:` and 64 hexadecimal digits";
const HOST: &str = "the registry before the first `/` is not a host name with an optional port";
const COMPONENT: &str =
    "each part of the repository is lower-case letters and digits, joined by `.`, `_`, `__` or `-`";

impl ImageRef {
    /// Everything before the tag.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The registry that the name says, if it says one. `localhost` without a port is none: an engine calls what is only
    /// its own so.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        let (host, _) = self.repository.split_once('/')?;
        host.contains(['.', ':']).then_some(host)
    }

    /// The tag, if there is one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// `sha256:…`, if there is one.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Whether it is a repository only, so that a tag may be chosen for it.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// Whether an engine that lists a repository so means this one's: without a registry, Docker leaves out its own, and
    /// Podman writes it, or `localhost`, in front.
    #[must_use]
    pub fn is_listed_as(&self, repository: &str) -> bool {
        let own = self.repository.as_str();
        whole(repository) == whole(own)
            || (!has_host(own) && repository.strip_prefix("localhost/") == Some(own))
    }

    /// The same repository with this tag and no digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ImageRefError> {
        if !is_tag(tag) {
            return Err(ImageRefError { name: format!("{}:{tag}", self.repository), problem: TAG });
        }
        Ok(Self { repository: self.repository.clone(), tag: Some(tag.to_owned()), digest: None })
    }

    /// The same name with this digest (`sha256:…`).
    pub fn with_digest(&self, digest: &str) -> Result<Self, ImageRefError> {
        if !is_digest(digest) {
            return Err(ImageRefError { name: format!("{self}@{digest}"), problem: DIGEST });
        }
        Ok(Self { digest: Some(digest.to_owned()), ..self.clone() })
    }

    /// The name as an engine takes it: where there is a digest, the tag says nothing, and older engines refuse both.
    #[must_use]
    pub fn for_engine(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.repository),
            None => self.to_string(),
        }
    }
}

/// Whether a repository begins with the name of a registry.
fn has_host(repository: &str) -> bool {
    repository.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost")
}

/// A repository with the registry that is meant where none is written.
fn whole(repository: &str) -> String {
    let rest = repository.strip_prefix("index.").unwrap_or(repository);
    match rest.strip_prefix("docker.io/") {
        None if has_host(repository) => repository.to_owned(),
        rest => match rest.unwrap_or(repository) {
            name if name.contains('/') => format!("docker.io/{name}"),
            name => format!("docker.io/library/{name}"),
        },
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_sha256)
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.split('.').all(label) && (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit())
}

fn is_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separator =
        |s: &str| s.is_empty() || s == "." || s == "_" || s == "__" || s.bytes().all(|b| b == b'-');
    component.starts_with(alphanumeric)
        && component.ends_with(alphanumeric)
        && component.split(alphanumeric).all(separator)
}

impl FromStr for ImageRef {
    type Err = ImageRefError;

    fn from_str(name: &str) -> Result<Self, ImageRefError> {
        let error = |problem| ImageRefError { name: name.chars().take(300).collect(), problem };
        let (rest, digest) = match name.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (name, None),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (rest, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(error(DIGEST));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(error(TAG));
        }
        let path = match repository.split_once('/') {
            Some((host, path)) if has_host(repository) => {
                if !is_host(host) {
                    return Err(error(HOST));
                }
                path
            }
            _ => repository,
        };
        if repository.len() > 255 || !path.split('/').all(is_component) {
            return Err(error(COMPONENT));
        }
        let owned = |part: Option<&str>| part.map(str::to_owned);
        Ok(Self { repository: repository.to_owned(), tag: owned(tag), digest: owned(digest) })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl Serialize for ImageRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImageRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::ImageRef;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn valid_names() {
        let pinned = format!("ghcr.io/a/b:1@{DIGEST}");
        for (name, repository, tag, digest) in [
            ("debian", "debian", None, None),
            ("debian:bookworm-slim", "debian", Some("bookworm-slim"), None),
            ("ghcr.io/acme/shop-ci", "ghcr.io/acme/shop-ci", None, None),
            ("127.0.0.1:5000/org/repo-ci", "127.0.0.1:5000/org/repo-ci", None, None),
            ("localhost:5000/x:V_1.0", "localhost:5000/x", Some("V_1.0"), None),
            ("localhost/a__b/c--d.e", "localhost/a__b/c--d.e", None, None),
            ("Registry.Example.com/x", "Registry.Example.com/x", None, None),
            (pinned.as_str(), "ghcr.io/a/b", Some("1"), Some(DIGEST)),
        ] {
            let parsed: ImageRef = name.parse().unwrap();
            assert_eq!(
                (parsed.repository(), parsed.tag(), parsed.digest()),
                (repository, tag, digest),
                "{name}"
            );
            assert_eq!(parsed.to_string(), name);
        }
        for (name, registry) in [
            ("debian", None),
            ("acme/shop-ci", None),
            ("localhost/devflow/shop", None),
            ("localhost:5000/x", Some("localhost:5000")),
            ("ghcr.io/a/b:1", Some("ghcr.io")),
        ] {
            assert_eq!(name.parse::<ImageRef>().unwrap().registry(), registry, "{name}");
        }
        let pinned: ImageRef = pinned.parse().unwrap();
        assert_eq!(pinned.for_engine(), format!("ghcr.io/a/b@{DIGEST}"));
        assert_eq!(pinned.with_tag("f00").unwrap().for_engine(), "ghcr.io/a/b:f00");
    }

    #[test]
    fn names_in_lists() {
        for (name, same, others) in [
            (
                "shop",
                &["shop", "localhost/shop", "docker.io/library/shop", "library/shop"][..],
                &["acme/shop", "localhost/acme/shop", "shop-ci", "quay.io/shop", "docker.io/acme/shop"][..],
            ),
            (
                "acme/shop",
                &["acme/shop", "localhost/acme/shop", "docker.io/acme/shop"],
                &["shop", "a/acme/shop"],
            ),
            (
                "docker.io/library/shop",
                &["shop", "index.docker.io/shop"],
                &["localhost/shop", "quay.io/shop"],
            ),
            (
                "localhost/shop",
                &["localhost/shop"],
                &["shop", "docker.io/library/shop", "localhost/localhost/shop"],
            ),
            (
                "ghcr.io/acme/shop",
                &["ghcr.io/acme/shop"],
                &["acme/shop", "localhost/ghcr.io/acme/shop", "<none>"],
            ),
        ] {
            let name: ImageRef = name.parse().unwrap();
            for listed in same {
                assert!(name.is_listed_as(listed), "{name} {listed}");
            }
            for listed in others {
                assert!(!name.is_listed_as(listed), "{name} {listed}");
            }
        }
    }

    #[test]
    fn invalid_names() {
        let long = format!("x:{}", "a".repeat(129));
        for name in [
            "",
            "-v",
            "--rm",
            "Debian",
            "a b",
            "a\nb",
            "a:",
            "a:-x",
            ":x",
            "a@",
            "a@sha256:12",
            "a//b",
            "/a",
            "a/",
            "a_.b",
            "a___b",
            "a:b:c",
            "-h.io/x",
            "h.io:x/y",
            "h.io:123456/y",
            "a@md5:x",
            "a;b",
            "$(x)",
            "é",
            "../a",
            &long,
        ] {
            assert!(name.parse::<ImageRef>().is_err(), "{name}");
        }
        let error = "debian".parse::<ImageRef>().unwrap().with_tag("a b").unwrap_err();
        assert!(error.to_string().starts_with("\"debian:a b\" is not the name of an image: a tag is"));
    }
}
