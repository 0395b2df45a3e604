//! One service on its way: started, asked whether it is ready, watched, ended.

use std::time::Duration;

use devflow_oci::{Engine, Network, lifecycle};
use devflow_runner::wire::{self, Data, End, Event};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::engine;
use crate::lower::{Kind, Serving};
use crate::report::outcome;
use crate::ring::Ring;
use crate::session::{Connection, Launch, Message, Sender, SessionError, Target};
use crate::world::World;

/// How long its container may take to start; the engine may have to unpack an image first.
const HELLO: Duration = Duration::from_secs(600);
/// For a question to the engine.
const ASK: Duration = Duration::from_secs(10);
/// Between two tries to tell whether it is ready.
const AGAIN: Duration = Duration::from_millis(200);
/// Messages of its runner that wait to be heard.
const INBOX: usize = 16;

/// Who keeps a service.
pub(super) struct Keeper {
    pub(super) number: usize,
    pub(super) service: Serving,
    pub(super) words: Ring,
    pub(super) engine: Engine,
    pub(super) world: World,
    pub(super) sender: Sender,
}

/// How far the service is.
struct Progress {
    ready: bool,
    deadline: Instant,
    /// When the next try is due.
    next: Option<Instant>,
    /// The number of the last try; the service itself is 0.
    tries: u32,
    /// How the last try went.
    last: String,
}

impl Keeper {
    /// Keeps it until `stop`, or until it is of no use. What is told comes before its end.
    pub(super) async fn keep(self, stop: oneshot::Receiver<()>) -> Result<(), SessionError> {
        let (sender, mut inbox) = mpsc::channel(INBOX);
        let started = self.launch().await.and_then(|launch| {
            let started = Connection::start(Kind::Check, &launch, &self.world, sender);
            started.map_err(|error| error.to_string())
        });
        let mut connection = match started {
            Ok(connection) => connection,
            Err(reason) => {
                self.tell(Err(format!("could not be started: {reason}"))).await;
                return Ok(());
            }
        };
        connection.send(&wire::Request::Start(self.service.start.clone()));
        if let Some(reason) = self.watch(&mut connection, &mut inbox, stop).await {
            self.tell(Err(reason)).await;
        }
        let end = connection.kill(&self.world);
        tokio::pin!(end);
        loop {
            tokio::select! {
                result = &mut end => return result,
                // Whoever is to end must not wait for somebody to listen.
                Some(_) = inbox.recv() => {}
            }
        }
    }

    /// How its container is started, in the network of the session's.
    async fn launch(&self) -> Result<Launch, String> {
        let mut container = self.service.container.clone();
        if let (true, Network::Of(session)) = (self.engine.is_podman(), &container.network) {
            // Named by its process, the session can be removed whichever of the two ends first.
            let said = engine::run(&lifecycle::pid(&self.engine, session), &self.world, ASK).await;
            let said = said.map_err(|error| error.to_string())?;
            let pid = lifecycle::parse_pid(&said.stdout);
            container.network = Network::Process(pid.ok_or("the session is not there")?);
        }
        let invocation = container.run(&self.engine).map_err(|error| error.to_string())?;
        let target = Some(Target { engine: self.engine.clone(), name: container.name });
        // It sees nothing of the project, so it does not matter where it is.
        Ok(Launch { invocation, target, mark: None })
    }

    /// Gives why it is of no use; `None` when it was told to stop.
    async fn watch(
        &self,
        connection: &mut Connection,
        inbox: &mut mpsc::Receiver<Message>,
        mut stop: oneshot::Receiver<()>,
    ) -> Option<String> {
        let deadline = Instant::now() + HELLO;
        let mut progress = Progress { ready: false, deadline, next: None, tries: 0, last: String::new() };
        loop {
            tokio::select! {
                biased;
                _ = &mut stop => return None,
                Some(message) = inbox.recv() => {
                    let was_ready = progress.ready;
                    if let Err(reason) = self.hear(message, connection, &mut progress).await {
                        return Some(reason);
                    }
                    if progress.ready && !was_ready {
                        self.tell(Ok(())).await;
                    }
                }
                () = sleep_until(progress.deadline), if !progress.ready => {
                    return Some(match progress.tries {
                        0 => format!("did not start within {} s", HELLO.as_secs()),
                        _ => format!("was not ready within {} s{}", self.service.patience.as_secs(), progress.last),
                    });
                }
                () = sleep_until(progress.next.unwrap_or(progress.deadline)), if progress.next.is_some() => {
                    progress.next = None;
                    progress.tries += 1;
                    if let Some(ready) = &self.service.ready {
                        let start = wire::Start { id: progress.tries, ..ready.clone() };
                        connection.send(&wire::Request::Start(start));
                    }
                }
            }
        }
    }

    async fn hear(
        &self,
        message: Message,
        connection: &mut Connection,
        progress: &mut Progress,
    ) -> Result<(), String> {
        match message {
            Message::Event(_, Event::Hello { version: wire::VERSION }) => connection.greet(),
            Message::Event(_, Event::Hello { version }) => {
                return Err(SessionError::Version(version).to_string());
            }
            Message::Event(_, Event::Started { id: 0, .. }) if self.service.ready.is_none() => {
                progress.ready = true;
            }
            Message::Event(_, Event::Started { id: 0, .. }) => {
                progress.deadline = Instant::now() + self.service.patience;
                progress.next = Some(Instant::now());
            }
            Message::Event(_, Event::Output { id: 0, data, .. }) => self.words.push(bytes(&data)),
            Message::Event(_, Event::Output { data, .. }) => {
                let text = String::from_utf8_lossy(bytes(&data)).into_owned();
                if let Some(line) = engine::last_line(&text) {
                    progress.last = format!(": {line}");
                }
            }
            Message::Event(_, Event::Ended { id: 0, end, .. }) => return Err(ended(&end)),
            Message::Event(_, Event::Ended { end: End::Exit(0), .. }) => progress.ready = true,
            Message::Event(_, Event::Ended { end, .. }) => {
                let told = outcome(&end);
                if progress.last.is_empty()
                    && let Some(reason) = told.failure()
                {
                    progress.last = format!(": its `ready` ended with {reason}");
                }
                progress.next = Some(Instant::now() + AGAIN);
            }
            Message::Closed(_) => return Err(lost(connection, "its container ended").await),
            Message::Lost(_, reason) => return Err(lost(connection, &reason).await),
            Message::Event(_, Event::Unsure | Event::Elsewhere | Event::Started { .. })
            | Message::Service(..) => {}
        }
        Ok(())
    }

    async fn tell(&self, told: Result<(), String>) {
        // An executor that has left needs to hear nothing.
        let _ = self.sender.send(Message::Service(self.number, told)).await;
    }
}

fn bytes(data: &Data) -> &[u8] {
    match data {
        Data::Text(text) => text.as_bytes(),
        Data::Bytes(bytes) => bytes,
    }
}

fn ended(end: &End) -> String {
    match end {
        End::Exit(code) => format!("ended with exit code {code}"),
        other => match outcome(other).failure() {
            Some(reason) => format!("ended: {reason}"),
            None => "ended".to_owned(),
        },
    }
}

/// What is known of a container that was lost; the engine's own words come last.
async fn lost(connection: &mut Connection, reason: &str) -> String {
    let error = connection.autopsy(reason.to_owned()).await;
    let words = match &error {
        SessionError::Lost { last_words, .. } => last_words.last().map(|line| format!(": {line}")),
        _ => None,
    };
    format!("was lost: {error}{}", words.unwrap_or_default())
}
