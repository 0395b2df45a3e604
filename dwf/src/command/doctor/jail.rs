//! What keeps extensions from everything that is not theirs.

use super::check::{Check, State};
use crate::config::Jail;
use crate::launch::{self, Launcher};

pub(super) fn checks(launcher: &Launcher) -> Vec<Check> {
    let jailer = &launcher.jailer;
    if jailer.policy == Jail::Off {
        let fix = "take `jail = \"off\"` out of [extensions] in your own configuration".to_owned();
        return vec![Check::new("jail", State::Poor, "extensions run without one").fix(fix)];
    }
    let state = if jailer.policy == Jail::Required { State::Bad } else { State::Poor };
    let mut checks: Vec<Check> = jailer
        .parts
        .missing()
        .into_iter()
        .map(|missing| {
            let fix = "a newer kernel with landlock among its security modules, and seccomp".to_owned();
            Check::new("jail", state, format!("without {missing}")).fix(fix)
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check::new("jail", State::Good, jailer.parts.to_string()));
    }
    checks.push(match launch::in_memory() {
        true => Check::new("verified", State::Good, "programs run from sealed memory, scripts from copies"),
        false => {
            Check::new("verified", State::Poor, "programs run from private copies: memory cannot be executed")
                .fix("allow it: sysctl vm.memfd_noexec=0".to_owned())
        }
    });
    checks
}
