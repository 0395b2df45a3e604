//! The transport under jsonrpsee: lines out, lines in through the gate.
//!
//! Invariant: the first fault is kept, and is what every later request fails with.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonrpsee::core::client::{ReceivedMessage, TransportReceiverT, TransportSenderT};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::AbortHandle;

use super::gate::{Gate, Incoming};
use super::log::{KEPT, Logs};
use super::{ClientError, Limits, Tap, To};
use crate::frame::{FrameError, PartialLine};
use crate::message::LogParams;

/// How long a fault of the writing side waits for the reading side, which knows more: what the
/// extension said before it went.
const READER_FIRST: Duration = Duration::from_millis(200);

/// What the client, the sender and the receiver share.
pub(super) struct Shared {
    gate: Mutex<Gate>,
    fault: Mutex<Option<ClientError>>,
    failed: Notify,
    log: broadcast::Sender<LogParams>,
    limits: Limits,
    tap: Option<Tap>,
}

impl Shared {
    pub(super) fn new(limits: &Limits, tap: Option<Tap>) -> Self {
        Self {
            gate: Mutex::default(),
            fault: Mutex::default(),
            failed: Notify::new(),
            log: broadcast::Sender::new(KEPT),
            limits: limits.clone(),
            tap,
        }
    }

    pub(super) fn fault(&self) -> Option<ClientError> {
        lock(&self.fault).clone()
    }

    pub(super) fn logs(&self) -> Logs {
        Logs(self.log.subscribe())
    }

    fn passes(&self, to: To, line: &str) {
        if let Some(tap) = &self.tap {
            tap(to, line);
        }
    }

    /// Keeps the first fault, and gives it back.
    fn fail(&self, error: ClientError) -> ClientError {
        let fault = lock(&self.fault).get_or_insert(error).clone();
        self.failed.notify_one();
        fault
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The task that owns the extension's standard input.
pub(super) struct Wire(AbortHandle);

impl Wire {
    /// Drops the extension's standard input, even in the middle of a write.
    pub(super) fn close(&self) {
        self.0.abort();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.close();
    }
}

/// Starts writing, and gives jsonrpsee its two ends.
pub(super) fn connect<R: AsyncRead + Unpin>(
    stdin: impl AsyncWrite + Send + Unpin + 'static,
    stdout: R,
    shared: &Arc<Shared>,
) -> (Wire, Sender, Receiver<R>) {
    let (lines, queue) = mpsc::channel(1);
    let task = tokio::spawn(write(stdin, queue, Arc::clone(shared)));
    let sender = Sender { lines, shared: Arc::clone(shared) };
    let stdout = BufReader::with_capacity(16 << 10, stdout);
    let receiver = Receiver { stdout, shared: Arc::clone(shared), bytes: 0, messages: 0 };
    (Wire(task.abort_handle()), sender, receiver)
}

async fn write(mut stdin: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<String>, shared: Arc<Shared>) {
    while let Some(mut line) = queue.recv().await {
        line.push('\n');
        let outcome = match stdin.write_all(line.as_bytes()).await {
            Ok(()) => stdin.flush().await,
            failed => failed,
        };
        if let Err(error) = outcome {
            tokio::time::sleep(READER_FIRST).await;
            shared.fail(unreachable(&error));
            return;
        }
    }
}

fn unreachable(error: &io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ClientError::Io { reason: "it closed its standard input".to_owned() },
        _ => ClientError::Io { reason: error.to_string() },
    }
}

/// jsonrpsee's way out.
pub(super) struct Sender {
    lines: mpsc::Sender<String>,
    shared: Arc<Shared>,
}

impl TransportSenderT for Sender {
    type Error = ClientError;

    async fn send(&mut self, line: String) -> Result<(), ClientError> {
        lock(&self.shared.gate).ask(&line);
        self.shared.passes(To::Extension, &line);
        match self.lines.send(line).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.shared.fail(ClientError::Closed)),
        }
    }
}

/// jsonrpsee's way in.
pub(super) struct Receiver<R> {
    stdout: BufReader<R>,
    shared: Arc<Shared>,
    bytes: u64,
    messages: u64,
}

impl<R: AsyncRead + Send + Unpin + 'static> TransportReceiverT for Receiver<R> {
    type Error = ClientError;

    async fn receive(&mut self) -> Result<ReceivedMessage, ClientError> {
        let shared = Arc::clone(&self.shared);
        let outcome = tokio::select! {
            biased;
            outcome = self.answer() => outcome,
            () = shared.failed.notified() => Err(shared.fault().unwrap_or(ClientError::Closed)),
        };
        outcome.map(ReceivedMessage::Text).map_err(|error| shared.fail(error))
    }
}

impl<R: AsyncRead + Unpin> Receiver<R> {
    /// The next answer; what comes before it is dealt with here.
    async fn answer(&mut self) -> Result<String, ClientError> {
        loop {
            let line = self.line().await?;
            self.messages += 1;
            if self.messages > self.shared.limits.messages {
                return Err(too_large("messages in one run", self.shared.limits.messages));
            }
            match lock(&self.shared.gate).admit(&line)? {
                Incoming::Answer(text) => return Ok(text),
                // An error says that nobody listens, which is fine.
                Incoming::Log(log) => drop(self.shared.log.send(log)),
            }
        }
    }

    async fn line(&mut self) -> Result<String, ClientError> {
        let mut line = PartialLine::new(self.shared.limits.line);
        loop {
            let chunk = self.stdout.fill_buf().await;
            let chunk = chunk.map_err(|error| ClientError::Io { reason: error.to_string() })?;
            if chunk.is_empty() {
                line.end().map_err(|error| self.unreadable(error))?;
                return Err(ClientError::Closed);
            }
            let (used, done) = line.push(chunk);
            self.stdout.consume(used);
            self.bytes = self.bytes.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
            if self.bytes > self.shared.limits.bytes {
                return Err(too_large("bytes in one run", self.shared.limits.bytes));
            }
            if let Some(text) = done.map_err(|error| self.unreadable(error))? {
                self.shared.passes(To::Host, &text);
                return Ok(text);
            }
        }
    }

    fn unreadable(&self, error: FrameError) -> ClientError {
        let error = framing(error);
        if let ClientError::Noise { excerpt }
        | ClientError::Torn { excerpt }
        | ClientError::TooLarge { excerpt, .. } = &error
        {
            self.shared.passes(To::Host, excerpt);
        }
        error
    }
}

fn too_large(what: &'static str, limit: u64) -> ClientError {
    ClientError::TooLarge { what, limit, excerpt: String::new() }
}

fn framing(error: FrameError) -> ClientError {
    match error {
        FrameError::TooLong { cap, excerpt } => ClientError::TooLarge {
            what: "bytes in one line",
            limit: u64::try_from(cap).unwrap_or(u64::MAX),
            excerpt,
        },
        FrameError::Torn { excerpt } => ClientError::Torn { excerpt },
        FrameError::NotUtf8 { excerpt } | FrameError::Bom { excerpt } => ClientError::Noise { excerpt },
        other => ClientError::Io { reason: other.to_string() },
    }
}
