//! The process: how it starts, and how it ends.

use devflow_oci::Invocation;
use devflow_protocol::COOKIE;
use devflow_protocol::limits::END_GRACE;

use crate::conformance::check::Look::{At, Try};
use crate::conformance::check::{Check, Kit, PASSED, Unmet, Verdict, skip};
use crate::conformance::conversation::{Ending, Failure};
use crate::conformance::scenario::{greeted, start};
use crate::process::{self, Captured};

/// The exit code of an extension that dwf did not start.
const USAGE: i32 = 64;
/// Bytes that are kept of what it says then.
const WORDS: usize = 4 << 10;

/// Everything about the process.
pub const CHECKS: &[Check] = &[
    Check {
        id: "process/needs-cookie",
        title: "not started by dwf, it says that it is dwf's and exits with 64",
        anchor: "S4",
        after: &[],
        look: Try(|kit| Box::pin(needs_cookie(kit))),
    },
    Check {
        id: "process/says-version",
        title: "with --version it prints its name and version",
        anchor: "S4",
        after: &[],
        look: Try(|kit| Box::pin(says_version(kit))),
    },
    Check {
        id: "process/ends-in-time",
        title: "it ends within 500 ms after its input",
        anchor: "X2",
        after: &[],
        look: Try(|kit| Box::pin(ends_in_time(kit))),
    },
    Check {
        id: "process/ends-with-0",
        title: "it ends with status 0",
        anchor: "X1",
        after: &["process/ends-in-time"],
        look: At(ends_with_0),
    },
    Check {
        id: "process/leaves-nothing",
        title: "when it ends, nothing that it started is left",
        anchor: "X3",
        after: &["process/ends-in-time"],
        look: At(leaves_nothing),
    },
    Check {
        id: "process/ends-unasked",
        title: "it ends with status 0 when its input ends before any request",
        anchor: "X1",
        after: &["process/ends-in-time", "process/ends-with-0"],
        look: Try(|kit| Box::pin(ends_unasked(kit))),
    },
];

async fn needs_cookie(kit: &Kit) -> Verdict {
    let mut how = kit.subject.invocation();
    how.env.insert(COOKIE.to_owned(), None);
    let said = capture(kit, &how).await?;
    let told = said.stderr.to_lowercase().contains("dwf");
    match said.status.code() {
        Some(USAGE) if told && said.stdout.is_empty() => PASSED,
        Some(USAGE) if !said.stdout.is_empty() => Err(alone(&said, "it writes to standard output").into()),
        Some(USAGE) => Err(alone(&said, "it does not say that it is an extension of dwf").into()),
        _ => Err(alone(&said, &format!("it {}", process::ending(said.status))).into()),
    }
}

async fn says_version(kit: &Kit) -> Verdict {
    let mut how = kit.subject.invocation();
    how.args = vec!["--version".to_owned()];
    match capture(kit, &how).await {
        Ok(said) if said.status.success() && said.stdout.contains(kit.subject.name.as_str()) => PASSED,
        // It should, but nothing stands on it.
        _ => Ok(vec![format!("--version does not print `{}` and a version", kit.subject.name)]),
    }
}

async fn capture(kit: &Kit, how: &Invocation) -> Result<Captured, Unmet> {
    let deadline = kit.limits.initialize;
    let captured = process::capture(how, &kit.subject.env, deadline, WORDS).await;
    captured.map_err(|error| Failure::new(error.to_string()).into())
}

fn alone(said: &Captured, what: &str) -> Failure {
    let stderr = said.stderr.lines().map(|line| crate::error::printable(line, 300)).collect();
    Failure { stderr, ..Failure::new(what) }
}

async fn ends_in_time(kit: &Kit) -> Verdict {
    let Some(ending) = &kit.tour.ending else { return skip("the first conversation ended early") };
    if ending.status.is_some() {
        return PASSED;
    }
    // A machine may be busy for once.
    let conversation = greeted(kit).await?;
    let failure = conversation.fails("it still runs 500 ms after its input was closed");
    match conversation.end(END_GRACE).await.status {
        Some(_) => PASSED,
        None => Err(failure.into()),
    }
}

fn ends_with_0(kit: &Kit) -> Verdict {
    match &kit.tour.ending {
        Some(Ending { status: Some(status), .. }) if !status.success() => {
            let how = process::ending(*status);
            Err(Failure::new(format!("it {how} after its input was closed")).into())
        }
        _ => PASSED,
    }
}

fn leaves_nothing(kit: &Kit) -> Verdict {
    match &kit.tour.ending {
        Some(Ending { leftover: true, .. }) => {
            Err(Failure::new("a process that it started is still in its group").into())
        }
        _ => PASSED,
    }
}

async fn ends_unasked(kit: &Kit) -> Verdict {
    let conversation = start(kit, &kit.subject.invocation())?;
    // It may close before the extension has come to reading.
    match conversation.end(kit.limits.initialize).await.status {
        Some(status) if status.success() => PASSED,
        Some(status) => Err(Failure::new(format!("it {}", process::ending(status))).into()),
        None => Err(Failure::new("it does not end").into()),
    }
}
