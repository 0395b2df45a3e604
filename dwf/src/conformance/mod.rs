//! The conformance kit: every *must* of SPEC.md, tried on one extension.
//!
//! A check is a row of a table ([`checks`]). The kit holds one conversation from greeting to end (the
//! tour), which most checks only look at; the others have conversations of their own.
//!
//! Invariant: whatever the extension does, the kit ends, in bounded time and memory; a check that
//! could not be done is skipped with its reason, and never passes.

pub mod apart;
mod check;
mod checks;
mod conversation;
mod fits;
mod format;
mod message;
mod scenario;
mod spec;
mod subject;
mod tour;

use std::time::{Duration, Instant};

use tokio::time::timeout;

pub use check::{Done, Outcome};
pub use format::{json, junit, tap, text};
pub use subject::{Subject, SubjectError};

use check::{Check, Kit, Look, Unmet, skip};
use tour::{REQUESTS, Tour};

/// Does every check, and tells each as it is done. Must be called inside a local task set.
pub async fn run(subject: Subject, mut tell: impl FnMut(&Done)) -> Result<Vec<Done>, SubjectError> {
    let started = Instant::now();
    let tour = Tour::take(&subject).await?;
    let kit = Kit { limits: tour.patience(&subject.limits), subject, tour };
    let mut first = started.elapsed();
    let mut all = Vec::new();
    for check in checks::all() {
        let started = Instant::now();
        let outcome = look(check, &kit, &all).await;
        // The first check is charged for the conversation that most of them look at.
        let done = Done { check, outcome, took: started.elapsed() + std::mem::take(&mut first) };
        tell(&done);
        all.push(done);
    }
    Ok(all)
}

async fn look(check: &Check, kit: &Kit, done: &[Done]) -> Outcome {
    let passed = |id: &str| done.iter().any(|done| done.check.id == id && done.outcome.is_good());
    if let Some(other) = check.after.iter().find(|id| !passed(id)) {
        return Outcome::Skipped(format!("{other} did not pass"));
    }
    let verdict = match check.look {
        Look::Breach(breach) => kit.tour.without(breach),
        Look::At(look) => look(kit),
        Look::Try(attempt) => {
            let most = kit.limits.initialize + kit.limits.request * REQUESTS;
            let slow = |_| skip(format!("it was not done after {most:.0?}"));
            timeout(most, attempt(kit)).await.unwrap_or_else(slow)
        }
    };
    match verdict {
        Ok(warnings) if warnings.is_empty() => Outcome::Passed,
        Ok(warnings) => Outcome::Warned(warnings),
        Err(Unmet::Skipped(reason)) => Outcome::Skipped(reason),
        Err(Unmet::Failed(failure)) => Outcome::Failed(failure),
    }
}

/// Whether nothing failed.
pub fn all_good(done: &[Done]) -> bool {
    done.iter().all(|done| !matches!(done.outcome, Outcome::Failed(_)))
}

/// How long all of it took.
fn total(done: &[Done]) -> Duration {
    done.iter().map(|done| done.took).sum()
}

#[cfg(test)]
mod tests;
