//! `dwf down`: removes what runs left that ended with the machine, or were killed together with their reaper.
//!
//! Invariant: what belongs to a run that goes on, or to one of which nobody here can tell, is left alone, and named.

use std::collections::BTreeMap;
use std::fmt;

use devflow_oci::{Engine, lifecycle};

use super::Context;
use crate::cli;
use crate::config::EngineChoice;
use crate::engine::{self, EngineError};
use crate::error::Error;
use crate::estate::{Found, Record, containers};
use crate::owner::{Life, Owner};
use crate::session::{Target, remove_until_gone};

/// What is to become of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its owner is dead.
    Remove,
    /// Its owner runs.
    Live,
    /// Its owner is elsewhere, or cannot be told.
    Unknown,
    /// It is not dwf's.
    Foreign,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "its run goes on",
            Self::Unknown => {
                "its run was started on another machine or in another container, or cannot be told"
            }
            Self::Remove | Self::Foreign => "",
        })
    }
}

/// What is known of the runs that were written down: whether each lives, by the beginning of its containers' names.
type Runs = BTreeMap<String, Life>;

/// A label decides; the name does where there is none, because Podman loses the labels of what it has half made.
fn fate(found: &Found, life: impl Fn(&Owner) -> Life, runs: &Runs) -> Fate {
    let known = || runs.iter().find(|(prefix, _)| found.name.starts_with(*prefix)).map(|(_, life)| *life);
    let life = match &found.owner {
        Some(owner) => owner.parse().map_or(Life::Unknown, |owner| life(&owner)),
        None if is_ours(&found.name) => known().unwrap_or(Life::Unknown),
        None => return Fate::Foreign,
    };
    match life {
        Life::Dead => Fate::Remove,
        Life::Live => Fate::Live,
        Life::Unknown => Fate::Unknown,
    }
}

/// Whether a name is one that only dwf gives: `dwf-`, twelve digits of a run, `-`, and more.
fn is_ours(name: &str) -> bool {
    let Some((run, rest)) = name.strip_prefix("dwf-").and_then(|name| name.split_once('-')) else {
        return false;
    };
    run.len() == 12 && run.bytes().all(|byte| byte.is_ascii_hexdigit()) && !rest.is_empty()
}

/// What was done.
#[derive(Default)]
struct Work {
    removed: usize,
    failed: usize,
    dry_run: bool,
}

pub(super) async fn run(context: &mut Context<'_>, args: &cli::down::Down) -> Result<bool, Error> {
    let mut work = Work { dry_run: args.dry_run, ..Work::default() };
    let records = Record::all(context.world);
    let lives = |record: &Record| record.estate.owner().map_or(Life::Unknown, |owner| owner.life());
    let runs: Runs = records.iter().map(|record| (record.estate.prefix(), lives(record))).collect();
    for engine in engines(context).await? {
        work.containers(context, &engine, &runs).await?;
    }
    for record in records {
        if lives(&record) == Life::Dead {
            work.folders(context, &record).await?;
        }
    }
    let text = match (work.removed, work.dry_run) {
        (0, _) if work.failed == 0 => "nothing is left to remove\n".to_owned(),
        (removed, true) => format!("{removed} to remove\n"),
        (removed, false) => format!("{removed} removed\n"),
    };
    context.reporter.result(&text).map_err(super::stage::print_failed)?;
    Ok(work.failed == 0)
}

/// Every engine that answers, or the one that was asked for.
async fn engines(context: &mut Context<'_>) -> Result<Vec<Engine>, Error> {
    let choices = match context.global.engine {
        Some(EngineChoice::Auto) | None => vec![EngineChoice::Docker, EngineChoice::Podman],
        Some(one) => vec![one],
    };
    let named = choices.len() == 1;
    let mut found = Vec::new();
    for choice in choices {
        let look = engine::find(choice, &context.world.cwd, context.world, engine::Belief::Asked);
        match context.signals.unless(look).await? {
            Ok(engine) => found.push(engine),
            Err(error) if named => return Err(error.into()),
            Err(EngineError::Missing(kind)) => context.reporter.detail(&format!("{kind} is not installed")),
            Err(error) => context.reporter.note(&format!("note: {error}; what it has is left alone")),
        }
    }
    Ok(found)
}

impl Work {
    async fn containers(
        &mut self,
        context: &mut Context<'_>,
        engine: &Engine,
        runs: &Runs,
    ) -> Result<(), Error> {
        let found = context.signals.unless(containers(engine, context.world)).await??;
        for found in found {
            let fate = fate(&found, Owner::life, runs);
            let name = &found.name;
            match fate {
                Fate::Foreign => {}
                Fate::Live => context.reporter.note(&format!("left alone: container {name}: {fate}")),
                Fate::Unknown => {
                    let line = lifecycle::remove(engine, name);
                    context
                        .reporter
                        .note(&format!("left alone: container {name}: {fate}; to remove it: {line}"));
                }
                Fate::Remove => self.container(context, engine, found.name).await?,
            }
        }
        Ok(())
    }

    async fn container(
        &mut self,
        context: &mut Context<'_>,
        engine: &Engine,
        name: String,
    ) -> Result<(), Error> {
        let line = format!("container {name} ({})", engine.kind);
        let target = Target { engine: engine.clone(), name };
        if !self.dry_run {
            let removed = context.signals.unless(remove_until_gone(&target, context.world)).await?;
            if let Err(error) = removed {
                self.failed += 1;
                context.reporter.error(&error.into());
                return Ok(());
            }
        }
        self.tell(context, &line)
    }

    /// What a run had on disk; its containers have gone before.
    async fn folders(&mut self, context: &mut Context<'_>, record: &Record) -> Result<(), Error> {
        let folders = record.estate.on_disk(context.world.uid);
        if !self.dry_run {
            // This looks at its own engine, too, which may be another than those that answered.
            if !context.signals.unless(record.estate.settle(context.world)).await? {
                self.failed += 1;
                let (run, kind) = (&record.estate.run, record.estate.kind);
                context
                    .reporter
                    .note(&format!("what run {run} had on {kind} may still be there: it does not answer"));
                return Ok(());
            }
            record.remove();
        }
        for folder in folders {
            self.tell(context, &format!("folder {}", folder.display()))?;
        }
        Ok(())
    }

    fn tell(&mut self, context: &mut Context<'_>, line: &str) -> Result<(), Error> {
        self.removed += 1;
        let verb = if self.dry_run { "would remove" } else { "removed" };
        Ok(context.reporter.result(&format!("{verb} {line}\n")).map_err(super::stage::print_failed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_dead_for_certain_is_removed() {
        let runs = Runs::from([
            ("dwf-00000000dead-".to_owned(), Life::Dead),
            ("dwf-00000000beef-".to_owned(), Life::Live),
        ]);
        let check = |name: &str, owner: Option<&str>, life: Life, fate_wanted: Fate| {
            let found = Found { name: name.to_owned(), owner: owner.map(str::to_owned) };
            assert_eq!(fate(&found, |_| life, &runs), fate_wanted, "{name} {owner:?}");
        };
        let owner = Some("m:b:1:2:3");
        check("anything", owner, Life::Dead, Fate::Remove);
        check("anything", owner, Life::Live, Fate::Live);
        check("anything", owner, Life::Unknown, Fate::Unknown);
        check("dwf-00000000dead-check", Some("not an owner"), Life::Dead, Fate::Unknown);
        check("dwf-00000000dead-check", None, Life::Live, Fate::Remove);
        check("dwf-00000000beef-check", None, Life::Dead, Fate::Live);
        check("dwf-000000000000-check", None, Life::Dead, Fate::Unknown);
        for name in ["dwf-mine", "dwf-00000000dead", "dwf-00000000dead-", "dwf-0000000000xy-a", "db", ""] {
            check(name, None, Life::Dead, Fate::Foreign);
        }
    }
}
