//! The terminal that a child may change: as it was, when the child has ended.

use std::io;
use std::io::IsTerminal;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// How dwf's terminal was.
#[derive(Debug)]
pub struct Terminal {
    modes: Option<Termios>,
    front: Option<Pid>,
}

impl Terminal {
    /// The terminal that standard input is, if it is one.
    pub fn of_input() -> Option<Self> {
        let input = io::stdin();
        input.is_terminal().then(|| Self { modes: tcgetattr(&input).ok(), front: tcgetpgrp(&input).ok() })
    }

    /// Whether dwf may read from it and change it: a job in the background would be stopped.
    pub fn is_ours(&self) -> bool {
        self.front == Some(getpgrp())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.is_ours() {
            return;
        }
        // A child that was killed may have left itself in front; taking that back would stop dwf.
        let mut stops = SigSet::empty();
        stops.add(Signal::SIGTTOU);
        let blocked = stops.thread_block();
        let input = io::stdin();
        // A terminal that is gone has no modes.
        let _ = tcsetpgrp(&input, getpgrp());
        if let Some(modes) = &self.modes {
            let _ = tcsetattr(&input, SetArg::TCSADRAIN, modes);
        }
        if blocked.is_ok() {
            let _ = stops.thread_unblock();
        }
    }
}
