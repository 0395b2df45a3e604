//! Descendants that left their group and lost their parent: a group cannot end them.
//!
//! Invariant: only a process that the kernel calls our child, and that was started with the mark in
//! its environment, is ever signalled.

use std::cell::RefCell;

use nix::unistd::Pid;

/// While this is there, such descendants become children of dwf; at its end they are killed.
#[derive(Debug)]
pub struct Adoption {
    mark: &'static str,
    started: RefCell<Vec<Pid>>,
}

impl Adoption {
    /// Adopts; `mark` is the variable by which those are told apart that are to end.
    pub fn begin(mark: &'static str) -> Self {
        system::adopt(true);
        Self { mark, started: RefCell::default() }
    }

    /// Notes a child that dwf started itself: it is not worth a warning.
    pub fn except(&self, started: Pid) {
        self.started.borrow_mut().push(started);
    }
}

impl Drop for Adoption {
    fn drop(&mut self) {
        system::end_all(self.mark, &self.started.borrow());
        system::adopt(false);
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::thread;
    use std::time::Duration;

    use nix::sys::prctl;
    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, waitpid};
    use nix::unistd::Pid;

    use crate::error::printable;

    /// Looks before giving up: the children of what was killed become ours only then.
    const LOOKS: usize = 50;
    const AGAIN: Duration = Duration::from_millis(5);

    pub(super) fn adopt(yes: bool) {
        // A kernel that cannot has the weaker promise: groups are ended, what left them is not.
        let _ = prctl::set_child_subreaper(yes);
    }

    pub(super) fn end_all(mark: &str, started: &[Pid]) {
        let mut told = Vec::new();
        for _ in 0..LOOKS {
            let left: Vec<Pid> = children().filter(|pid| is_marked(*pid, mark)).collect();
            for pid in &left {
                if !told.contains(pid) && !started.contains(pid) {
                    told.push(*pid);
                    let (pid, name) = (pid.as_raw(), name(*pid));
                    tracing::warn!(target: "devflow", "an extension left process {pid} behind ({name}); it was ended");
                }
                let _ = kill(*pid, Signal::SIGKILL);
            }
            // Those that dwf started have somebody who waits for them; the others have nobody else.
            for pid in &told {
                let _ = waitpid(*pid, Some(WaitPidFlag::WNOHANG));
            }
            if left.is_empty() {
                return;
            }
            thread::sleep(AGAIN);
        }
    }

    /// The children of every thread of this process.
    fn children() -> impl Iterator<Item = Pid> {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let pids = lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        pids.filter_map(|pid| pid.parse().ok()).filter(|pid| *pid > 1).map(Pid::from_raw)
    }

    fn is_marked(pid: Pid, mark: &str) -> bool {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables
            .any(|variable| variable.strip_prefix(mark.as_bytes()).is_some_and(|rest| rest.starts_with(b"=")))
    }

    fn name(pid: Pid) -> String {
        printable(fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim(), 40)
    }
}

/// Where nobody can adopt, groups are all that can be ended.
#[cfg(not(target_os = "linux"))]
mod system {
    use nix::unistd::Pid;

    pub(super) fn adopt(_: bool) {}

    pub(super) fn end_all(_: &str, _: &[Pid]) {}
}
