//! Signals as events.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Exit, Explain};

/// The signals that end a run. One that was ignored when dwf started stays ignored, as `nohup` wants.
#[derive(Debug)]
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    quit: Option<Signal>,
}

/// A signal ended the run.
#[derive(Debug, thiserror::Error)]
#[error("interrupted by {}", name(*.0))]
pub struct Interrupted(pub i32);

fn name(number: i32) -> String {
    nix::sys::signal::Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |s| s.to_string())
}

impl Explain for Interrupted {
    fn exit(&self) -> Exit {
        Exit::Signal(self.0)
    }
}

impl Signals {
    /// From here on these signals are events.
    pub fn listen() -> io::Result<Self> {
        let ignored = ignored();
        let listen = |kind: SignalKind| match ignored & (1 << (kind.as_raw_value() - 1)) {
            0 => signal(kind).map(Some),
            _ => Ok(None),
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            quit: listen(SignalKind::quit())?,
        })
    }

    /// The next signal's number.
    pub async fn next(&mut self) -> i32 {
        let kind = tokio::select! {
            () = come(&mut self.interrupt) => SignalKind::interrupt(),
            () = come(&mut self.terminate) => SignalKind::terminate(),
            () = come(&mut self.hangup) => SignalKind::hangup(),
            () = come(&mut self.quit) => SignalKind::quit(),
        };
        kind.as_raw_value()
    }

    /// The next signal's number, if one comes within this time.
    pub async fn within(&mut self, time: Duration) -> Option<i32> {
        tokio::time::timeout(time, self.next()).await.ok()
    }

    /// Fails when a signal has come that nobody has taken: what follows must not read as success.
    pub async fn none(&mut self) -> Result<(), Interrupted> {
        // The runtime hears of a signal when it next looks, which is before a task that yields goes on.
        self.unless(tokio::task::yield_now()).await
    }

    /// Does something that may simply be dropped when a signal comes.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            number = self.next() => Err(Interrupted(number)),
            output = work => Ok(output),
        }
    }
}

async fn come(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that this process was started with as ignored, a bit each; elsewhere than on Linux none.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::{Signal, raise};

    use super::*;

    /// With the runtime that dwf itself has.
    #[test]
    fn a_signal_that_nobody_took_is_heard_at_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(tokio::task::LocalSet::new().run_until(async {
            let mut signals = Signals::listen().unwrap();
            for _ in 0..100 {
                raise(Signal::SIGHUP).unwrap();
                assert!(matches!(signals.none().await, Err(Interrupted(1))));
                assert!(signals.none().await.is_ok());
            }
        }));
    }
}
