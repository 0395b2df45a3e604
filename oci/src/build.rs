//! Building an image.
//!
//! Invariant: a build names its context, its Dockerfile and its tag; nothing is taken from where dwf happens to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::csv;
use crate::engine::{Engine, EngineKind};
use crate::invocation::Invocation;
use crate::reference::ImageRef;
use crate::source::{SourceError, check_path};

/// What builds, where the engine is Docker. Podman has one of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Builder {
    /// BuildKit: cache mounts, secrets, parallel stages.
    #[default]
    BuildKit,
    /// The builder before it, for clients that have lost BuildKit (see [`is_buildkit_missing`]).
    Classic,
}

/// An image to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The folder that COPY and ADD see.
    pub context: PathBuf,
    /// The Dockerfile, which need not be in the context.
    pub dockerfile: PathBuf,
    /// The stage that is built, if not the last.
    pub target: Option<String>,
    /// Its name.
    pub tag: ImageRef,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Values for ARG.
    pub args: BTreeMap<String, String>,
    /// Variables of proxies, for what is downloaded while building. Builders know these names, and keep
    /// them out of the image and its history.
    pub proxies: BTreeMap<String, String>,
    /// What builds it.
    pub builder: Builder,
}

impl Build {
    /// The command that builds it.
    pub fn run(&self, engine: &Engine) -> Result<Invocation, SourceError> {
        let mut build = engine.command(["build"]);
        if engine.kind == EngineKind::Docker {
            let on = if self.builder == Builder::BuildKit { "1" } else { "0" };
            build = build.env("DOCKER_BUILDKIT", on);
            if self.builder == Builder::Classic {
                // Else the container of a step that failed stays.
                build = build.arg("--force-rm");
            }
        }
        let file = check_path(&self.dockerfile)?;
        build = build.arg(match engine.kind {
            EngineKind::Docker => format!("--file={file}"),
            // Podman takes a list of them, separated by commas.
            EngineKind::Podman => format!("--file={}", csv::field(file)),
        });
        build = build.args(self.target.iter().map(|target| format!("--target={target}")));
        build = build.arg(format!("--tag={}", self.tag));
        build = build.args(self.labels.iter().map(|(key, value)| format!("--label={key}={value}")));
        build = build.args(self.args.iter().map(|(key, value)| format!("--build-arg={key}={value}")));
        if engine.kind == EngineKind::Docker {
            build = build.args(self.proxies.keys().map(|name| format!("--build-arg={name}")));
        }
        build = self.with_proxies(build);
        Ok(build.args(["--", check_path(&self.context)?]))
    }
}

impl Build {
    /// The values go through the environment of the client: Docker's takes them from there for arguments
    /// without one, and Podman hands them to what runs in the build by itself.
    fn with_proxies(&self, line: Invocation) -> Invocation {
        self.proxies.iter().fold(line, |line, (name, value)| line.hidden_env(name, value))
    }
}

/// Whether a Docker client says that it cannot use BuildKit: it wants a plugin that is not there, or its engine is old.
#[must_use]
pub fn is_buildkit_missing(stderr: &str) -> bool {
    stderr.contains("buildx component is missing") || stderr.contains("buildkit not supported by daemon")
}

/// The command that tells, by its exit code, whether there is `buildx`.
#[must_use]
pub fn buildx(engine: &Engine) -> Invocation {
    engine.command(["buildx", "version"])
}

impl Build {
    /// The command that builds it as a target of a bake file, for this processor (`amd64`), into the local engine.
    /// Everything that dwf has read of the file is said once more, so that no variable of the environment changes it.
    pub fn bake(
        &self,
        engine: &Engine,
        file: &Path,
        target: &str,
        architecture: &str,
    ) -> Result<Invocation, SourceError> {
        let set = |key: &str, value: &str| format!("--set={target}.{key}={value}");
        let bake = engine.command(["buildx", "bake"]).arg(format!("--file={}", check_path(file)?));
        let bake = bake
            .arg(set("context", check_path(&self.context)?))
            .arg(set("dockerfile", check_path(&self.dockerfile)?))
            .args(self.target.iter().map(|stage| set("target", stage)))
            .args(self.args.iter().map(|(name, value)| set(&format!("args.{name}"), value)))
            .args(self.proxies.keys().map(|name| format!("--set={target}.args.{name}")))
            .args(self.labels.iter().map(|(name, value)| set(&format!("labels.{name}"), value)))
            .arg(set("tags", &self.tag.to_string()))
            .arg(set("platform", &format!("linux/{architecture}")))
            .arg(set("output", "type=docker"));
        Ok(self.with_proxies(bake).args(["--", target]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Build, Builder, buildx, is_buildkit_missing};
    use crate::engine::{Engine, EngineKind};
    use crate::version::Version;

    fn check(build: &Build, docker: &str, podman: &str) {
        for (kind, expected) in [(EngineKind::Docker, docker), (EngineKind::Podman, podman)] {
            let engine = Engine::new(kind, kind.to_string(), Version::default());
            assert_eq!(build.run(&engine).unwrap().to_string(), expected);
        }
    }

    fn build() -> Build {
        Build {
            context: "/w/my shop".into(),
            dockerfile: "/t/Dockerfile".into(),
            target: None,
            tag: "shop-ci:f00".parse().unwrap(),
            labels: [("dwf.project".to_owned(), "shop".to_owned())].into(),
            args: [("A".to_owned(), "1".to_owned())].into(),
            proxies: BTreeMap::new(),
            builder: Builder::BuildKit,
        }
    }

    #[test]
    fn builds() {
        let rest = "build --file=/t/Dockerfile --tag=shop-ci:f00 --label=dwf.project=shop --build-arg=A=1 -- '/w/my shop'";
        check(&build(), &format!("env DOCKER_BUILDKIT=1 docker {rest}"), &format!("podman {rest}"));
        let classic = Build { builder: Builder::Classic, ..build() };
        let forced = rest.replacen("build ", "build --force-rm ", 1);
        check(&classic, &format!("env DOCKER_BUILDKIT=0 docker {forced}"), &format!("podman {rest}"));

        let engine = Engine::new(EngineKind::Podman, "podman", Version::default());
        let comma = Build { dockerfile: "/t/a,\"b\"".into(), ..build() }.run(&engine).unwrap();
        assert_eq!(comma.args[1], "--file=\"/t/a,\"\"b\"\"\"");
        assert!(Build { context: ".".into(), ..build() }.run(&engine).is_err());
    }

    #[test]
    fn proxies_are_on_no_command_line() {
        let proxies = BTreeMap::from([("HTTP_PROXY".to_owned(), "http://u:s3cret@h".to_owned())]);
        let build = Build { proxies, ..build() };
        let rest = "--tag=shop-ci:f00 --label=dwf.project=shop --build-arg=A=1";
        let docker = format!(
            "env DOCKER_BUILDKIT=1 docker build --file=/t/Dockerfile {rest} --build-arg=HTTP_PROXY -- '/w/my shop'"
        );
        check(&build, &docker, &format!("podman build --file=/t/Dockerfile {rest} -- '/w/my shop'"));
        for kind in EngineKind::ALL {
            let engine = Engine::new(kind, kind.to_string(), Version::default());
            let bake = build.bake(&engine, Path::new("/w/docker-bake.hcl"), "ci", "arm64").unwrap();
            assert!(bake.args.contains(&"--set=ci.args.HTTP_PROXY".to_owned()), "{bake}");
            for line in [build.run(&engine).unwrap(), bake] {
                assert_eq!(line.env["HTTP_PROXY"].as_deref(), Some("http://u:s3cret@h"));
                assert!(!line.args.iter().any(|arg| arg.contains("s3cret")), "{line}");
            }
        }
    }

    #[test]
    fn bakes() {
        let engine = Engine::new(EngineKind::Docker, "docker", Version::default());
        assert_eq!(buildx(&engine).to_string(), "docker buildx version");
        let build = Build { target: Some("final".to_owned()), ..build() };
        let line = build.bake(&engine, Path::new("/w/docker-bake.hcl"), "ci", "arm64").unwrap().to_string();
        assert_eq!(
            line,
            "docker buildx bake --file=/w/docker-bake.hcl '--set=ci.context=/w/my shop' --set=ci.dockerfile=/t/Dockerfile \
             --set=ci.target=final --set=ci.args.A=1 --set=ci.labels.dwf.project=shop --set=ci.tags=shop-ci:f00 \
             --set=ci.platform=linux/arm64 --set=ci.output=type=docker -- ci"
        );
        let line = build.run(&engine).unwrap().to_string();
        assert!(line.contains("--file=/t/Dockerfile --target=final --tag=shop-ci:f00 "), "{line}");
        assert!(is_buildkit_missing(
            "ERROR: BuildKit is enabled but the buildx component is missing or broken."
        ));
    }
}
