//! `dwf cache prune`: removes what is not worth its space.

use std::fmt::Write;

use serde_json::{Value, json};

use super::error::{Left, line};
use super::{apart, budget, engines, foreign, index, shown};
use crate::cache::{self, Budget, Entry, Index, Keep, Limit, Look, Sizes, Stuck, Swept, Verdict};
use crate::cli;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::image::size;
use crate::command::stage::print_failed;
use crate::error::Error;
use crate::trust::check_owner;

/// What was done, or would be.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) entries: Vec<(Entry, Verdict)>,
    /// What was moved aside and is still there.
    pub(super) stuck: Vec<Stuck>,
    /// What could not even be moved aside.
    pub(super) left: Vec<String>,
}

pub(super) async fn run(context: &mut Context<'_>, args: &cli::cache::Prune) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let own = budget(&ground.project.config.file.cache);
    let budget = Budget {
        max_age: args.older_than.map(|age| age.0).or(own.max_age),
        max_size: args.max_size.map(|size| size.0).or(own.max_size),
        gone: true,
        managed: args.managed,
    };
    let dry = args.dry_run;
    let mut done = Done::default();
    if let Some(index) = index(context, &ground)? {
        done = prune(context, &ground, &index, &budget, args.dry_run, &Limit::default()).await?;
        done.stuck = foreign::remove(context, &ground, &index, done.stuck).await?;
    }
    if args.json {
        context.reporter.json(&format!("{:#}", json(&done, dry))).map_err(print_failed)?;
    } else {
        context.reporter.result(&table(&done)).map_err(print_failed)?;
        context.reporter.note(&summary(&done, dry));
    }
    let left: Vec<String> = done.left.into_iter().chain(done.stuck.iter().map(line)).collect();
    match left.is_empty() {
        true => Ok(true),
        false => Err(Left(left).into()),
    }
}

/// Judges every entry and removes what goes, the longest unused first.
pub(super) async fn prune(
    context: &mut Context<'_>,
    ground: &Ground,
    index: &Index,
    budget: &Budget,
    dry: bool,
    limit: &Limit,
) -> Result<Done, Error> {
    let own = index.clone();
    let look = move |limit: &Limit| {
        let mut sizes = Sizes::read(&own);
        let entries = cache::survey(&own, &mut sizes, Look::Stale, limit);
        (entries, sizes)
    };
    let (mut entries, mut sizes) = apart(context.signals, limit, look).await?;
    let engines = engines::find(context, ground, &entries).await?;
    context.signals.unless(engines.measure(&mut entries, context.world, limit)).await?;
    let now = cache::now();
    let verdicts = cache::judge(&entries, budget, now);
    let mut done = Done { entries: entries.into_iter().zip(verdicts).collect(), ..Done::default() };
    done.entries.sort_by_key(|(entry, _)| (entry.used.min(now), entry.slot.clone()));
    if dry {
        return Ok(done);
    }
    let volumes = engines.remove(index, &mut done, context.world);
    context.signals.unless(volumes).await?;
    let own = index.clone();
    let work = move |limit: &Limit| {
        remove(&own, &mut done, limit);
        sizes.check(now);
        sizes.write(&own);
        done.stuck = cache::empty(&own, limit);
        done
    };
    apart(context.signals, limit, work).await
}

/// Moves aside what goes.
fn remove(index: &Index, done: &mut Done, limit: &Limit) {
    for (entry, verdict) in &mut done.entries {
        if !matches!(verdict, Verdict::Remove(_)) {
            continue;
        }
        if limit.over() {
            *verdict = Verdict::Keep(Keep::Later);
            continue;
        }
        match cache::sweep(index, entry) {
            Swept::Aside => {}
            Swept::InUse => *verdict = Verdict::Keep(Keep::InUse),
            Swept::Refused(errno) => {
                let path = index.root().join(entry.slot.to_string());
                done.left.push(format!("{}: {}", path.display(), errno.desc()));
                *verdict = Verdict::Keep(Keep::Refused);
            }
        }
    }
}

/// The entries that go, or went.
pub(super) fn going(done: &Done) -> impl Iterator<Item = &Entry> {
    done.entries.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Remove(_))).map(|(entry, _)| entry)
}

fn table(done: &Done) -> String {
    let now = cache::now();
    let mut text = String::new();
    for (entry, verdict) in &done.entries {
        let (word, because) = match verdict {
            Verdict::Keep(keep) => ("keep  ", keep.because()),
            Verdict::Remove(remove) => ("remove", remove.because()),
        };
        let _ = writeln!(text, "{word} {}", shown::line(entry, now, because));
    }
    text
}

/// What all of it comes to.
pub(super) fn summary(done: &Done, dry: bool) -> String {
    let bytes: u64 = going(done).map(|entry| entry.size.bytes).sum();
    let removed = going(done).count();
    let kept = shown::count(done.entries.len() - removed);
    let verb = if dry { "would be removed" } else { "removed" };
    match removed {
        0 => format!("{kept} kept, none {verb}"),
        _ => format!("{kept} kept, {removed} {verb}: {}", size(bytes)),
    }
}

fn json(done: &Done, dry: bool) -> Value {
    let rows = |stays: bool| {
        let chosen =
            done.entries.iter().filter(move |(_, verdict)| matches!(verdict, Verdict::Keep(_)) == stays);
        let row = |(entry, verdict): &(Entry, Verdict)| {
            let because = match verdict {
                Verdict::Keep(keep) => keep.because(),
                Verdict::Remove(remove) => remove.because(),
            };
            let mut row = shown::json(entry);
            row["because"] = because.into();
            row
        };
        chosen.map(row).collect::<Vec<_>>()
    };
    let left: Vec<String> = done.left.iter().cloned().chain(done.stuck.iter().map(line)).collect();
    json!({
        "dry_run": dry,
        "kept": rows(true),
        "removed": rows(false),
        "freed": going(done).map(|entry| entry.size.bytes).sum::<u64>(),
        "left": left,
    })
}
