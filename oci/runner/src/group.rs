//! The process group of one step.
//!
//! Invariant: while a `Group` exists nobody has waited for its leader, so neither its process id nor
//! its group id can belong to a stranger, and a signal to it cannot hit one.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::wire::End;

/// A group whose leader is a child of ours.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Pid,
}

/// What processes used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time, user and system.
    pub(crate) cpu: Duration,
    /// Peak resident memory of the largest.
    pub(crate) peak_kib: u64,
}

impl Usage {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { cpu: self.cpu.saturating_add(other.cpu), peak_kib: self.peak_kib.max(other.peak_kib) }
    }
}

impl Group {
    /// The group of a child that was started as the leader of its own and that nobody waits for.
    pub(crate) fn of(leader: Pid) -> Self {
        Self { leader }
    }

    /// Its leader.
    pub(crate) fn leader(&self) -> Pid {
        self.leader
    }

    /// Asks all of it to end, and wakes those who are stopped so that they hear it.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
        self.signal(Signal::SIGCONT);
    }

    /// Ends all of it.
    pub(crate) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        // It fails when there is nobody left, or only processes that took on another user.
        let _ = killpg(self.leader, signal);
    }

    /// When the leader has exited: ends what is left of the group and waits for the leader. After
    /// `Some` the group is over, whatever the answer.
    pub(crate) fn try_finish(&self) -> Option<io::Result<(End, Usage)>> {
        if !self.has_exited() {
            return None;
        }
        self.kill();
        wait4(self.leader).transpose().map(|result| result.map(|(status, usage)| (end(status), usage)))
    }

    #[cfg(target_os = "linux")]
    fn has_exited(&self) -> bool {
        use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        // A signal that nix has no name for is an error here; wait4 settles it.
        !matches!(waitid(Id::Pid(self.leader), flags), Ok(WaitStatus::StillAlive) | Err(Errno::EINTR))
    }

    #[cfg(not(target_os = "linux"))]
    fn has_exited(&self) -> bool {
        use std::mem::MaybeUninit;
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        let id = self.leader.as_raw().unsigned_abs();
        #[expect(unsafe_code, reason = "nix has no waitid here")]
        // SAFETY: `info` is valid for writes of a siginfo_t, and all zeroes is a valid one.
        let (result, info) =
            unsafe { (libc::waitid(libc::P_PID, id, info.as_mut_ptr(), flags), info.assume_init()) };
        result != 0 || info.si_signo != 0
    }
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exit(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }
}

/// Waits for a child that has exited; `None` when it has not.
fn wait4(pid: Pid) -> io::Result<Option<(ExitStatus, Usage)>> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    #[expect(unsafe_code, reason = "nix has no wait4, and only wait4 tells one child's usage")]
    // SAFETY: both pointers are valid for writes of their types during the call, and all zeroes is a
    // valid rusage, so it may be read whether or not the call wrote it.
    let (result, usage) = unsafe {
        let result = libc::wait4(pid.as_raw(), &raw mut status, libc::WNOHANG, usage.as_mut_ptr());
        (result, usage.assume_init())
    };
    match Errno::result(result)? {
        0 => Ok(None),
        _ => Ok(Some((ExitStatus::from_raw(status), usage_of(&usage)))),
    }
}

fn usage_of(usage: &libc::rusage) -> Usage {
    let time = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default())
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or_default())
    };
    let peak = u64::try_from(usage.ru_maxrss).unwrap_or_default();
    // Bytes on Apple's systems, KiB elsewhere.
    let peak_kib = if cfg!(target_vendor = "apple") { peak / 1024 } else { peak };
    Usage { cpu: time(usage.ru_utime) + time(usage.ru_stime), peak_kib }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_adds_time_and_keeps_the_peak() {
        let one = Usage { cpu: Duration::from_micros(700), peak_kib: 10 };
        let two = Usage { cpu: Duration::from_micros(800), peak_kib: 5 };
        assert_eq!(one.and(two), Usage { cpu: Duration::from_micros(1500), peak_kib: 10 });
    }

    #[test]
    fn a_status_is_a_code_or_a_signal() {
        assert_eq!(end(ExitStatus::from_raw(3 << 8)), End::Exit(3));
        assert_eq!(end(ExitStatus::from_raw(9)), End::Signal(9));
        assert_eq!(end(ExitStatus::from_raw(34)), End::Signal(34));
    }
}
