//! An action under way: where it is in its steps, and what ends it.
//!
//! Invariant: once it is told to stop, it says so at its end, whatever its exit code.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::group::{Group, Usage};
use crate::lookup::Folders;
use crate::memory::Kills;
use crate::spawn;
use crate::wire::{Choice, End, Start};

/// How long output may keep an action that has exited: a daemon may hold the pipe for ever.
const DRAIN: Duration = Duration::from_millis(200);

/// An action that has been accepted.
pub(crate) struct Action {
    choice: Choice,
    folders: Folders,
    step: usize,
    group: Option<Group>,
    /// How the step ended, once it has.
    end: Option<End>,
    drained: bool,
    drain_until: Option<Instant>,
    stop: Option<Stop>,
    deadline: Option<Instant>,
    grace: Duration,
    usage: Usage,
    kills: Kills,
}

/// It has been told to stop.
struct Stop {
    end: End,
    kill_at: Option<Instant>,
}

/// What comes next for an action.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Something has to happen first.
    Wait,
    /// Its next step.
    Step,
    /// Its end.
    End(End),
}

/// Which choice is taken on a machine with this `PATH`: the first whose program is there, else the last.
pub fn taken(choices: &[Choice], own_path: Option<&OsStr>) -> usize {
    let fits = |choice: &Choice| {
        let folders = spawn::folders(choice, own_path);
        choice.when.as_ref().is_none_or(|when| folders.find(when, Path::new(&choice.cwd)).is_ok())
    };
    choices.iter().position(fits).unwrap_or(choices.len().saturating_sub(1))
}

impl Action {
    /// Takes the first choice whose program is there, and says which; an error is a request that
    /// dwf should not have sent.
    pub(crate) fn new(start: Start, own_path: Option<&OsStr>, now: Instant) -> Result<(Self, usize), String> {
        let taken = taken(&start.choices, own_path);
        let choice = start.choices.into_iter().nth(taken).ok_or("an action without a choice")?;
        if choice.steps.is_empty() {
            return Err("an action without a step".to_owned());
        }
        if !Path::new(&choice.cwd).is_absolute() {
            return Err(format!("a working directory that is not absolute: {:?}", choice.cwd));
        }
        let action = Self {
            folders: spawn::folders(&choice, own_path),
            choice,
            step: 0,
            group: None,
            end: None,
            drained: false,
            drain_until: None,
            stop: None,
            deadline: start.timeout_ms.and_then(|limit| now.checked_add(Duration::from_millis(limit))),
            grace: Duration::from_millis(start.grace_ms),
            usage: Usage::default(),
            kills: Kills::now(),
        };
        Ok((action, taken))
    }

    /// Starts the step it is at; the pipes are its standard output and error.
    pub(crate) fn begin(&mut self) -> Result<(OwnedFd, OwnedFd), End> {
        let spawned = spawn::spawn(&self.choice, &self.folders, &self.choice.steps[self.step])?;
        self.group = Some(spawned.group);
        (self.end, self.drained, self.drain_until) = (None, false, None);
        Ok((spawned.stdout, spawned.stderr))
    }

    /// Tells it to stop. The first reason counts, and the earliest SIGKILL.
    pub(crate) fn stop(&mut self, end: End, grace: Duration, now: Instant) {
        let kill_at = now.checked_add(grace);
        if let Some(stop) = &mut self.stop {
            stop.kill_at = stop.kill_at.into_iter().chain(kill_at).min();
            return;
        }
        self.stop = Some(Stop { end, kill_at });
        if let Some(group) = &self.group {
            group.terminate();
        }
    }

    /// Does what is due. True when its output must come to an end now.
    pub(crate) fn tick(&mut self, now: Instant) -> bool {
        if self.group.is_some() && self.stop.is_none() && self.deadline.is_some_and(|at| at <= now) {
            self.stop(End::TimedOut, self.grace, now);
        }
        if let (Some(group), Some(stop)) = (&self.group, &mut self.stop)
            && stop.kill_at.take_if(|at| *at <= now).is_some()
        {
            group.kill();
        }
        self.drain_until.take_if(|until| *until <= now).is_some()
    }

    /// When `tick` has something to do next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let of_group = match (&self.group, &self.stop) {
            (None, _) => None,
            (Some(_), Some(stop)) => stop.kill_at,
            (Some(_), None) => self.deadline,
        };
        of_group.into_iter().chain(self.drain_until).min()
    }

    /// Looks whether the step's process has exited.
    pub(crate) fn look(&mut self, now: Instant) {
        let Some(result) = self.group.as_ref().and_then(Group::try_finish) else { return };
        self.group = None;
        self.drain_until = (!self.drained).then_some(now + DRAIN);
        self.end = Some(match result {
            Ok((end, usage)) => {
                self.usage = self.usage.and(usage);
                self.kills.explain(end)
            }
            Err(error) => {
                let program = &self.choice.steps[self.step].program;
                spawn::not_started(program, &format!("nobody knows how it ended: {error}"), false)
            }
        });
    }

    /// All of its output has been sent.
    pub(crate) fn drained(&mut self) {
        self.drained = true;
        self.drain_until = None;
    }

    /// What comes next. `Step` has been taken when this returns it.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        let (Some(end), true) = (&self.end, self.drained) else { return Next::Wait };
        if let Some(stop) = &self.stop {
            return Next::End(stop.end.clone());
        }
        if *end != End::Exit(0) || self.step + 1 == self.choice.steps.len() {
            return Next::End(end.clone());
        }
        if self.deadline.is_some_and(|at| at <= now) {
            return Next::End(End::TimedOut);
        }
        self.step += 1;
        Next::Step
    }

    /// Whether a process is the leader of its step.
    pub(crate) fn is_led_by(&self, pid: Pid) -> bool {
        self.group.as_ref().is_some_and(|group| group.leader() == pid)
    }

    /// The program of the step it is at.
    pub(crate) fn program(&self) -> &str {
        &self.choice.steps[self.step].program
    }

    /// The step it is at, and what it used until now.
    pub(crate) fn account(&self) -> (usize, Usage) {
        (self.step, self.usage)
    }
}
