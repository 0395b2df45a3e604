//! Asking a client which engine it speaks to, and reading the answer.
//!
//! Invariant: one cheap call decides nearly everything; unknown members are ignored, and a text that is no answer is an
//! error that quotes it.

use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::engine::{Engine, EngineKind, Init};
use crate::invocation::Invocation;
use crate::version::Version;

/// What the caller knows about this machine and the client does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The effective user id of whoever starts the client.
    pub euid: u32,
    /// `DOCKER_HOST` as the client will see it.
    pub docker_host: Option<String>,
}

/// Why a client's answer names no engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeError {
    /// The client works, the engine behind it did not answer.
    NoServer(EngineKind),
    /// Not what such a client prints.
    NotAnAnswer(EngineKind, String),
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer(kind) => write!(f, "the {kind} client works, but no engine answers it"),
            Self::NotAnAnswer(kind, text) => {
                write!(f, "{kind} did not answer with its version but with {text:?}")
            }
        }
    }
}

impl std::error::Error for ProbeError {}

/// The call that tells version, liveness and, for nearly all, the rest. 20 to 30 ms on either engine; `info` costs from
/// twice to ten times that.
#[must_use]
pub fn version(kind: EngineKind, program: &Path) -> Invocation {
    let format = match kind {
        EngineKind::Docker => "{{json .}}",
        EngineKind::Podman => "json",
    };
    Invocation::new(program).args(["version", "--format", format])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    client: Option<Part>,
    server: Option<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    version: String,
    context: Option<String>,
    /// Podman's alone, so it betrays a `docker` that is Podman.
    os_arch: Option<String>,
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: Option<String>,
}

/// Reads what [`version`] printed on stdout, whatever its exit code. The kind may differ from the one asked for: a
/// `docker` that is Podman in disguise is Podman.
pub fn parse_version(
    asked: EngineKind,
    program: &Path,
    stdout: &str,
    facts: &Facts,
) -> Result<Engine, ProbeError> {
    let not_an_answer = || ProbeError::NotAnAnswer(asked, stdout.trim().chars().take(200).collect());
    let answer: Answer = serde_json::from_str(stdout).map_err(|_| not_an_answer())?;
    let mut client = answer.client.ok_or_else(not_an_answer)?;
    let context = client.context.take().filter(|context| context != "default");
    let kind = if client.os_arch.is_some() { EngineKind::Podman } else { EngineKind::Docker };
    let has_server = answer.server.is_some();
    let part = match (kind, answer.server) {
        (_, Some(server)) => server,
        (EngineKind::Podman, None) => client,
        (EngineKind::Docker, None) => return Err(ProbeError::NoServer(asked)),
    };
    let version: Version = part.version.parse().map_err(|_| not_an_answer())?;
    let mut engine = Engine::new(kind, program, version);
    match kind {
        EngineKind::Docker => {
            let mut components = part.components.into_iter().flatten();
            engine.rootless = components.any(|component| component.name.as_deref() == Some("rootlesskit"));
            engine.context = context;
            if let (None, Some(host)) = (&engine.context, &facts.docker_host) {
                apply_endpoint(&mut engine, host);
            }
        }
        EngineKind::Podman => {
            // Only a client of another machine's Podman prints a server.
            engine.remote = has_server;
            engine.rootless = facts.euid != 0;
            engine.init = if has_server { Init::Builtin } else { Init::Absent };
        }
    }
    Ok(engine)
}

/// The one more call that some engines need before they are fully known.
#[must_use]
pub fn follow_up(engine: &Engine) -> Option<Invocation> {
    match (&engine.kind, &engine.context) {
        (EngineKind::Docker, Some(context)) => Some(engine.command([
            "context",
            "inspect",
            "--format",
            "{{json .Endpoints.docker.Host}}",
            "--",
            context,
        ])),
        (EngineKind::Podman, _) if engine.remote => {
            Some(engine.command(["info", "--format", "{{json .Host.Security.Rootless}}"]))
        }
        _ => None,
    }
}

/// Completes an engine from what [`follow_up`] printed.
pub fn refine(mut engine: Engine, stdout: &str) -> Result<Engine, ProbeError> {
    let error = || ProbeError::NotAnAnswer(engine.kind, stdout.trim().chars().take(200).collect());
    match engine.kind {
        EngineKind::Docker => {
            let host: String = serde_json::from_str(stdout).map_err(|_| error())?;
            apply_endpoint(&mut engine, &host);
        }
        EngineKind::Podman => engine.rootless = serde_json::from_str(stdout).map_err(|_| error())?,
    }
    Ok(engine)
}

/// A daemon older than 23 does not list rootlesskit; its socket's place tells.
fn apply_endpoint(engine: &mut Engine, endpoint: &str) {
    match endpoint.strip_prefix("unix://") {
        Some(socket) => engine.rootless |= socket.starts_with("/run/user/"),
        None => engine.remote = !endpoint.is_empty() && !endpoint.starts_with("npipe:"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Facts, ProbeError, follow_up, parse_version, refine, version};
    use crate::engine::{Engine, EngineKind::*, Init};
    use crate::version::Version;

    const DOCKER: &str = r#"{"Client":{"Version":"28.2.2","Context":"default","New":1},"Server":{"Platform":{"Name":""},
        "Components":[{"Name":"Engine","Version":"20.10.24+dfsg1"},{"Name":"runc"}],"Version":"20.10.24+dfsg1"}}"#;
    const ROOTLESS: &str = r#"{"Client":{"Version":"28.0.1","Context":"rootless"},
        "Server":{"Components":[{"Name":"rootlesskit"}],"Version":"28.0.1"}}"#;
    const NO_SERVER: &str = r#"{"Client":{"Version":"28.2.2","Context":"default"},"Server":null}"#;
    const PODMAN: &str = r#"{"Client":{"APIVersion":"4.3.1","Version":"4.3.1","OsArch":"linux/amd64"}}"#;
    const PODMAN_REMOTE: &str = r#"{"Client":{"Version":"5.1.0","OsArch":"darwin/arm64"},
        "Server":{"Version":"5.0.3","OsArch":"linux/arm64"}}"#;

    fn parse(
        kind: crate::EngineKind,
        text: &str,
        euid: u32,
        host: Option<&str>,
    ) -> Result<Engine, ProbeError> {
        let facts = Facts { euid, docker_host: host.map(str::to_owned) };
        parse_version(kind, Path::new("/bin/e"), text, &facts)
    }

    #[test]
    fn invocations() {
        assert_eq!(version(Docker, Path::new("/bin/e")).to_string(), "/bin/e version --format '{{json .}}'");
        assert_eq!(version(Podman, Path::new("/bin/e")).to_string(), "/bin/e version --format json");
    }

    #[test]
    fn docker() {
        let engine = parse(Docker, DOCKER, 1000, None).unwrap();
        assert_eq!(engine, Engine::new(Docker, "/bin/e", Version::new(20, 10, 24)));
        assert_eq!(follow_up(&engine), None);
        let local = parse(Docker, DOCKER, 1000, Some("unix:///run/user/1000/docker.sock")).unwrap();
        assert!(local.rootless && !local.remote);
        let remote = parse(Docker, DOCKER, 1000, Some("tcp://10.0.0.1:2376")).unwrap();
        assert!(!remote.rootless && remote.remote);
        assert_eq!(parse(Docker, NO_SERVER, 0, None), Err(ProbeError::NoServer(Docker)));
    }

    #[test]
    fn docker_contexts() {
        let engine = parse(Docker, ROOTLESS, 1000, Some("")).unwrap();
        assert!(engine.rootless && !engine.remote);
        let line = follow_up(&engine).unwrap().to_string();
        assert_eq!(line, "/bin/e context inspect --format '{{json .Endpoints.docker.Host}}' -- rootless");
        assert!(!refine(engine.clone(), "\"unix:///run/user/1000/docker.sock\"\n").unwrap().remote);
        assert!(refine(engine.clone(), "\"ssh://me@there\"").unwrap().remote);
        assert!(refine(engine, "oops").unwrap_err().to_string().contains("\"oops\""));
    }

    #[test]
    fn podman() {
        let root = parse(Podman, PODMAN, 0, None).unwrap();
        assert!(!root.rootless && !root.remote && root.init == Init::Absent);
        assert!(parse(Podman, PODMAN, 1000, None).unwrap().rootless);
        let shim = parse(Docker, PODMAN, 0, Some("tcp://ignored")).unwrap();
        assert_eq!(
            shim,
            Engine { init: Init::Absent, ..Engine::new(Podman, "/bin/e", Version::new(4, 3, 1)) }
        );

        let remote = parse(Podman, PODMAN_REMOTE, 501, None).unwrap();
        assert!(remote.remote && remote.version == Version::new(5, 0, 3));
        let line = follow_up(&remote).unwrap().to_string();
        assert_eq!(line, "/bin/e info --format '{{json .Host.Security.Rootless}}'");
        assert!(!refine(remote, "false").unwrap().rootless);
    }

    #[test]
    fn not_an_answer() {
        for text in ["", "Usage: x", "{}", "[]", r#"{"Client":{"Version":"x","OsArch":"y"}}"#] {
            let error = parse(Docker, text, 0, None).unwrap_err();
            assert_eq!(error, ProbeError::NotAnAnswer(Docker, text.to_owned()));
        }
    }
}
