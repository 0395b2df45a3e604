//! The budgets after a run.
//!
//! Invariant: a run's outcome is told before, and does not change; only a signal that comes meanwhile does.

use std::time::Duration;

use super::budget;
use super::prune::{going, prune, summary};
use crate::cache::{self, Limit, Sizes, Uses};
use crate::command::Context;
use crate::command::ask::Ground;
use crate::error::Error;

/// What a run may wait for it. What is not done then, the next day's does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Applies the budgets when there is something new, or a day has passed. What the run used is still in use.
pub(in crate::command) async fn after_run(
    context: &mut Context<'_>,
    ground: &Ground,
    uses: &Uses,
) -> Result<(), Error> {
    let index = uses.index().clone();
    if !uses.fresh() && !Sizes::read(&index).due(cache::now()) {
        return Ok(());
    }
    let budget = budget(&ground.project.config.file.cache);
    let done = prune(context, ground, &index, &budget, false, &Limit::of(PATIENCE)).await?;
    if going(&done).next().is_some() {
        context.reporter.note(&format!("caches     {}", summary(&done, false)));
    }
    for line in done.left.iter().cloned().chain(done.stuck.iter().map(super::error::line)) {
        context.reporter.detail(&format!("caches     {line}"));
    }
    Ok(())
}
