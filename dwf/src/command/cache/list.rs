//! `dwf cache list`: what is in the cache root, and whose it is.

use std::cmp::Reverse;
use std::fmt::Write;

use serde_json::{Value, json};

use super::{apart, engines, index, shown};
use crate::cache::{self, Entry, Limit, Look, Sizes, survey};
use crate::cli;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::image::size;
use crate::command::stage::print_failed;
use crate::error::Error;

pub(super) async fn run(context: &mut Context<'_>, args: &cli::cache::List) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let root = cache::root(&ground.project, context.world)?;
    let entries = match index(context, &ground)? {
        Some(index) => {
            let look = move |limit: &Limit| {
                let mut sizes = Sizes::read(&index);
                let entries = survey(&index, &mut sizes, Look::All, limit);
                sizes.write(&index);
                entries
            };
            let mut entries = apart(context.signals, &Limit::default(), look).await?;
            let engines = engines::find(context, &ground, &entries).await?;
            let limit = Limit::default();
            let measured = engines.measure(&mut entries, context.world, &limit);
            context.signals.unless(measured).await?;
            entries
        }
        None => Vec::new(),
    };
    let entries = sorted(entries);
    let total: u64 = entries.iter().map(|entry| entry.size.bytes).sum();
    if args.json {
        let rows: Vec<Value> = entries.iter().map(shown::json).collect();
        let value = json!({ "root": root, "size": total, "caches": rows });
        context.reporter.json(&format!("{value:#}")).map_err(print_failed)?;
        return Ok(true);
    }
    let now = cache::now();
    let mut text = String::new();
    for entry in &entries {
        let _ = writeln!(text, "{}", shown::line(entry, now, &words(entry).join(", ")));
    }
    context.reporter.result(&text).map_err(print_failed)?;
    if !entries.is_empty() {
        let count = shown::count(entries.len());
        context.reporter.note(&format!("{count} in {}, {}", root.display(), size(total)));
    }
    Ok(true)
}

/// The largest first.
fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| (Reverse(entry.size.bytes), entry.slot.clone()));
    entries
}

fn words(entry: &Entry) -> Vec<&'static str> {
    let managed = entry.owner.as_ref().is_some_and(|owner| owner.managed);
    [
        (entry.in_use, "in use"),
        (entry.gone, "its workspace is gone"),
        (managed, "its tool keeps it small"),
        (entry.newer, "a newer dwf wrote about it"),
    ]
    .into_iter()
    .filter_map(|(is, words)| is.then_some(words))
    .collect()
}
