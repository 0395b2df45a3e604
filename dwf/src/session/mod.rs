//! Where actions run: behind a runner, or each in a container of its own.
//!
//! Invariant: whichever it is, the executor sees the same events, and nothing outlives
//! [`Backend::finish`] or [`Backend::kill`].

mod alone;
mod connection;
mod mark;
mod stop;

use std::collections::BTreeMap;
use std::path::PathBuf;

use devflow_oci::{Engine, Invocation, unseen};
use devflow_runner::wire;
use tokio::sync::mpsc;

use crate::error::{Exit, Explain};
use crate::lower::{Job, Kind};
use crate::world::World;

pub use alone::{Alone, choose};
pub use connection::Connection;
pub use mark::Mark;
pub use stop::{Target, remove_until_gone, stop};

/// What reaches the executor.
#[derive(Debug)]
pub enum Message {
    /// Something happened to an action.
    Event(Kind, wire::Event),
    /// A session's output ended where a message may end.
    Closed(Kind),
    /// What a session says cannot be read.
    Lost(Kind, String),
    /// The service with this number is ready, or of no use any more, and why.
    Service(usize, Result<(), String>),
}

/// The receiving end is the executor's; when it is full, whoever writes has to wait.
pub type Sender = mpsc::Sender<Message>;

/// How a session is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The command that starts the runner, or the container with it.
    pub invocation: Invocation,
    /// The container, when it is one.
    pub target: Option<Target>,
    /// The file of the workspace by which a runner on another kernel knows where it is.
    pub mark: Option<PathBuf>,
}

/// Why a session is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// It did not start.
    #[error("{program} could not be started")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended while actions were running.
    #[error("the {place} ended before its actions did: {reason}")]
    Lost {
        /// What it was.
        place: &'static str,
        /// What is known.
        reason: String,
        /// What the engine's client said last.
        last_words: Vec<String>,
    },
    /// The runner is of another release.
    #[error("the runner speaks version {0} of its wire, and dwf another")]
    Version(u32),
    /// It spoke of the end of an action that does not run.
    #[error("the runner told the end of an action twice: something else wrote to its wire")]
    Twice,
    /// It runs in a folder that is not the workspace.
    #[error("the engine sees another folder at this project's path")]
    Elsewhere,
    /// The engine sees nothing where dwf sees what is to be mounted.
    #[error("the engine sees no {0}, which is to be mounted")]
    Unseen(String),
    /// What would prove that it is in the workspace cannot be made there.
    #[error("{} cannot be made, by which the engine would prove that it sees this project", .0.display())]
    Mark(PathBuf, #[source] std::io::Error),
    /// Its container could not be removed.
    #[error("container {name} may still be there")]
    Left {
        /// The container.
        name: String,
        /// The line that removes it.
        remove: String,
    },
    /// An earlier success of an action could not be forgotten before it starts.
    #[error("{0}")]
    Record(#[from] crate::skip::SkipError),
    /// It never said hello.
    #[error("the {place} did not start within {seconds} s")]
    Slow {
        /// What it was.
        place: &'static str,
        /// How long dwf waited.
        seconds: u64,
    },
}

impl Explain for SessionError {
    fn exit(&self) -> Exit {
        match self {
            Self::Mark(..) => Exit::Machine,
            Self::Record(error) => error.exit(),
            _ => Exit::Engine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Lost { last_words, .. } if !last_words.is_empty() => Some(last_words.join("\n")),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Left { remove, .. } => Some(format!("when the engine answers again: {remove}")),
            Self::Elsewhere | Self::Unseen(_) => Some(
                "the engine runs on another machine, or dwf itself in a container: share the project, dwf's \
                 own folder and its state with it at the same paths, use an engine of this machine, or run \
                 here with: --profile host"
                    .to_owned(),
            ),
            Self::Record(error) => error.hint(),
            Self::Version(_) => Some("install dwf and its runner from the same release".to_owned()),
            _ => None,
        }
    }
}

/// A container's client, started where its engine may leave a file: Podman's monitor writes one called `oom` into the
/// directory that it is started in, which must not be the project.
fn aside(invocation: &Invocation, engine: &Engine, world: &World) -> Invocation {
    match world.state() {
        Ok(state) if engine.is_podman() && state.is_dir() => invocation.clone().cwd(state),
        _ => invocation.clone(),
    }
}

/// Where the actions of one run go.
pub enum Backend<'a> {
    /// To runners, one a session.
    Runners {
        /// How to start each.
        launches: BTreeMap<Kind, Launch>,
        /// Those that were started.
        open: BTreeMap<Kind, Connection>,
        /// What they need.
        world: &'a World,
        /// Where events go.
        sender: Sender,
    },
    /// Each into a container of its own.
    Alone(Box<Alone<'a>>),
}

impl<'a> Backend<'a> {
    /// Runners that are started when their first action is.
    pub fn runners(launches: BTreeMap<Kind, Launch>, world: &'a World, sender: Sender) -> Self {
        Self::Runners { launches, open: BTreeMap::new(), world, sender }
    }

    /// Starts a session, if it is not there already, before it has anything to do.
    pub fn open(&mut self, kind: Kind) -> Result<(), SessionError> {
        if let Self::Runners { launches, open, world, sender } = self
            && !open.contains_key(&kind)
            && let Some(launch) = launches.get(&kind)
        {
            open.insert(kind, Connection::start(kind, launch, world, sender.clone())?);
        }
        Ok(())
    }

    /// Starts an action.
    pub fn start(&mut self, job: &Job) -> Result<(), SessionError> {
        self.open(job.kind)?;
        match self {
            Self::Runners { open, .. } => {
                if let Some(connection) = open.get(&job.kind) {
                    connection.send(&wire::Request::Start(job.start.clone()));
                }
            }
            Self::Alone(alone) => alone.start(job),
        }
        Ok(())
    }

    /// Asks an action to end.
    pub fn cancel(&mut self, job: &Job) {
        match self {
            Self::Runners { open, .. } => {
                if let Some(connection) = open.get(&job.kind) {
                    let request = wire::Request::Cancel { id: job.start.id, grace_ms: job.start.grace_ms };
                    connection.send(&request);
                }
            }
            Self::Alone(alone) => alone.cancel(job.start.id),
        }
    }

    /// How many sessions were started; each closes once.
    pub fn opened(&self) -> usize {
        match self {
            Self::Runners { open, .. } => open.len(),
            Self::Alone(_) => 0,
        }
    }

    /// The sessions that were started and have not been heard of.
    pub fn silent(&self) -> Option<Kind> {
        match self {
            Self::Runners { open, .. } => {
                open.iter().find(|(_, connection)| !connection.greeted()).map(|(kind, _)| *kind)
            }
            Self::Alone(_) => None,
        }
    }

    /// Whether a session is there.
    pub fn is_there(&self, kind: Kind) -> bool {
        match self {
            Self::Runners { open, .. } => open.get(&kind).is_some_and(Connection::greeted),
            Self::Alone(_) => false,
        }
    }

    /// Notes that a session is there.
    pub fn greet(&mut self, kind: Kind) {
        if let Self::Runners { open, .. } = self
            && let Some(connection) = open.get_mut(&kind)
        {
            connection.greet();
        }
    }

    /// Shows a session that is unsure where it is the workspace, until it says hello.
    pub fn mark(&mut self, kind: Kind) -> Result<(), SessionError> {
        match self {
            Self::Runners { open, .. } => open.get_mut(&kind).map_or(Ok(()), Connection::mark),
            Self::Alone(_) => Ok(()),
        }
    }

    /// What is known of a session that was lost.
    pub async fn autopsy(&mut self, kind: Kind, reason: String) -> SessionError {
        match self {
            Self::Runners { open, .. } => match open.get_mut(&kind) {
                Some(connection) => connection.autopsy(reason).await,
                None => SessionError::Lost { place: "session", reason, last_words: Vec::new() },
            },
            Self::Alone(_) => match unseen::source(&reason) {
                Some(path) => SessionError::Unseen(path),
                None => SessionError::Lost { place: "container", reason, last_words: Vec::new() },
            },
        }
    }

    /// Ends everything in peace, when all actions have ended.
    pub async fn finish(&mut self) -> Result<(), SessionError> {
        match self {
            Self::Runners { open, world, .. } => {
                let ends = std::mem::take(open).into_values().map(|connection| connection.finish(world));
                futures_util::future::join_all(ends).await.into_iter().collect()
            }
            Self::Alone(alone) => {
                alone.kill().await;
                Ok(())
            }
        }
    }

    /// Ends everything now.
    pub async fn kill(&mut self) -> Result<(), SessionError> {
        match self {
            Self::Runners { open, world, .. } => {
                let ends = std::mem::take(open).into_values().map(|connection| connection.kill(world));
                futures_util::future::join_all(ends).await.into_iter().collect()
            }
            Self::Alone(alone) => {
                alone.kill().await;
                Ok(())
            }
        }
    }
}
