//! The one owner of all actions: requests, exits and deadlines meet in its loop.
//!
//! Invariant: it alone starts, signals and waits for processes, and it never waits for dwf.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use devflow_protocol::frame::FrameError;
use nix::sys::signal::Signal;

use crate::action::{Action, Next};
use crate::output::Wire;
use crate::secrets::{Files, unpack};
use crate::spawn;
use crate::wire::{End, Event, Request, Start};
use crate::{BUG, complain, orphans};

/// Between SIGTERM and SIGKILL when the session ends.
const GRACE: Duration = Duration::from_millis(100);

/// After which an end is forced, whatever processes or dwf do.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the supervisor hears.
pub(crate) enum Notice {
    /// dwf wants something.
    Request(Request),
    /// dwf is gone, or done.
    InputEnded,
    /// dwf said something that is no request.
    Malformed(String),
    /// The runner got a signal.
    Signal(Signal),
    /// All output of an action's step has been sent.
    Drained(u32),
    /// Nothing more will be written to the wire.
    WireClosed(Option<FrameError>),
}

/// The owner.
pub(crate) struct Supervisor {
    own_path: Option<OsString>,
    wire: Wire,
    inbox: Receiver<Notice>,
    actions: BTreeMap<u32, Action>,
    files: Files,
    ending: Option<Ending>,
    wire_closed: bool,
}

#[derive(Clone, Copy)]
struct Ending {
    code: u8,
    give_up: Instant,
}

impl Supervisor {
    /// An owner of nothing yet.
    pub(crate) fn new(own_path: Option<OsString>, wire: Wire, inbox: Receiver<Notice>) -> Self {
        let (actions, files) = (BTreeMap::new(), Files::default());
        Self { own_path, wire, inbox, actions, files, ending: None, wire_closed: false }
    }

    /// One that has nothing to do but to tell what was said.
    pub(crate) fn ended(mut self) -> Self {
        self.end(0);
        self
    }

    /// Works until something ends the session; the exit code.
    pub(crate) fn run(mut self) -> u8 {
        let ending = loop {
            self.tick();
            if let Some(ending) = self.ending
                && (self.actions.is_empty() || ending.give_up <= Instant::now())
            {
                break ending;
            }
            self.hear(self.due());
        };
        self.leave(ending)
    }

    fn due(&self) -> Option<Instant> {
        let ending = self.ending.map(|ending| ending.give_up);
        self.actions.values().filter_map(Action::due).chain(ending).min()
    }

    /// Takes the next notice, if it comes in time.
    fn hear(&mut self, until: Option<Instant>) {
        let notice = match until {
            Some(until) => self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match notice {
            Ok(notice) => self.take(notice),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.bug("the runner's threads are gone"),
        }
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Request(Request::Start(start)) => self.start(start),
            Notice::Request(Request::Cancel { id, grace_ms }) => {
                // An action that has just ended is no longer here.
                if let Some(action) = self.actions.get_mut(&id) {
                    action.stop(End::Cancelled, Duration::from_millis(grace_ms), Instant::now());
                }
            }
            Notice::InputEnded => self.end(0),
            Notice::Malformed(reason) => self.bug(&reason),
            Notice::Signal(Signal::SIGCHLD) => self.look(),
            Notice::Signal(signal @ (Signal::SIGTERM | Signal::SIGHUP)) => self.end(128 + signal as u8),
            Notice::Signal(_) => {}
            Notice::Drained(id) => {
                if let Some(action) = self.actions.get_mut(&id) {
                    action.drained();
                    self.advance(id);
                }
            }
            Notice::WireClosed(lost) => self.wire_closed(lost),
        }
    }

    fn start(&mut self, mut start: Start) {
        if self.ending.is_some() {
            return;
        }
        let id = start.id;
        if self.actions.contains_key(&id) {
            return self.bug(&format!("action {id} is started while it runs"));
        }
        let files = unpack(&mut start);
        match Action::new(start, self.own_path.as_deref(), Instant::now()) {
            Err(reason) => self.bug(&reason),
            Ok((action, choice)) => {
                self.wire.say(Event::Started { id, choice });
                self.actions.insert(id, action);
                match self.files.put(id, &files) {
                    Ok(()) => self.begin(id),
                    Err(reason) => self.refuse(id, &reason),
                }
            }
        }
    }

    fn begin(&mut self, id: u32) {
        let Some(action) = self.actions.get_mut(&id) else { return };
        match action.begin() {
            Ok((stdout, stderr)) => self.wire.watch(id, stdout, stderr),
            Err(end) => self.finish(id, end),
        }
    }

    fn refuse(&mut self, id: u32, reason: &str) {
        let program = self.actions.get(&id).map(|action| action.program().to_owned()).unwrap_or_default();
        self.finish(id, spawn::not_started(&program, reason, false));
    }

    fn advance(&mut self, id: u32) {
        match self.actions.get_mut(&id).map(|action| action.next(Instant::now())) {
            Some(Next::Step) => self.begin(id),
            Some(Next::End(end)) => self.finish(id, end),
            Some(Next::Wait) | None => {}
        }
    }

    fn finish(&mut self, id: u32, end: End) {
        if let Some(action) = self.actions.remove(&id) {
            let (step, usage) = action.account();
            self.files.release(id);
            let cpu_ms = u64::try_from(usage.cpu.as_millis()).unwrap_or(u64::MAX);
            self.wire.say(Event::Ended { id, end, step, cpu_ms, peak_kib: usage.peak_kib });
        }
    }

    /// Some child has exited.
    fn look(&mut self) {
        let ids: Vec<u32> = self.actions.keys().copied().collect();
        for id in ids {
            if let Some(action) = self.actions.get_mut(&id) {
                action.look(Instant::now());
                self.advance(id);
            }
        }
        orphans::reap(|pid| self.actions.values().any(|action| action.is_led_by(pid)));
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for (id, action) in &mut self.actions {
            if action.tick(now) {
                self.wire.finish(*id);
            }
        }
    }

    fn bug(&mut self, reason: &str) {
        complain(reason);
        self.end(BUG);
    }

    /// Ends everything; the first reason decides on the exit code.
    fn end(&mut self, code: u8) {
        if self.ending.is_some() {
            return;
        }
        let now = Instant::now();
        self.ending = Some(Ending { code, give_up: now + PATIENCE });
        for action in self.actions.values_mut() {
            action.stop(End::Cancelled, GRACE, now);
        }
    }

    fn wire_closed(&mut self, lost: Option<FrameError>) {
        self.wire_closed = true;
        match lost {
            Some(FrameError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => self.end(0),
            None => self.end(0),
            Some(error) => self.bug(&format!("an event cannot be sent: {error}")),
        }
        // Nobody reads on, so there is nothing to wait for but the processes.
        for action in self.actions.values_mut() {
            action.drained();
        }
        self.look();
    }

    /// Ends what actions left behind, and gives dwf a moment to take what has been said.
    fn leave(mut self, ending: Ending) -> u8 {
        orphans::end_all(GRACE);
        let (wire, until) = (self.wire, Instant::now() + PATIENCE);
        drop(wire);
        while !self.wire_closed {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Notice::WireClosed(_)) | Err(_) => self.wire_closed = true,
                Ok(_) => {}
            }
        }
        ending.code
    }
}
