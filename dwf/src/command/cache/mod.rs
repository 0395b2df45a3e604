//! `dwf cache …`, and what is done about caches after a run.

mod engines;
mod error;
mod foreign;
mod list;
mod prune;
mod shown;
mod upkeep;

pub(super) use upkeep::after_run;

use std::time::Duration;

use super::Context;
use super::ask::Ground;
use crate::cache::{self, Budget, Index, Limit};
use crate::cli;
use crate::config::CacheSection;
use crate::error::Error;
use crate::signals::Signals;

/// What is kept where devflow.toml says nothing.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const MAX_SIZE: u64 = 20_000_000_000;

pub(super) async fn run(context: &mut Context<'_>, command: cli::cache::Command) -> Result<bool, Error> {
    match command {
        cli::cache::Command::List(args) => list::run(context, &args).await,
        cli::cache::Command::Prune(args) => prune::run(context, &args).await,
    }
}

/// The index of the project's cache root; nothing where no run has made one.
fn index(context: &mut Context<'_>, ground: &Ground) -> Result<Option<Index>, Error> {
    let root = cache::root(&ground.project, context.world)?;
    let found = cache::existing(&root, &ground.project.root, context.world)?;
    let index = found.map(|root| Index::existing(&root)).transpose()?.flatten();
    if index.is_none() {
        context.reporter.note(&format!("there are no caches of dwf in {}", root.display()));
    }
    Ok(index)
}

/// The budget of a project.
fn budget(section: &CacheSection) -> Budget {
    Budget {
        max_age: Some(section.max_age.map_or(MAX_AGE, |age| age.0)),
        max_size: Some(section.max_size.map_or(MAX_SIZE, |size| size.0)),
        gone: false,
        managed: false,
    }
}

/// Does something with files on a thread of its own, and ends it when a signal comes.
async fn apart<T: Send + 'static>(
    signals: &mut Signals,
    limit: &Limit,
    work: impl FnOnce(&Limit) -> T + Send + 'static,
) -> Result<T, Error> {
    let own = limit.clone();
    let mut task = tokio::task::spawn_blocking(move || work(&own));
    match signals.unless(&mut task).await {
        Ok(done) => Ok(done.map_err(error::Lost)?),
        Err(interrupted) => {
            limit.stop();
            // What it has begun, it leaves in a state that the next one goes on from.
            let _ = task.await;
            Err(interrupted.into())
        }
    }
}
