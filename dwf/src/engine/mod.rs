//! Finding a container engine that answers.
//!
//! Invariant: no program that the project or another user could have put on `PATH` is started.

mod memory;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_oci::probe::{self, Facts};
use devflow_oci::version::Version;
use devflow_oci::{Engine, EngineKind, Init, Invocation};

use crate::config::EngineChoice;
use crate::discover::{executable, search_path};
use crate::error::{Exit, Explain};
use crate::process::{self, CaptureError, Captured, Process};
use crate::world::World;
use memory::Memory;

/// How long an engine that was named has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long each engine has when dwf looks for one.
pub const LOOK: Duration = Duration::from_secs(2);
/// Bytes kept of what an engine's client says.
const BOUND: usize = 4 << 20;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Its client is not installed.
    #[error("{0} was asked for, and no `{0}` is on PATH")]
    Missing(EngineKind),
    /// It gives no answer.
    #[error("{kind} does not answer: {reason}")]
    Silent {
        /// Which.
        kind: EngineKind,
        /// What it says.
        reason: String,
    },
    /// None of them is there.
    #[error("no container engine answers")]
    None(Vec<String>),
}

impl Explain for EngineError {
    fn exit(&self) -> Exit {
        Exit::Engine
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::None(lines) => {
                Some(lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
            }
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(kind) => {
                Some(format!("install {kind}, or let dwf look for an engine: --engine auto"))
            }
            Self::Silent { kind: EngineKind::Docker, .. } => {
                Some("is its daemon running, and may you use its socket? try: docker version".to_owned())
            }
            Self::Silent { kind: EngineKind::Podman, .. } => Some("try: podman info".to_owned()),
            Self::None(_) => {
                Some("install Docker or Podman, or run on this machine with: --profile host".to_owned())
            }
        }
    }
}

/// Whether what a client said of itself before is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// While nothing has changed that could change its answer: an engine that broke meanwhile says so soon enough.
    Remembered,
    /// No: it is asked.
    Asked,
}

/// Finds the engine that was chosen, or the first that answers.
pub async fn find(
    choice: EngineChoice,
    root: &Path,
    world: &World,
    belief: Belief,
) -> Result<Engine, EngineError> {
    let kinds: &[EngineKind] = match choice {
        EngineChoice::Docker => return ask(EngineKind::Docker, PATIENCE, root, world, belief).await,
        EngineChoice::Podman => return ask(EngineKind::Podman, PATIENCE, root, world, belief).await,
        EngineChoice::Auto => &EngineKind::ALL,
    };
    let mut tried = Vec::new();
    for kind in kinds {
        match ask(*kind, LOOK, root, world, belief).await {
            Ok(engine) => return Ok(engine),
            Err(EngineError::Missing(kind)) => tried.push(format!("{kind} is not installed")),
            Err(error) => tried.push(error.to_string()),
        }
    }
    Err(EngineError::None(tried))
}

/// The engine that will be asked first, before anybody knows whether it answers.
pub fn guess(choice: EngineChoice, root: &Path, world: &World) -> Option<Engine> {
    let kinds: &[EngineKind] = match choice {
        EngineChoice::Docker => &[EngineKind::Docker],
        EngineChoice::Podman => &[EngineKind::Podman],
        EngineChoice::Auto => &EngineKind::ALL,
    };
    kinds.iter().find_map(|kind| {
        let program = on_path(&kind.to_string(), root, world)?;
        Some(Engine::new(*kind, program, Version::default()))
    })
}

async fn ask(
    kind: EngineKind,
    patience: Duration,
    root: &Path,
    world: &World,
    belief: Belief,
) -> Result<Engine, EngineError> {
    let program = on_path(&kind.to_string(), root, world).ok_or(EngineError::Missing(kind))?;
    let silent = |reason: String| EngineError::Silent { kind, reason };
    let facts = Facts { euid: world.uid, docker_host: world.var("DOCKER_HOST").map(str::to_owned) };
    let parse = |stdout: &str| probe::parse_version(kind, &program, stdout, &facts);
    let memory = (kind == EngineKind::Podman).then(|| Memory::of(&program, world)).flatten();
    let said = memory.as_ref().filter(|_| belief == Belief::Remembered).and_then(Memory::recall);
    let mut engine = match said.and_then(|said| parse(&said).ok()) {
        Some(engine) => engine,
        None => {
            let said = run(&probe::version(kind, &program), world, patience).await;
            let said = said.map_err(|error| silent(reason(&error)))?;
            let engine = parse(&said.stdout)
                .map_err(|error| silent(last_line(&said.stderr).unwrap_or_else(|| error.to_string())))?;
            if let Some(Err(error)) = memory.map(|memory| memory.keep(&engine, &said.stdout)) {
                tracing::debug!(target: "devflow::engine", "not remembered: {error}");
            }
            engine
        }
    };
    if let Some(question) = probe::follow_up(&engine) {
        let said = run(&question, world, patience).await.map_err(|e| silent(reason(&e)))?;
        engine = probe::refine(engine, &said.stdout).map_err(|error| silent(error.to_string()))?;
    }
    if engine.is_podman() && !engine.remote {
        let there = |path: &&&str| PathBuf::from(path).is_file();
        engine.init = Init::podman(Init::PODMAN_CANDIDATES.iter().find(there).map(PathBuf::from));
    }
    Ok(engine)
}

/// Runs a short call of the engine's client.
pub async fn run(
    invocation: &Invocation,
    world: &World,
    deadline: Duration,
) -> Result<Captured, CaptureError> {
    tracing::debug!(target: "devflow::engine", "\n{invocation}");
    process::capture(invocation, &world.env, deadline, BOUND).await
}

/// Runs a call of the engine's client until `stop` comes first; then its process is the caller's to end.
pub async fn run_unless<T>(
    invocation: &Invocation,
    world: &World,
    stop: impl Future<Output = T>,
) -> Result<Result<Captured, CaptureError>, (T, Process)> {
    tracing::debug!(target: "devflow::engine", "\n{invocation}");
    process::capture_unless(invocation, &world.env, BOUND, stop).await
}

/// As [`run_unless`], with the client's output in a file that may have at most `most` bytes.
pub async fn pour_unless<T>(
    invocation: &Invocation,
    world: &World,
    (file, most): (File, u64),
    stop: impl Future<Output = T>,
) -> Result<Result<Captured, CaptureError>, (T, Process)> {
    tracing::debug!(target: "devflow::engine", "\n{invocation}");
    process::pour_unless(invocation, &world.env, BOUND, (file, most), stop).await
}

fn reason(error: &CaptureError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The last line that says something.
pub fn last_line(text: &str) -> Option<String> {
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(crate::error::printable(line.trim(), 400))
}

/// A program of the user's `PATH`, from a folder that neither the project nor another user fills.
pub fn on_path(name: &str, root: &Path, world: &World) -> Option<PathBuf> {
    search_path(root, world)
        .filter_map(|(_, dir)| Some(dir.ok()?.join(name)))
        .find(|path| executable(path, world).is_ok())
}
