//! Whether the kernel ended something because memory was used up.
//!
//! Invariant: it is said only where the kernel's own count, of the control group that is seen here, has grown.

use std::fs;

use crate::wire::End;

/// The signal, and the code by which a shell tells of it.
const KILLED: [End; 2] = [End::Signal(9), End::Exit(137)];
/// Where the count is: of the second version of control groups, and of the first.
const COUNTS: [&str; 2] = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];

/// The count at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kills(Option<u64>);

impl Kills {
    /// How many there were until now.
    pub(crate) fn now() -> Self {
        Self(COUNTS.iter().find_map(|path| count(&fs::read_to_string(path).ok()?)))
    }

    /// An end, and whether memory was its reason.
    pub(crate) fn explain(self, end: End) -> End {
        if KILLED.contains(&end) { self.judge(Self::now(), end) } else { end }
    }

    fn judge(self, later: Self, end: End) -> End {
        match (self.0, later.0) {
            (Some(before), Some(after)) if after > before => End::OutOfMemory,
            _ => end,
        }
    }
}

fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_either_version() {
        assert_eq!(count("low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"), Some(5));
        for none in ["", "oom_kill_disable 1\nunder_oom 0\n", "oom_kill x\n"] {
            assert_eq!(count(none), None, "{none:?}");
        }
    }

    #[test]
    fn only_a_count_that_has_grown_is_a_reason() {
        let check = |before, after, expected: End| {
            assert_eq!(Kills(before).judge(Kills(after), End::Signal(9)), expected, "{before:?} {after:?}");
        };
        check(Some(1), Some(2), End::OutOfMemory);
        check(Some(1), Some(1), End::Signal(9));
        check(None, Some(1), End::Signal(9));
        check(Some(1), None, End::Signal(9));
        for other in [End::Exit(1), End::Exit(0), End::Signal(15)] {
            assert_eq!(Kills(Some(0)).explain(other.clone()), other);
        }
    }
}
