//! Processes whose parents died: on Linux they become children of the runner, not of PID 1.
//!
//! Invariant: only a process that the kernel calls our child, and that is unreaped, is ever signalled.

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{adopt, end_all, reap};
#[cfg(target_os = "linux")]
pub(crate) use linux::{adopt, end_all, reap};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::thread;
    use std::time::{Duration, Instant};

    use nix::errno::Errno;
    use nix::sys::prctl;
    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
    use nix::unistd::Pid;

    /// How long the last children may take to die. One in the kernel's hands can take forever.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// Becomes the parent of every descendant that loses its own, and keeps other processes of this
    /// user away from our memory and descriptors: an action must not write to the wire.
    pub(crate) fn adopt() {
        // A kernel without one of them has the weaker promise, not another behaviour.
        let _ = prctl::set_child_subreaper(true);
        let _ = prctl::set_dumpable(false);
    }

    /// Waits for orphans that have exited.
    pub(crate) fn reap(is_leader: impl Fn(Pid) -> bool) {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) = waitid(Id::All, look) {
            // A leader has its own way; the SIGCHLD that comes with it brings us here again.
            if is_leader(pid) || waitpid(pid, Some(WaitPidFlag::WNOHANG)).is_err() {
                return;
            }
        }
    }

    /// Ends children until there are none, which is when there are no descendants either: those of a
    /// child become ours when it dies. After the grace it kills.
    pub(crate) fn end_all(grace: Duration) {
        if reap_all() {
            return;
        }
        signal(Signal::SIGTERM);
        signal(Signal::SIGCONT);
        if !all_gone_before(Instant::now() + grace, || true) {
            // Where there is no /proc we are in a container, which ends with us.
            all_gone_before(Instant::now() + PATIENCE, || signal(Signal::SIGKILL));
        }
    }

    /// Reaps until nothing is left, the time is over, or `again` says that there is no point.
    fn all_gone_before(until: Instant, again: impl Fn() -> bool) -> bool {
        while !reap_all() {
            if !again() || Instant::now() > until {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Sends a signal to every child; false when they cannot be found.
    fn signal(signal: Signal) -> bool {
        let Some(children) = children() else { return false };
        for child in children {
            // It fails when the child took on another user.
            let _ = kill(child, signal);
        }
        true
    }

    /// Waits for every child that has exited. True when there are no children any more.
    fn reap_all() -> bool {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return false,
                Err(Errno::ECHILD) => return true,
                // Reaped, or interrupted, or ended by a signal that nix has no name for.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Our children: the processes that the kernel lets us wait for.
    fn children() -> Option<Vec<Pid>> {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let names =
            fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let pids = names.filter_map(|name| name.parse().ok()).filter(|pid| *pid > 1).map(Pid::from_raw);
        Some(pids.filter(|pid| waitid(Id::Pid(*pid), look) != Err(Errno::ECHILD)).collect())
    }
}

/// Where nobody can adopt orphans, groups are all that can be ended.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::time::Duration;

    use nix::unistd::Pid;

    pub(crate) fn adopt() {}

    pub(crate) fn reap(_: impl Fn(Pid) -> bool) {}

    pub(crate) fn end_all(_: Duration) {}
}
