//! Processes that a dwf which is gone has started.
//!
//! Invariant: only what carries that dwf's own mark is found, whether in its environment or, where another process may not
//! read that, in its command line.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgid};

use super::group;

/// A process that carries a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    pid: Pid,
}

/// The processes that have this variable, or a word that begins so; but not this one.
pub fn marked(variable: &str, word: &str) -> Vec<Marked> {
    let own = Pid::this();
    let found = |pid: &Pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        has(&environment, |text| text == variable.as_bytes())
            || has(&group::words(*pid), |text| text.starts_with(word.as_bytes()))
    };
    group::all().filter(|pid| *pid != own).filter(found).map(|pid| Marked { pid }).collect()
}

fn has(list: &[u8], wanted: impl Fn(&[u8]) -> bool) -> bool {
    list.split(|byte| *byte == 0).any(wanted)
}

impl Marked {
    /// Whether this is its first argument.
    pub fn begins(self, word: &str) -> bool {
        group::words(self.pid).split(|byte| *byte == 0).nth(1) == Some(word.as_bytes())
    }

    /// Asks it to end.
    pub fn ask(self) {
        let _ = kill(self.pid, Signal::SIGTERM);
    }

    /// Asks what it started to end, so that it can tidy up after them itself.
    pub fn ask_workers(self) {
        for worker in group::workers(self.pid) {
            let _ = kill(worker, Signal::SIGTERM);
        }
    }

    /// Ends it, and its group where it leads one.
    pub fn kill(self) {
        if getpgid(Some(self.pid)) == Ok(self.pid) {
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
        let _ = kill(self.pid, Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use devflow_oci::Invocation;

    use super::*;
    use crate::process::{Streams, spawn};

    #[tokio::test]
    async fn only_what_carries_the_mark_is_found() {
        let sleep = Invocation::new("/bin/sh").args(["-c", "sleep 60 & wait"]);
        let by_variable = sleep.clone().env("DWF_TEST_MARK", "1");
        let by_word = sleep.clone().arg("--dwf-test-mark=1-check");
        let start = |line: &Invocation| spawn(line, &BTreeMap::new(), Streams::Captured).unwrap();
        let mut running = [start(&by_variable), start(&by_word), start(&sleep)];
        let find = || marked("DWF_TEST_MARK=1", "--dwf-test-mark=1-");
        // A process that was forked has its words when it has become the program.
        while find().len() < 3 {
            tokio::task::yield_now().await;
        }
        let found: Vec<Pid> = find().iter().map(|marked| marked.pid).collect();
        assert!(found.contains(&running[0].id()) && found.contains(&running[1].id()), "{found:?}");
        assert!(!found.contains(&running[2].id()));
        find().into_iter().for_each(Marked::kill);
        for gone in &mut running[..2] {
            assert!(!gone.wait().await.unwrap().success());
        }
        assert!(!running[2].group_is_gone());
        assert_eq!(marked("DWF_TEST_MARK=", "--dwf-test-mark=2"), []);
    }
}
