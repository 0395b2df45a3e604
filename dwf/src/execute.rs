//! Running a plan: one loop that owns the schedule, hears every event, and decides.
//!
//! Invariant: an action counts as passed only when its runner said that it exited with 0; a signal,
//! a deadline, a lost session or a service that died under it is never success.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use devflow_runner::wire::{self, Data, End, Event};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::lower::{Job, Kind};
use crate::reaper::Reaper;
use crate::report::{Outcome, Reporter, Used, outcome};
use crate::schedule::{Ending, Schedule, Why};
use crate::service::{Services, State};
use crate::session::{Backend, Message, SessionError};
use crate::signals::{Interrupted, Signals};
use crate::skip::Ledger;

/// How long a session may take to say hello; an engine may have to map an image's layers first.
const HELLO: Duration = Duration::from_secs(600);
/// How long cancelled actions have beyond their own grace.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why an action did not have to run.
pub const UNCHANGED: &str = "unchanged since its last success";

/// How many actions came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Ended by dwf, because another failed or a signal came.
    pub cancelled: usize,
    /// Never started.
    pub not_run: usize,
    /// Did not have to run.
    pub unchanged: usize,
}

/// One run of a plan.
pub struct Run<'a, 'b> {
    /// The actions, in the plan's order.
    pub jobs: &'a [Job],
    /// Which may start.
    pub schedule: Schedule,
    /// Where they go.
    pub backend: Backend<'b>,
    /// What some of them need beside them.
    pub services: Services,
    /// What comes back.
    pub inbox: mpsc::Receiver<Message>,
    /// What need not run, and who writes down what did.
    pub ledger: &'a mut Ledger,
    /// Who tells.
    pub reporter: &'a mut Reporter,
    /// What ends it early.
    pub signals: &'a mut Signals,
    /// Who goes on where this run gives up.
    pub reaper: &'a mut Option<Reaper>,
    /// Signals heard so far.
    pub heard: u8,
}

/// What still comes when every action has ended.
fn judge(message: Message, open: &mut usize, fault: &mut Option<SessionError>) {
    match message {
        Message::Closed(_) => *open = open.saturating_sub(1),
        Message::Lost(_, reason) => {
            *open = open.saturating_sub(1);
            *fault = Some(SessionError::Lost { place: "session", reason, last_words: Vec::new() });
        }
        Message::Event(_, Event::Started { .. } | Event::Ended { .. }) => *fault = Some(SessionError::Twice),
        Message::Event(_, Event::Elsewhere) => *fault = Some(SessionError::Elsewhere),
        Message::Event(_, Event::Hello { .. } | Event::Unsure | Event::Output { .. })
        | Message::Service(..) => {}
    }
}

#[derive(Default)]
struct Progress {
    started: BTreeMap<u32, Instant>,
    /// Actions whose turn it is, and whose services are not ready yet.
    held: BTreeSet<usize>,
    /// Actions that run and have lost a service: whatever they become, they have failed, and why.
    lost: BTreeMap<usize, String>,
    tally: Tally,
}

impl Run<'_, '_> {
    /// Runs everything that may run, and leaves nothing behind.
    pub async fn execute(mut self) -> Result<Tally, Error> {
        let mut progress = Progress::default();
        for at in self.ledger.unchanged().collect::<Vec<_>>() {
            self.met(at, &mut progress.tally);
        }
        let result = match self.work(&mut progress).await {
            Ok(None) => self.close().await.map_err(Error::from),
            Ok(Some(number)) => {
                self.kill().await;
                Ok(Some(number))
            }
            Err(error) => {
                self.tell_lost(&mut progress);
                self.kill().await;
                Err(error.into())
            }
        };
        self.tell_waiting(&mut progress);
        match result? {
            Some(number) => Err(Interrupted(number).into()),
            None => Ok(progress.tally),
        }
    }

    /// Lets every session end and reads its wire to the end: a runner that speaks of an action again
    /// after its end, or ends otherwise than it should, was not alone there. Gives a signal that came.
    async fn close(&mut self) -> Result<Option<i32>, SessionError> {
        let Self { backend, services, inbox, signals, .. } = self;
        let (mut open, mut fault, mut late) = (backend.opened(), None, None);
        {
            let end = async {
                // They live in the session's network, and so end before it.
                let services = services.end().await;
                backend.finish().await.and(services)
            };
            tokio::pin!(end);
            loop {
                tokio::select! {
                    result = &mut end => break result?,
                    Some(message) = inbox.recv() => judge(message, &mut open, &mut fault),
                    number = signals.next(), if late.is_none() => late = Some(number),
                }
            }
        }
        while open > 0 {
            match timeout(PATIENCE, inbox.recv()).await {
                Ok(Some(message)) => judge(message, &mut open, &mut fault),
                _ => return Err(SessionError::Twice),
            }
        }
        fault.map_or(Ok(late), Err)
    }

    /// Ends everything now; the third signal leaves it to the reaper.
    async fn kill(&mut self) {
        let Self { backend, services, inbox, signals, reporter, heard, reaper, .. } = self;
        let end = async {
            let services = services.end().await;
            backend.kill().await.and(services)
        };
        tokio::pin!(end);
        loop {
            tokio::select! {
                result = &mut end => {
                    if let Err(error) = result {
                        reporter.error(&error.into());
                        break;
                    }
                    return;
                }
                // Whoever is to end must not wait for somebody to listen.
                Some(_) = inbox.recv() => {}
                _ = signals.next() => {
                    *heard += 1;
                    if *heard >= 3 {
                        break;
                    }
                }
            }
        }
        if let Some(reaper) = reaper.take() {
            reaper.take_over();
        }
    }

    /// An action that does not have to run.
    fn met(&mut self, at: usize, tally: &mut Tally) {
        self.schedule.met(at);
        tally.unchanged += 1;
        if let Some(job) = self.jobs.get(at) {
            self.reporter.unchanged(&job.name, UNCHANGED);
        }
    }

    /// Works until nothing runs and nothing may start, or until a signal: its number.
    async fn work(&mut self, progress: &mut Progress) -> Result<Option<i32>, SessionError> {
        let mut asked = Instant::now();
        loop {
            while let Some(at) = self.schedule.start() {
                if self.jobs.get(at).is_none() {
                    continue;
                }
                if self.ledger.settles(at).await {
                    self.met(at, &mut progress.tally);
                    continue;
                }
                self.ledger.begin(at)?;
                if self.backend.silent().is_none() {
                    asked = Instant::now();
                }
                self.start(at, progress)?;
            }
            if self.schedule.running().is_empty() {
                return Ok(None);
            }
            let waiting = self.backend.silent().is_some();
            let overdue = HELLO.saturating_sub(asked.elapsed());
            let due = self.reporter.due();
            tokio::select! {
                biased;
                number = self.signals.next() => {
                    self.heard += 1;
                    return self.interrupted(number, progress).await.map(Some);
                }
                () = sleep(due.unwrap_or_default()), if due.is_some() => self.reporter.tick(),
                Some(message) = self.inbox.recv() => self.hear(message, progress).await?,
                () = sleep(overdue), if waiting => {
                    return Err(SessionError::Slow { place: "session", seconds: HELLO.as_secs() });
                }
            }
        }
    }

    /// Starts an action, as soon as what it needs beside it is ready.
    fn start(&mut self, at: usize, progress: &mut Progress) -> Result<(), SessionError> {
        let Some(job) = self.jobs.get(at) else { return Ok(()) };
        match self.services.ask(&job.services) {
            State::Ready => {
                progress.held.remove(&at);
                tracing::debug!(target: "devflow::schedule", "start {}", job.name);
                self.backend.start(job)?;
            }
            State::Coming => {
                progress.held.insert(at);
                // Services live in the network of the session.
                self.backend.open(job.kind)?;
                if self.backend.is_there(job.kind) {
                    self.services.start();
                }
            }
            State::Broken(reason) => {
                progress.held.remove(&at);
                self.conclude(at, &Outcome::Failed(reason), Used::default(), progress);
            }
        }
        Ok(())
    }

    /// Asks everything that runs to end; gives the longest time that this may take.
    fn cancel(&mut self, progress: &mut Progress) -> Duration {
        let mut grace = Duration::ZERO;
        for at in self.schedule.running() {
            let Some(job) = self.jobs.get(at) else { continue };
            if progress.held.remove(&at) {
                let outcome = Outcome::Cancelled(self.cause());
                self.conclude(at, &outcome, Used::default(), progress);
            } else {
                grace = grace.max(Duration::from_millis(job.start.grace_ms));
                self.backend.cancel(job);
            }
        }
        grace
    }

    /// Why dwf ends actions now.
    fn cause(&self) -> String {
        match self.schedule.culprit() {
            Some(name) if self.heard == 0 => format!("cancelled because {name} failed"),
            _ => "cancelled".to_owned(),
        }
    }

    /// The first signal asks everything to end, a second one does not wait for it.
    async fn interrupted(&mut self, number: i32, progress: &mut Progress) -> Result<i32, SessionError> {
        self.reporter.note("stopping; once more to kill");
        self.schedule.stop();
        if self.backend.silent().is_some() {
            return Ok(number);
        }
        let grace = self.cancel(progress);
        let over = Instant::now() + grace + PATIENCE;
        while !self.schedule.running().is_empty() {
            tokio::select! {
                biased;
                _ = self.signals.next() => {
                    self.heard += 1;
                    break;
                }
                Some(message) = self.inbox.recv() => {
                    if self.hear(message, progress).await.is_err() {
                        break;
                    }
                }
                () = sleep(over.saturating_duration_since(Instant::now())) => break,
            }
        }
        Ok(number)
    }

    async fn hear(&mut self, message: Message, progress: &mut Progress) -> Result<(), SessionError> {
        match message {
            Message::Closed(kind) => Err(self.backend.autopsy(kind, "it closed its output".to_owned()).await),
            Message::Lost(kind, reason) => Err(self.backend.autopsy(kind, reason).await),
            Message::Event(kind, event) => {
                match event {
                    Event::Hello { version: wire::VERSION } => {
                        self.backend.greet(kind);
                        if kind == Kind::Check {
                            self.services.start();
                        }
                    }
                    Event::Hello { version } => return Err(SessionError::Version(version)),
                    Event::Unsure => self.backend.mark(kind)?,
                    Event::Elsewhere => return Err(SessionError::Elsewhere),
                    Event::Started { id, .. } => {
                        progress.started.insert(id, Instant::now());
                        if let Some(job) = usize::try_from(id).ok().and_then(|at| self.jobs.get(at)) {
                            self.reporter.started(&job.name);
                        }
                    }
                    Event::Output { id, data, .. } => {
                        if let Some(job) = usize::try_from(id).ok().and_then(|at| self.jobs.get(at)) {
                            self.reporter.output(&job.name, &data);
                        }
                    }
                    Event::Ended { id, end, cpu_ms, peak_kib, .. } => {
                        let elapsed = progress.started.remove(&id).map(|at| at.elapsed()).unwrap_or_default();
                        let used = Used { elapsed, cpu: Duration::from_millis(cpu_ms), peak_kib };
                        self.ended(id, &end, used, progress).await?;
                    }
                }
                Ok(())
            }
            Message::Service(which, state) => self.served(which, state, progress),
        }
    }

    /// Something has become of a service.
    fn served(
        &mut self,
        which: usize,
        state: Result<(), String>,
        progress: &mut Progress,
    ) -> Result<(), SessionError> {
        self.services.note(which, state);
        for at in progress.held.clone() {
            if progress.held.contains(&at) {
                self.start(at, progress)?;
            }
        }
        for at in self.schedule.running() {
            let Some(job) = self.jobs.get(at).filter(|_| !progress.held.contains(&at)) else { continue };
            if let State::Broken(reason) = self.services.ask(&job.services)
                && progress.lost.insert(at, reason).is_none()
            {
                self.backend.cancel(job);
            }
        }
        Ok(())
    }

    async fn ended(
        &mut self,
        id: u32,
        end: &End,
        used: Used,
        progress: &mut Progress,
    ) -> Result<(), SessionError> {
        let at = usize::try_from(id).unwrap_or(usize::MAX);
        let running = self.schedule.is_running(at) && !progress.held.contains(&at);
        let Some(job) = self.jobs.get(at).filter(|_| running) else { return Err(SessionError::Twice) };
        let outcome = match (progress.lost.remove(&at), end, job.start.timeout_ms) {
            (Some(reason), ..) => Outcome::Failed(reason),
            (None, End::Cancelled, _) => Outcome::Cancelled(self.cause()),
            (None, End::TimedOut, Some(ms)) => {
                Outcome::TimedOut(format!("timed out after {} s", Duration::from_millis(ms).as_secs_f64()))
            }
            _ => outcome(end),
        };
        self.conclude(at, &outcome, used, progress);
        Ok(self.ledger.ended(at, &outcome).await?)
    }

    /// An action is over. After the first failure nothing more starts, and what runs is cancelled, unless
    /// the run is to keep going.
    fn conclude(&mut self, at: usize, outcome: &Outcome, used: Used, progress: &mut Progress) {
        let Some(job) = self.jobs.get(at) else { return };
        let going = self.schedule.culprit().is_none();
        let (ending, count) = match outcome {
            Outcome::Passed => (Ending::Passed, &mut progress.tally.passed),
            Outcome::Failed(_) | Outcome::TimedOut(_) => (Ending::Failed, &mut progress.tally.failed),
            Outcome::Cancelled(_) => (Ending::Cancelled, &mut progress.tally.cancelled),
        };
        *count += 1;
        self.schedule.ended(at, ending);
        if ending == Ending::Failed {
            for words in self.services.words(&job.services) {
                self.reporter.output(&job.name, &Data::Text(words));
            }
        }
        self.reporter.finished(&job.name, outcome, used);
        if going && self.schedule.culprit().is_some() {
            self.cancel(progress);
        }
    }

    /// What ran in a session that was lost is shown with what it wrote.
    fn tell_lost(&mut self, progress: &mut Progress) {
        for at in self.schedule.running() {
            if let Some(job) = self.jobs.get(at) {
                let outcome = Outcome::Failed("its session was lost".to_owned());
                self.schedule.ended(at, Ending::Failed);
                progress.tally.failed += 1;
                self.reporter.finished(&job.name, &outcome, Used::default());
            }
        }
    }

    fn tell_waiting(&mut self, progress: &mut Progress) {
        for at in self.schedule.waiting() {
            let Some(job) = self.jobs.get(at) else { continue };
            let because = match self.schedule.why(at) {
                Why::Needs(name) => format!("not run: it needs {name}, which failed"),
                Why::Failed(name) => format!("not run: {name} failed"),
                Why::Stopped => "not run: stopped".to_owned(),
            };
            self.reporter.not_run(&job.name, &because);
            progress.tally.not_run += 1;
        }
    }
}
