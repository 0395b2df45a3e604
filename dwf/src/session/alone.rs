//! Each action in a container of its own: for images that the runner cannot run in.

use std::collections::BTreeMap;
use std::time::Duration;

use devflow_oci::{Container, ContainerError, Engine, Image};
use devflow_runner::wire::{self, Data, End, Event, Stream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::stop::{Target, remove_until_gone, stop};
use super::{Message, Sender};
use crate::engine;
use crate::lower::{Job, Kind, single};
use crate::process::{self, Process, Streams};
use crate::world::World;

/// For a look at which programs an image has.
const LOOK: Duration = Duration::from_secs(60);
/// How long an action that was told to end has.
const GRACE: Duration = Duration::from_secs(2);
/// The exit code by which an engine's client says that there was no container.
const NO_CONTAINER: i32 = 125;

/// The containers of one run.
pub struct Alone<'a> {
    engine: Engine,
    image: Image,
    sessions: BTreeMap<Kind, Container>,
    world: &'a World,
    sender: Sender,
    running: BTreeMap<u32, (oneshot::Sender<()>, JoinHandle<()>)>,
}

impl<'a> Alone<'a> {
    /// Containers like those of the sessions, one an action.
    pub fn new(
        engine: Engine,
        image: Image,
        sessions: BTreeMap<Kind, Container>,
        world: &'a World,
        sender: Sender,
    ) -> Self {
        Self { engine, image, sessions, world, sender, running: BTreeMap::new() }
    }

    /// Starts an action.
    pub fn start(&mut self, job: &Job) {
        let Some(session) = self.sessions.get(&job.kind) else { return };
        let (cancel, cancelled) = oneshot::channel();
        let one = One {
            engine: self.engine.clone(),
            image: self.image.clone(),
            session: session.clone(),
            start: job.start.clone(),
            kind: job.kind,
            world: self.world.clone(),
            sender: self.sender.clone(),
        };
        let task = tokio::task::spawn_local(one.run(cancelled));
        self.running.insert(job.start.id, (cancel, task));
    }

    /// Asks an action to end.
    pub fn cancel(&mut self, id: u32) {
        if let Some((cancel, task)) = self.running.remove(&id) {
            let _ = cancel.send(());
            let (never, _) = oneshot::channel();
            self.running.insert(id, (never, task));
        }
    }

    /// Ends all that still run, and waits until they are gone.
    pub async fn kill(&mut self) {
        for (_, (cancel, task)) in std::mem::take(&mut self.running) {
            let _ = cancel.send(());
            let _ = task.await;
        }
    }
}

/// One action on its way.
struct One {
    engine: Engine,
    image: Image,
    session: Container,
    start: wire::Start,
    kind: Kind,
    world: World,
    sender: Sender,
}

impl One {
    async fn run(self, cancelled: oneshot::Receiver<()>) {
        let id = self.start.id;
        let end = match self.choose().await {
            Ok(choice) => {
                self.say(Event::Started { id, choice }).await;
                self.step(choice, cancelled).await
            }
            Err(reason) => self.not_started("sh", reason),
        };
        self.say(Event::Ended { id, end, step: 0, cpu_ms: 0, peak_kib: 0 }).await;
    }

    async fn say(&self, event: Event) {
        // An executor that has left needs to hear nothing.
        let _ = self.sender.send(Message::Event(self.kind, event)).await;
    }

    fn not_started(&self, program: &str, reason: String) -> End {
        End::NotStarted { program: program.to_owned(), reason, missing: false }
    }

    /// The first choice whose program is in the image.
    async fn choose(&self) -> Result<usize, String> {
        for (at, choice) in self.start.choices.iter().enumerate() {
            let Some(program) = &choice.when else { return Ok(at) };
            let look = wire::Choice {
                steps: vec![wire::Step {
                    program: "/bin/sh".to_owned(),
                    args: ["-c", "command -v -- \"$0\"", program].map(str::to_owned).into(),
                }],
                ..choice.clone()
            };
            let mut container = single(&self.session, &self.image, &self.start, &look);
            container.name.push_str("-look");
            let invocation = container.run(&self.engine).map_err(|error| error.to_string())?;
            let said = engine::run(&invocation, &self.world, LOOK).await;
            match said.map(|said| said.status.code()) {
                Ok(Some(0)) => return Ok(at),
                Ok(Some(1 | 127)) => {}
                other => {
                    let target = Target { engine: self.engine.clone(), name: container.name };
                    remove_until_gone(&target, &self.world).await;
                    return Err(format!("the image could not be looked at: {other:?}"));
                }
            }
        }
        Err("no choice is left".to_owned())
    }

    async fn step(&self, choice: usize, cancelled: oneshot::Receiver<()>) -> End {
        let Some(choice) = self.start.choices.get(choice) else {
            return self.not_started("sh", "no choice is left".to_owned());
        };
        let program = choice.steps.first().map_or("", |step| step.program.as_str());
        let container = single(&self.session, &self.image, &self.start, choice);
        let target = Target { engine: self.engine.clone(), name: container.name.clone() };
        let started = container
            .run(&self.engine)
            .map_err(|error: ContainerError| error.to_string())
            .and_then(|invocation| {
                tracing::debug!(target: "devflow::engine", "\n{invocation}");
                process::spawn(&invocation, &self.world.env, Streams::Captured).map_err(|e| e.to_string())
            });
        let mut process = match started {
            Ok(process) => process,
            Err(reason) => return self.not_started(program, reason),
        };
        let (stdout, stderr) = (process.stdout(), process.stderr());
        let output =
            async { tokio::join!(self.copy(stdout, Stream::Stdout), self.copy(stderr, Stream::Stderr)) };
        let deadline = async {
            match self.start.timeout_ms {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => std::future::pending().await,
            }
        };
        let end = tokio::select! {
            (_, _, end) = async { let ((), ()) = output.await; ((), (), wait(&mut process).await) } => Some(end),
            () = deadline => None,
            Ok(()) = cancelled => {
                stop(&mut process, Some(&target), GRACE, &self.world).await;
                return End::Cancelled;
            }
        };
        match end {
            None => {
                stop(&mut process, Some(&target), GRACE, &self.world).await;
                End::TimedOut
            }
            Some(Ok(NO_CONTAINER)) => {
                remove_until_gone(&target, &self.world).await;
                self.not_started(program, format!("{} made no container", self.engine.kind))
            }
            Some(Ok(code)) => End::Exit(code),
            Some(Err(reason)) => {
                stop(&mut process, Some(&target), GRACE, &self.world).await;
                self.not_started(program, reason)
            }
        }
    }

    async fn copy(&self, stream: Option<impl AsyncRead + Unpin>, to: Stream) {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 16 << 10];
        while let Ok(count) = stream.read(&mut buffer).await {
            if count == 0 {
                return;
            }
            let data = Data::Bytes(buffer[..count].to_vec());
            self.say(Event::Output { id: self.start.id, stream: to, data }).await;
        }
    }
}

async fn wait(process: &mut Process) -> Result<i32, String> {
    let status = process.wait().await.map_err(|error| error.to_string())?;
    status.code().ok_or_else(|| process::ending(status))
}
