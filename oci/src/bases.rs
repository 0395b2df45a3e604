//! The images that a Dockerfile begins with, and what a registry means by their names.
//!
//! Invariant: a digest is that of the index of all platforms where there is one, never of this machine's part of it.

use std::collections::BTreeSet;

use crate::engine::{Engine, EngineKind};
use crate::hash::is_sha256;
use crate::image::Image;
use crate::invocation::Invocation;
use crate::reference::ImageRef;

/// The images that a Dockerfile names, as it writes them: what its stages begin with, and what is copied from. Stages of
/// its own are none, and neither is the empty `scratch`.
#[must_use]
pub fn named(dockerfile: &str) -> BTreeSet<String> {
    let mut stages = BTreeSet::new();
    let mut images = BTreeSet::new();
    for line in instructions(dockerfile) {
        let mut words = line.split_whitespace();
        let instruction = words.next().unwrap_or_default().to_ascii_uppercase();
        let (flags, words): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with("--"));
        let image = match instruction.as_str() {
            "FROM" => words.first().copied(),
            "COPY" => flags.iter().find_map(|flag| flag.strip_prefix("--from=")),
            _ => None,
        };
        if let Some(image) = image {
            let number = image.bytes().all(|byte| byte.is_ascii_digit());
            let own = number || image == "scratch" || stages.contains(&image.to_ascii_lowercase());
            if !own {
                images.insert(image.to_owned());
            }
        }
        if let ("FROM", [_, "as" | "AS" | "As", stage, ..]) = (instruction.as_str(), words.as_slice()) {
            stages.insert(stage.to_ascii_lowercase());
        }
    }
    images
}

/// The instructions: lines that go on are joined, comments left out.
fn instructions(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let open = line.strip_suffix('\\');
        if let Some(last) = lines.last_mut() {
            last.push_str(open.unwrap_or(line));
        }
        if open.is_none() {
            lines.push(String::new());
        }
    }
    lines
}

/// The digest that a pull says its name stands for. Docker says it; an image that it had before has other digests too.
#[must_use]
pub fn pulled(engine: &Engine, stdout: &str) -> Option<String> {
    let mut lines = stdout.lines().filter(|_| engine.kind == EngineKind::Docker);
    lines.find_map(|line| {
        line.strip_prefix("Digest: ").map(str::trim).filter(|digest| is_digest(digest)).map(str::to_owned)
    })
}

/// The digests under which the registry knows a pulled image: of the index, of this machine's part, and of every index
/// that had the same part before.
#[must_use]
pub fn known(image: &Image, name: &ImageRef) -> BTreeSet<String> {
    let full = |repository: &str| match repository.split_once('/') {
        None => format!("docker.io/library/{repository}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => repository.to_owned(),
        Some(_) => format!("docker.io/{repository}"),
    };
    let of_it = image.digests.iter().filter_map(|digest| digest.split_once('@'));
    let of_it = of_it.filter(|(repository, _)| full(repository) == full(name.repository()));
    of_it.map(|(_, digest)| digest.to_owned()).filter(|digest| is_digest(digest)).collect()
}

/// Asks the registry what stands behind a name. Podman answers in a form of its own, so only answers can be compared.
#[must_use]
pub fn manifest(engine: &Engine, name: &ImageRef) -> Invocation {
    engine.command(["manifest", "inspect", "--"]).arg(name.for_engine())
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_sha256)
}

#[cfg(test)]
mod tests {
    use super::{known, manifest, named, pulled};
    use crate::engine::{Engine, EngineKind};
    use crate::image::Image;
    use crate::version::Version;

    const A: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const B: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn images_of_a_dockerfile() {
        for (text, expected) in [
            ("FROM debian:slim\n", vec!["debian:slim"]),
            (
                "# FROM x\nfrom --platform=$BUILDPLATFORM \\\n  # comment\n  a/b:1 as One\nFROM one\n",
                vec!["a/b:1"],
            ),
            (
                "FROM a AS b\nCOPY --from=b / /\nCOPY --chown=1 --from=c:2 / /\nCOPY --from=0 / /\n",
                vec!["a", "c:2"],
            ),
            ("FROM scratch\nCOPY FROM x\nRUN FROM y\n", vec![]),
            ("ARG BASE=x\nFROM ${BASE}\nFROM b\r\nFROM b", vec!["${BASE}", "b"]),
            ("FROM", vec![]),
        ] {
            assert_eq!(named(text).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_pull_says() {
        let docker = Engine::new(EngineKind::Docker, "docker", Version::default());
        let podman = Engine::new(EngineKind::Podman, "podman", Version::default());
        let stdout = format!("1: Pulling from x\nDigest: {A}\nStatus: Image is up to date for x:1\nx:1\n");
        assert_eq!(pulled(&docker, &stdout).as_deref(), Some(A));
        assert_eq!(pulled(&docker, "Digest: sha256:x\nx Digest: y\n"), None);
        assert_eq!(pulled(&podman, &stdout), None);
        assert_eq!(manifest(&podman, &"x:1".parse().unwrap()).to_string(), "podman manifest inspect -- x:1");
    }

    #[test]
    fn digests_of_the_same_repository_only() {
        let at = |repository: &str, digest: &str| format!("{repository}@{digest}");
        let digests =
            vec![at("debian", A), at("docker.io/library/debian", B), at("h.io/debian", A), at("debian", "x")];
        let image = Image { digests, ..Image::default() };
        let known = |name: &str| known(&image, &name.parse().unwrap()).into_iter().collect::<Vec<_>>();
        assert_eq!(known("debian:slim"), [B, A]);
        assert_eq!(known("h.io/debian:1"), [A]);
        assert!(known("a/debian").is_empty());
    }
}
