//! What happens in a run, as values: every mode of showing it is a function of these.

use std::time::Duration;

use devflow_runner::wire::End;

use super::kept::Kept;
use crate::error::Error;
use crate::name::FullName;

/// How an action came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not, for this reason.
    Failed(String),
    /// Its time was over: how long it had.
    TimedOut(String),
    /// dwf ended it, for this reason.
    Cancelled(String),
}

/// Numbers of a finished action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// From start to end.
    pub elapsed: Duration,
    /// Processor time.
    pub cpu: Duration,
    /// Peak resident memory of its largest process, in KiB.
    pub peak_kib: u64,
}

/// Something to show.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something about what happens.
    Note(&'a str),
    /// An action has nothing to do.
    Skipped(&'a FullName, &'a str),
    /// An action runs now.
    Started(&'a FullName),
    /// An action wrote something.
    Output(&'a FullName, &'a [u8]),
    /// An action ended; with what it wrote, where there is any.
    Finished(&'a FullName, &'a Outcome, Used, Option<&'a mut Kept>),
    /// An action never started.
    NotRun(&'a FullName, &'a str),
    /// A failure, whole: the reason, the line that reproduces it, what the action wrote.
    Failure(&'a FullName, &'a str, &'a str, Option<&'a mut Kept>),
    /// How it went as a whole.
    Verdict(bool, &'a str),
    /// What went wrong with the run itself.
    Error(&'a Error),
}

impl Outcome {
    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) | Self::TimedOut(reason) => Some(reason),
            Self::Passed | Self::Cancelled(_) => None,
        }
    }
}

/// How an action ended, for a person.
pub fn outcome(end: &End) -> Outcome {
    match end {
        End::Exit(0) => Outcome::Passed,
        End::Exit(code) => match nix::sys::signal::Signal::try_from(code - 128) {
            // What a shell or an init says of a program that a signal ended.
            Ok(signal) => Outcome::Failed(format!("exit code {code}, as after {signal}")),
            Err(_) => Outcome::Failed(format!("exit code {code}")),
        },
        End::Signal(number) => {
            let name =
                nix::sys::signal::Signal::try_from(*number).map_or("an unknown signal", |s| s.as_str());
            Outcome::Failed(format!("killed by {name}"))
        }
        End::OutOfMemory => Outcome::Failed("killed by SIGKILL: out of memory".to_owned()),
        End::TimedOut => Outcome::TimedOut("timed out".to_owned()),
        End::Cancelled => Outcome::Cancelled("cancelled".to_owned()),
        End::NotStarted { program, missing: true, .. } => {
            Outcome::Failed(format!("no program `{program}` was found"))
        }
        End::NotStarted { program, reason, .. } => {
            Outcome::Failed(format!("`{program}` could not be started: {reason}"))
        }
    }
}
