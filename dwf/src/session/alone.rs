//! Each action in a container of its own: for images that the runner cannot run in.

use std::collections::BTreeMap;
use std::time::Duration;

use devflow_oci::{Container, Engine, Image};
use devflow_runner::wire::{self, Data, End, Event, Stream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::mark::Mark;
use super::stop::{Target, remove_until_gone, stop};
use super::{Message, Sender};
use crate::engine;
use crate::error::printable;
use crate::lower::{Job, Kind, single};
use crate::process::{self, Process, Streams};
use crate::ring::Ring;
use crate::world::World;

/// For a look at which programs an image has.
const LOOK: Duration = Duration::from_secs(60);
/// How long an action that was told to end has.
const GRACE: Duration = Duration::from_secs(2);
/// The exit codes by which an engine's client says that there was no container, or no program in it.
const NO_CONTAINER: i32 = 125;
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;
/// Lines at the end of a client's words, among them where help is to be had.
const LAST: usize = 4;

/// The containers of one run.
pub struct Alone<'a> {
    engine: Engine,
    image: Image,
    sessions: BTreeMap<Kind, Container>,
    world: &'a World,
    sender: Sender,
    running: BTreeMap<u32, (oneshot::Sender<()>, JoinHandle<()>)>,
    _mark: Option<Mark>,
}

impl<'a> Alone<'a> {
    /// Containers like those of the sessions, one an action. The mark that they mount goes with them.
    pub fn new(
        engine: Engine,
        image: Image,
        sessions: BTreeMap<Kind, Container>,
        mark: Option<Mark>,
        world: &'a World,
        sender: Sender,
    ) -> Self {
        Self { engine, image, sessions, world, sender, running: BTreeMap::new(), _mark: mark }
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
    async fn run(self, mut cancelled: oneshot::Receiver<()>) {
        let id = self.start.id;
        let chosen = tokio::select! {
            chosen = self.choose() => chosen.map(Some),
            _ = &mut cancelled => self.remove(&self.look()).await.map(|()| None),
        };
        let ended = match chosen {
            Ok(Some(choice)) => {
                self.say(Event::Started { id, choice }).await;
                self.step(choice, cancelled).await
            }
            Ok(None) => Ok(End::Cancelled),
            Err(reason) => Err(reason),
        };
        let message = match ended {
            Ok(end) => Message::Event(self.kind, Event::Ended { id, end, step: 0, cpu_ms: 0, peak_kib: 0 }),
            // The engine broke, not the action.
            Err(reason) => Message::Lost(self.kind, reason),
        };
        let _ = self.sender.send(message).await;
    }

    /// The container that looks for a program.
    fn look(&self) -> Target {
        let name = format!("{}-{}-look", self.session.name, self.start.id);
        Target { engine: self.engine.clone(), name }
    }

    async fn remove(&self, target: &Target) -> Result<(), String> {
        remove_until_gone(target, &self.world).await.map_err(|error| error.to_string())
    }

    async fn stop(&self, process: &mut Process, target: &Target) -> Result<(), String> {
        stop(process, Some(target), GRACE, &self.world).await.map_err(|error| error.to_string())
    }

    async fn say(&self, event: Event) {
        // An executor that has left needs to hear nothing.
        let _ = self.sender.send(Message::Event(self.kind, event)).await;
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
            container.name = self.look().name;
            let invocation = container.run(&self.engine).map_err(|error| error.to_string())?;
            let said = engine::run(&invocation, &self.world, LOOK).await;
            let reason = match said {
                Ok(said) if said.status.success() => return Ok(at),
                Ok(said) => match (said.status.code(), engines_own(&said.stderr)) {
                    (Some(1 | 127), None) => continue,
                    (_, Some(words)) => words,
                    (_, None) => process::ending(said.status),
                },
                Err(error) => error.to_string(),
            };
            self.remove(&self.look()).await?;
            return Err(format!("the image could not be looked at: {reason}"));
        }
        Err("no choice is left".to_owned())
    }

    /// Runs a choice to its end. `Err` is the engine's fault, not the action's.
    async fn step(&self, choice: usize, cancelled: oneshot::Receiver<()>) -> Result<End, String> {
        let choice = self.start.choices.get(choice).ok_or("no choice is left")?;
        let container = single(&self.session, &self.image, &self.start, choice);
        let target = Target { engine: self.engine.clone(), name: container.name.clone() };
        let invocation = container.run(&self.engine).map_err(|error| error.to_string())?;
        tracing::debug!(target: "devflow::engine", "\n{invocation}");
        let started = process::spawn(&invocation, &self.world.env, Streams::Captured);
        let mut process = started.map_err(|error| error.to_string())?;
        let (stdout, stderr) = (process.stdout(), process.stderr());
        let words = Ring::default();
        let deadline = async {
            match self.start.timeout_ms {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            status = async {
                tokio::join!(self.copy(stdout, Stream::Stdout, None), self.copy(stderr, Stream::Stderr, Some(&words)));
                process.wait().await
            } => Ok(status),
            () = deadline => Err(End::TimedOut),
            Ok(()) = cancelled => Err(End::Cancelled),
        };
        let status = match ended {
            Ok(status) => status.map_err(|error| error.to_string())?,
            Err(end) => return self.stop(&mut process, &target).await.map(|()| end),
        };
        let last = words.last_lines(LAST).join("\n");
        match (status.code(), engines_own(&last)) {
            // A client that could not do its work says so: this is the action's own code.
            (Some(NO_CONTAINER), None) if last.is_empty() => Ok(End::Exit(NO_CONTAINER)),
            (Some(NO_CONTAINER), fault) => {
                self.remove(&target).await?;
                Err(fault.unwrap_or_else(|| "the engine made no container".to_owned()))
            }
            (Some(NOT_EXECUTABLE | NOT_FOUND), Some(words)) => {
                self.remove(&target).await?;
                Err(words)
            }
            (Some(code), _) => Ok(End::Exit(code)),
            (None, _) => {
                self.stop(&mut process, &target).await?;
                Err(process::ending(status))
            }
        }
    }

    async fn copy(&self, stream: Option<impl AsyncRead + Unpin>, to: Stream, words: Option<&Ring>) {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 16 << 10];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            if let Some(words) = words {
                words.push(&buffer[..count]);
            }
            let data = Data::Bytes(buffer[..count].to_vec());
            self.say(Event::Output { id: self.start.id, stream: to, data }).await;
        }
    }
}

/// The words of an engine's client about a container that it could not start.
fn engines_own(stderr: &str) -> Option<String> {
    let help = |line: &str| line.is_empty() || line.starts_with("Run '") || line.starts_with("See '");
    let last = stderr.lines().rev().map(str::trim).find(|line| !help(line))?;
    (last.starts_with("docker: ") || last.starts_with("Error: ")).then(|| printable(last, 400))
}

#[cfg(test)]
mod tests {
    use super::engines_own;

    #[test]
    fn whose_words() {
        for (stderr, own) in [
            (
                "docker: Error response from daemon: no.\nSee 'docker run --help'.\n",
                Some("docker: Error response from daemon: no."),
            ),
            ("docker: Error\n\nRun 'docker run --help' for more information\n", Some("docker: Error")),
            (
                "Error: statfs /x: no such file or directory\n",
                Some("Error: statfs /x: no such file or directory"),
            ),
            ("docker: this is the action's\nand more\n", None),
            ("", None),
        ] {
            assert_eq!(engines_own(stderr).as_deref(), own);
        }
    }
}
