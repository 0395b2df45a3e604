//! One session: a runner at the other end of a pair of pipes.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use devflow_oci::unseen;
use devflow_protocol::frame::PartialLine;
use devflow_runner::{EVENT_BYTES, wire};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::mark::Mark;
use super::stop::{Target, stop};
use super::{Launch, Message, Sender, SessionError, aside};
use crate::lower::Kind;
use crate::process::{self, Process, Streams};
use crate::redact::Events;
use crate::ring::Ring;
use crate::world::World;

/// How long a session has to end once its input is closed.
const END: Duration = Duration::from_secs(10);
/// How long a client that was told to end has before its container is killed.
const GRACE: Duration = Duration::from_millis(500);
/// How long a runner on the host needs at most to end what ignores it: its own two graces, and some.
const RUNNER: Duration = Duration::from_secs(7);
/// Lines of the client's last words.
const WORDS: usize = 20;

/// A session that was started.
#[derive(Debug)]
pub struct Connection {
    process: Process,
    requests: Option<UnboundedSender<Vec<u8>>>,
    stderr: Ring,
    target: Option<Target>,
    greeted: bool,
    mark: Option<PathBuf>,
    marked: Option<Mark>,
}

impl Connection {
    /// Starts a session; what it says goes to `sender`. Requests may be sent at once.
    pub fn start(kind: Kind, launch: &Launch, world: &World, sender: Sender) -> Result<Self, SessionError> {
        let invocation = &launch.invocation;
        tracing::debug!(target: "devflow::engine", "\n{invocation}");
        let line = match &launch.target {
            Some(target) => aside(invocation, &target.engine, world),
            None => invocation.clone(),
        };
        let mut process = process::spawn(&line, &world.env, Streams::Piped).map_err(|source| {
            SessionError::Spawn { program: invocation.program.display().to_string(), source }
        })?;
        let stderr = Ring::default();
        stderr.drain(process.stderr());
        let (stdin, stdout) = (process.stdin(), process.stdout());
        let events = Events::new(&world.hidden);
        tokio::task::spawn_local(async move {
            let message = match listen(kind, stdout, events, &sender).await {
                Ok(()) => Message::Closed(kind),
                Err(error) => Message::Lost(kind, error.to_string()),
            };
            let _ = sender.send(message).await;
        });
        let (requests, queue) = unbounded_channel();
        tokio::task::spawn_local(pass_on(queue, stdin));
        let (target, mark) = (launch.target.clone(), launch.mark.clone());
        Ok(Self { process, requests: Some(requests), stderr, target, greeted: false, mark, marked: None })
    }

    /// Sends a request, without waiting for anyone to take it. A session that is lost says so by itself.
    pub fn send(&self, request: &wire::Request) {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        if let Some(requests) = &self.requests {
            let _ = requests.send(line);
        }
    }

    /// Whether the runner has said hello.
    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// Notes that the runner has said hello.
    pub fn greet(&mut self) {
        self.greeted = true;
        self.marked = None;
    }

    /// Shows the runner where it is to be.
    pub fn mark(&mut self) -> Result<(), SessionError> {
        if let Some(path) = self.mark.take() {
            self.marked = Some(Mark::make(path)?);
        }
        Ok(())
    }

    /// What is known of a session that was lost.
    pub async fn autopsy(&mut self, reason: String) -> SessionError {
        match timeout(Duration::from_secs(2), self.process.wait()).await {
            Ok(Ok(status)) => self.lost(format!("its client {}", process::ending(status))),
            _ => self.lost(reason),
        }
    }

    fn lost(&self, reason: String) -> SessionError {
        let last_words = self.stderr.last_lines(WORDS);
        if let Some(path) =
            last_words.iter().rev().find_map(|line| unseen::source(line)).filter(|_| !self.greeted)
        {
            return SessionError::Unseen(path);
        }
        let place = if self.target.is_some() { "container" } else { "runner" };
        SessionError::Lost { place, reason, last_words }
    }

    /// Lets a session end whose actions have ended. Only a runner that says so with its exit code
    /// was alone with what it said.
    pub async fn finish(mut self, world: &World) -> Result<(), SessionError> {
        self.requests = None;
        let error = match timeout(END, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => return Ok(()),
            Ok(Ok(status)) => self.lost(format!("its client {}", process::ending(status))),
            Ok(Err(error)) => self.lost(error.to_string()),
            Err(_) => self.lost(format!("it did not end within {} s", END.as_secs())),
        };
        stop(&mut self.process, self.target.as_ref(), GRACE, world).await?;
        Err(error)
    }

    /// Ends a session now.
    pub async fn kill(mut self, world: &World) -> Result<(), SessionError> {
        self.requests = None;
        // A runner that is there ends everything when its input ends; on the host nobody else would.
        let patience = match (self.greeted, &self.target) {
            (false, _) => Duration::ZERO,
            (true, Some(_)) => GRACE,
            (true, None) => RUNNER,
        };
        match timeout(patience, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            _ => stop(&mut self.process, self.target.as_ref(), GRACE, world).await,
        }
    }
}

/// Writes requests as the session takes them; its input ends when nobody can send any more.
async fn pass_on(mut queue: UnboundedReceiver<Vec<u8>>, stdin: Option<ChildStdin>) {
    let Some(mut stdin) = stdin else { return };
    while let Some(line) = queue.recv().await {
        if stdin.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn listen(
    kind: Kind,
    stdout: Option<ChildStdout>,
    mut events: Events,
    sender: &Sender,
) -> io::Result<()> {
    let Some(stdout) = stdout else { return Ok(()) };
    let mut reader = BufReader::with_capacity(64 << 10, stdout);
    let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut line = PartialLine::new(EVENT_BYTES);
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(());
        }
        let (used, done) = line.push(chunk);
        reader.consume(used);
        if let Some(text) = done.map_err(|error| invalid(error.to_string()))? {
            let event = serde_json::from_str(&text)
                .map_err(|error| invalid(format!("what the runner said cannot be read: {error}")))?;
            for event in events.pass(event) {
                if sender.send(Message::Event(kind, event)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}
