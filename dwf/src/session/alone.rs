//! Each action in a container of its own: for images that the runner cannot run in.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::time::Duration;

use devflow_oci::state::{self, State};
use devflow_oci::{Container, Engine, Image, Invocation};
use devflow_runner::wire::{self, Data, End, Event, Place, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::mark::Mark;
use super::stop::{Target, remove_until_gone, stop};
use super::{Message, Sender, SessionError, aside};
use crate::engine;
use crate::error::printable;
use crate::lower::{Job, Kind, single};
use crate::process::{self, Process, Streams};
use crate::ring::Ring;
use crate::world::World;

/// For a look at which programs an image has.
const LOOK: Duration = Duration::from_secs(60);
/// For a question about a container.
const ASK: Duration = Duration::from_secs(10);
/// How long an action that was told to end has.
const GRACE: Duration = Duration::from_secs(2);
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

/// Which choice an action takes in a container like those of a session.
pub async fn choose(
    engine: &Engine,
    image: &Image,
    session: &Container,
    job: &Job,
    world: &World,
) -> Result<usize, SessionError> {
    let (sender, _) = tokio::sync::mpsc::channel(1);
    let one = One {
        engine: engine.clone(),
        image: image.clone(),
        session: session.clone(),
        start: job.start.clone(),
        kind: job.kind,
        world: world.clone(),
        sender,
    };
    let lost = |reason| SessionError::Lost { place: "container", reason, last_words: Vec::new() };
    one.choose().await.map_err(lost)
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
        let mut container = single(&self.session, &self.image, &self.start, choice);
        let told = told_by_input(&self.start.secrets, &mut container);
        let target = Target { engine: self.engine.clone(), name: container.name.clone() };
        let invocation = container.run_and_keep(&self.engine).map_err(|error| error.to_string())?;
        tracing::debug!(target: "devflow::engine", "\n{invocation}");
        let streams = if told.is_some() { Streams::Piped } else { Streams::Captured };
        let aside = aside(&invocation, &self.engine, &self.world);
        let started = process::spawn(&aside, &self.world.env, streams);
        let mut process = started.map_err(|error| error.to_string())?;
        if let (Some(script), Some(mut stdin)) = (told, process.stdin()) {
            // A container that ended before it took all of it says why by itself.
            tokio::task::spawn_local(async move { stdin.write_all(script.as_bytes()).await });
        }
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
        let state = self.state(&target).await;
        let last = || {
            let words = words.last_lines(LAST).join("\n");
            engines_own(&words).or_else(|| engine::last_line(&words)).unwrap_or_default()
        };
        match state.and_then(|state| verdict(status, state, last)) {
            Ok(end) => self.remove(&target).await.map(|()| end),
            Err(reason) => self.stop(&mut process, &target).await.and(Err(reason)),
        }
    }

    /// What the engine knows of a container whose client has ended.
    async fn state(&self, target: &Target) -> Result<State, String> {
        let said = engine::run(&state::state(&self.engine, &target.name), &self.world, ASK).await;
        let said = said.map_err(|error| error.to_string())?;
        state::parse_state(said.status.success(), &said.stdout, &said.stderr).map_err(|e| e.to_string())
    }

    async fn copy(&self, stream: Option<impl AsyncRead + Unpin>, to: Stream, words: Option<&Ring>) {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 16 << 10];
        let mut shown = self.world.hidden.stream();
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            if let Some(words) = words {
                words.push(&buffer[..count]);
            }
            self.output(to, shown.push(&buffer[..count])).await;
        }
        self.output(to, shown.end()).await;
    }

    async fn output(&self, stream: Stream, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.say(Event::Output { id: self.start.id, stream, data: Data::Bytes(bytes) }).await;
        }
    }
}

/// How an action ended, from how its client did and what its engine knows: the client has an exit code of its own when it
/// was cut off, hit by a signal, or could not do its work. `Err` is the engine's fault, not the action's.
fn verdict(client: ExitStatus, state: State, last: impl Fn() -> String) -> Result<End, String> {
    let words = || Some(last()).filter(|last| !last.trim().is_empty());
    let client_ended = || format!("its client {}", process::ending(client));
    match state {
        State::Absent => Err(words().unwrap_or_else(|| "the engine made no container".to_owned())),
        State::NotStarted(reason) if reason.is_empty() => Err(words().unwrap_or_else(client_ended)),
        State::NotStarted(reason) => Err(reason),
        State::Running => Err(format!("{} while its container ran", client_ended())),
        State::Ended { out_of_memory: true, code: 1.. } => Ok(End::OutOfMemory),
        State::Ended { code: 0, .. } if !client.success() => {
            Err(format!("{}, and its container with 0", client_ended()))
        }
        State::Ended { code, .. } => Ok(End::Exit(code)),
    }
}

/// Lets a container's shell read from its input what to put where and what to run then, so that no
/// secret is in its arguments or in what the engine knows of it.
fn told_by_input(secrets: &[wire::Secret], container: &mut Container) -> Option<String> {
    if secrets.is_empty() {
        return None;
    }
    let quoted = |text: &str| Invocation::new(text).script();
    let mut script = String::new();
    for wire::Secret { place, value } in secrets {
        script.push_str(&match place {
            Place::Variable(name) => format!("export {name}={}\n", quoted(value)),
            Place::File(path) => {
                let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
                let (folder, value, path) = (quoted(folder), quoted(value), quoted(path));
                format!("(umask 077 && mkdir -p {folder} && printf %s {value} > {path}) || exit\n")
            }
        });
    }
    let argv = std::mem::replace(&mut container.argv, vec!["/bin/sh".to_owned(), "-s".to_owned()]);
    let line: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
    script.push_str(&format!("exec {} </dev/null\n", line.join(" ")));
    container.interactive = true;
    Some(script)
}

/// The words of an engine's client about a container that it could not start.
fn engines_own(stderr: &str) -> Option<String> {
    let help = |line: &str| line.is_empty() || line.starts_with("Run '") || line.starts_with("See '");
    let last = stderr.lines().rev().map(str::trim).find(|line| !help(line))?;
    (last.starts_with("docker: ") || last.starts_with("Error: ")).then(|| printable(last, 400))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_engine_decides_and_nothing_else_is_success() {
        let check = |client: i32, state: State, expected: Result<End, &str>| {
            let status = ExitStatus::from_raw(client);
            let found = verdict(status, state.clone(), || "last words".to_owned());
            assert_eq!(found, expected.map_err(str::to_owned), "{client} {state:?}");
        };
        let ended = |code| State::Ended { code, out_of_memory: false };
        let code = |code: i32| code << 8;
        check(code(0), ended(0), Ok(End::Exit(0)));
        check(code(3), ended(3), Ok(End::Exit(3)));
        // The client's own codes, as an action's.
        for own in [125, 126, 127] {
            check(code(own), ended(own), Ok(End::Exit(own)));
        }
        // A client that was hit by a signal, or cut off, knows nothing.
        check(code(0), ended(7), Ok(End::Exit(7)));
        check(code(0), State::Running, Err("its client exited with 0 while its container ran"));
        check(code(0), State::Absent, Err("last words"));
        check(code(0), State::NotStarted(String::new()), Err("last words"));
        check(15, ended(0), Err("its client was ended by SIGTERM, and its container with 0"));
        check(code(125), ended(0), Err("its client exited with 125, and its container with 0"));
        check(code(125), State::Running, Err("its client exited with 125 while its container ran"));
        check(code(127), State::NotStarted("no such program".to_owned()), Err("no such program"));
        check(code(137), State::Ended { code: 137, out_of_memory: true }, Ok(End::OutOfMemory));
        check(code(0), State::Ended { code: 0, out_of_memory: true }, Ok(End::Exit(0)));
    }

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
