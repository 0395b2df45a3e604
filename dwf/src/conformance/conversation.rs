//! A conversation with the extension, line by line, with everything that was said.
//!
//! Invariant: each step has a deadline, and what is kept is bounded; dropping a conversation kills
//! the extension and whatever it started.

use std::process::ExitStatus;
use std::time::Duration;

use devflow_oci::Invocation;
use devflow_protocol::client::Limits;
use devflow_protocol::excerpt::excerpt;
use devflow_protocol::frame::PartialLine;
use devflow_protocol::limits::END_GRACE;
use devflow_protocol::message::method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout, timeout_at};

use super::message::{self, Answer, Breach, Broken, Message};
use super::subject::Subject;
use crate::process::{self, Process, Streams};
use crate::ring::Ring;

/// Lines of a conversation that a failure shows, and bytes of each.
const SHOWN: (usize, usize) = (8, 2000);
/// How long an extension that closed its output has to show how it ends, and a child of it to go.
const ENDING: Duration = Duration::from_millis(300);

/// A line that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether the kit said it.
    pub sent: bool,
    /// The line, escaped and bounded.
    pub text: String,
}

/// What went wrong in a conversation, with its last lines.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The rule of the wire that was broken, if it was one.
    pub breach: Option<Breach>,
    /// What is wrong.
    pub what: String,
    /// What was said last.
    pub said: Vec<Said>,
    /// The end of standard error.
    pub stderr: Vec<String>,
}

impl Failure {
    /// A failure of which nothing more is known.
    pub fn new(what: impl Into<String>) -> Self {
        Self { breach: None, what: what.into(), said: Vec::new(), stderr: Vec::new() }
    }
}

/// A question and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request, as it was sent.
    pub sent: String,
    /// The answer, as it came.
    pub came: String,
    /// What it says.
    pub answer: Answer,
}

/// What can follow.
pub enum Next {
    /// An answer, and its line.
    Answer(Answer, String),
    /// The end of standard output; how the extension ended, if it did.
    End(Option<ExitStatus>),
    /// Nothing until the deadline.
    Silence,
}

/// How an extension ended after its input was closed.
#[derive(Debug)]
pub struct Ending {
    /// Its status, when it ended in time.
    pub status: Option<ExitStatus>,
    /// Whether something that it started is still there.
    pub leftover: bool,
    /// What is wrong with what it said meanwhile.
    pub breach: Option<Failure>,
}

/// A running extension.
pub struct Conversation {
    process: Process,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    line: PartialLine,
    stderr: Ring,
    started: Instant,
    limits: Limits,
    /// Whether `log` was invited.
    log: bool,
    bytes: u64,
    messages: u64,
    said: Vec<Said>,
    answered: Vec<String>,
}

impl Conversation {
    /// Starts the extension.
    pub fn start(subject: &Subject, limits: &Limits, how: &Invocation) -> std::io::Result<Self> {
        let mut process = process::spawn(how, &subject.env, Streams::Piped)?;
        let stderr = Ring::default();
        stderr.drain(process.stderr());
        let stdout = process.stdout().ok_or(std::io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            stdin: process.stdin(),
            stdout: BufReader::with_capacity(16 << 10, stdout),
            process,
            line: PartialLine::new(limits.line),
            stderr,
            started: Instant::now(),
            limits: limits.clone(),
            log: false,
            bytes: 0,
            messages: 0,
            said: Vec::new(),
            answered: Vec::new(),
        })
    }

    /// Greets it; `log` says whether it may send log lines.
    pub async fn greet(&mut self, protocols: &[u32], log: bool) -> Result<Exchange, Failure> {
        self.log = log;
        let features: &[&str] = if log { &["log"] } else { &[] };
        let host = json!({ "name": "dwf", "version": env!("CARGO_PKG_VERSION") });
        let params = json!({ "protocols": protocols, "host": host, "features": features });
        self.ask("0", method::INITIALIZE, params).await
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&mut self, id: &str, method: &str, params: Value) -> Result<Exchange, Failure> {
        let sent = request(id, method, params);
        self.send(&sent).await?;
        let deadline = self.deadline(method);
        let (answer, came) = self.answer(id, deadline).await?;
        Ok(Exchange { sent, came, answer })
    }

    /// Until when a request of this method, sent now, is to be answered.
    pub fn deadline(&self, method: &str) -> Instant {
        match method {
            method::INITIALIZE => self.started + self.limits.initialize,
            _ => Instant::now() + self.limits.request,
        }
    }

    /// Sends a line, whatever it is.
    pub async fn send(&mut self, line: &str) -> Result<(), Failure> {
        self.say(true, line.as_bytes());
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        let bytes = format!("{line}\n").into_bytes();
        match timeout(self.limits.request, stdin.write_all(&bytes)).await {
            // One that has closed its input may have said why; that is read next.
            Ok(_) => Ok(()),
            Err(_) => Err(self.failure((Breach::Silent, "it does not read its standard input".into()))),
        }
    }

    /// The answer with this id, which must be the next.
    pub async fn answer(&mut self, id: &str, deadline: Instant) -> Result<(Answer, String), Failure> {
        let (answer, line) = self.any_answer(deadline).await?;
        match &answer.id {
            Some(found) if found == id => {
                self.answered.push(id.to_owned());
                Ok((answer, line))
            }
            Some(found) if self.answered.contains(found) => {
                Err(self.failure((Breach::Once, format!("it answered the request {found:?} twice"))))
            }
            Some(found) => {
                let what = format!("it answered with the id {found:?}, and was asked with {id:?}");
                Err(self.failure((Breach::Ids, what)))
            }
            None => Err(self.failure((Breach::Ids, "it could not read a good request".into()))),
        }
    }

    /// The next answer.
    pub async fn any_answer(&mut self, deadline: Instant) -> Result<(Answer, String), Failure> {
        let asked = Instant::now();
        match self.next(deadline).await? {
            Next::Answer(answer, line) => Ok((answer, line)),
            Next::End(status) => {
                let how = status.map_or("closed its standard output".to_owned(), process::ending);
                Err(self.failure((Breach::Silent, format!("it {how} and had not answered"))))
            }
            Next::Silence => {
                let waited = Instant::now().duration_since(asked);
                // One that only forgets to flush answers when its input ends.
                self.stdin = None;
                let late = self.next(Instant::now() + 2 * END_GRACE).await;
                let (breach, when) = match late {
                    Ok(Next::Answer(..)) => (Breach::Unflushed, ", but did when its input was closed"),
                    _ => (Breach::Silent, ""),
                };
                Err(self.failure((breach, format!("it did not answer within {waited:.1?}{when}"))))
            }
        }
    }

    /// Whatever follows; log lines are read over.
    pub async fn next(&mut self, deadline: Instant) -> Result<Next, Failure> {
        loop {
            let chunk = match timeout_at(deadline, self.stdout.fill_buf()).await {
                Err(_) => return Ok(Next::Silence),
                // A pipe that fails has ended.
                Ok(chunk) => chunk.unwrap_or_default(),
            };
            if chunk.is_empty() {
                let line = std::mem::replace(&mut self.line, PartialLine::new(self.limits.line));
                line.end().map_err(|error| self.failure(message::frame(&error)))?;
                let status = timeout(ENDING, self.process.wait()).await;
                return Ok(Next::End(status.ok().and_then(Result::ok)));
            }
            let first = chunk.iter().find(|byte| !byte.is_ascii_whitespace());
            if self.bytes == 0 && first.is_some_and(|byte| !b"{[".contains(byte)) {
                let what = format!("before any message it wrote \"{}\"", excerpt(chunk, 200));
                return Err(self.failure((Breach::FirstByte, what)));
            }
            let (used, line) = self.line.push(chunk);
            self.stdout.consume(used);
            self.bytes += used as u64;
            let line = line.map_err(|error| self.failure(message::frame(&error)))?;
            if self.bytes > self.limits.bytes {
                let what = format!("it sent more than {} bytes", self.limits.bytes);
                return Err(self.failure((Breach::Limits, what)));
            }
            if let Some(line) = line
                && let Some(answer) = self.message(&line)?
            {
                return Ok(Next::Answer(answer, line));
            }
        }
    }

    /// What a line says; nothing, when it is a log line.
    fn message(&mut self, line: &str) -> Result<Option<Answer>, Failure> {
        self.say(false, line.as_bytes());
        self.messages += 1;
        if self.messages > self.limits.messages {
            let what = format!("it sent more than {} messages", self.limits.messages);
            return Err(self.failure((Breach::Limits, what)));
        }
        match message::read(line).map_err(|broken| self.failure(broken))? {
            Message::Answer(answer) => Ok(Some(answer)),
            Message::Log if self.log => Ok(None),
            Message::Log => {
                let what = "it sent a `log` line, and `features` had no \"log\"".to_owned();
                Err(self.failure((Breach::LogUninvited, what)))
            }
        }
    }

    /// Closes the extension's input and looks how it ends.
    pub async fn end(mut self, grace: Duration) -> Ending {
        self.stdin = None;
        let deadline = Instant::now() + grace;
        let status = timeout_at(deadline, self.process.wait()).await.ok().and_then(Result::ok);
        let breach = match self.next(Instant::now() + Duration::from_millis(50)).await {
            Ok(Next::Answer(answer, _)) => {
                let id = answer.id.unwrap_or_default();
                let what = format!("it answered {id:?} though nothing was asked any more");
                Some(self.failure((Breach::Once, what)))
            }
            Ok(_) => None,
            Err(failure) => Some(failure),
        };
        let patience = Instant::now() + ENDING;
        while status.is_some() && !self.process.group_is_gone() && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ending { status, leftover: status.is_some() && !self.process.group_is_gone(), breach }
    }

    /// A failure, at this point of the conversation.
    pub fn failure(&self, (breach, what): Broken) -> Failure {
        Failure { breach: Some(breach), ..self.fails(what) }
    }

    /// A failure that is none of the wire's.
    pub fn fails(&self, what: impl Into<String>) -> Failure {
        let stderr = self.stderr.last_lines(20);
        Failure { said: self.said.clone(), stderr, ..Failure::new(what) }
    }

    fn say(&mut self, sent: bool, line: &[u8]) {
        let (lines, bytes) = SHOWN;
        if self.said.len() == lines {
            self.said.remove(0);
        }
        self.said.push(Said { sent, text: excerpt(line, bytes) });
    }
}

/// A request's line.
pub fn request(id: &str, method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

impl Exchange {
    /// A failure of this answer.
    pub fn fails(&self, what: impl Into<String>) -> Failure {
        let said = |sent, text: &str| Said { sent, text: excerpt(text.as_bytes(), SHOWN.1) };
        let said = vec![said(true, &self.sent), said(false, &self.came)];
        Failure { said, ..Failure::new(what) }
    }
}
