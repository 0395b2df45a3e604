//! The engines of a test machine.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::Spec;

/// An engine, and who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Docker, as root.
    Docker,
    /// Podman, as root.
    Podman,
    /// Podman, as the ordinary user that `.ci/engines` made.
    Rootless,
}

/// The ordinary user of rootless Podman.
const USER: &str = "dwf-test";

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Rootless];

    /// What `--engine` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman | Self::Rootless => "podman",
        }
    }

    /// The home of the user; private tests' homes would hide the engine's images.
    pub(crate) fn home(self) -> Option<PathBuf> {
        (self == Self::Rootless).then(|| PathBuf::from(format!("/home/{USER}")))
    }

    /// The user's and group's number.
    pub fn user(self) -> (u32, u32) {
        match self.home() {
            None => (0, 0),
            Some(home) => {
                let meta = home
                    .metadata()
                    .unwrap_or_else(|error| panic!("no user {USER} ({error}): run .ci/engines"));
                (meta.uid(), meta.gid())
            }
        }
    }

    /// A command of the engine's own client, as its user.
    pub fn client(self) -> Spec {
        let spec = Spec::new(self.name()).user(self.user());
        match self.home() {
            None => spec.env("HOME", "/root"),
            Some(home) => {
                let runtime = format!("/run/user/{}", self.user().0);
                spec.env("HOME", &home.to_string_lossy()).env("XDG_RUNTIME_DIR", &runtime)
            }
        }
    }

    /// Fails, with what to do, when the engine does not answer.
    pub fn expect(self) {
        let run = self.client().args(["version"]).run();
        assert_eq!(run.code, 0, "{self:?} does not answer; run .ci/engines and .ci/base-image\n{run}");
    }

    /// The containers of one dwf run or test, by a part of their label or name; `--external` finds
    /// those that Podman has half made.
    pub fn containers(self) -> Vec<String> {
        let mut args = vec!["ps", "--all", "--format", "{{.Names}}"];
        if self != Self::Docker {
            args.push("--external");
        }
        // Podman's list fails when a container that it is about to look at goes away.
        let runs = (0..20).map(|_| self.client().args(args.clone()).run());
        let run = runs.into_iter().find(|run| run.code == 0).expect("a list of containers");
        run.stdout.lines().filter(|name| name.starts_with("dwf-")).map(str::to_owned).collect()
    }
}
