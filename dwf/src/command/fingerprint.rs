//! `dwf fingerprint`: the identity of the project's image, what it is made of, and what changed.

use std::fmt::Write;

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::{Inputs, diff};
use serde_json::json;

use super::Context;
use super::ask::{Answered, Ground};
use crate::cli;
use crate::error::{Error, printable};
use crate::identity::{Memory, MemoryError, revision};
use crate::query::Request;
use crate::world::World;

/// Characters of a name or pattern that are shown.
const SHOWN: usize = 4096;

pub(super) async fn run(context: &mut Context<'_>, args: &cli::Fingerprint) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    // What is asked for does not matter: the identity is the whole project's.
    let nothing = Request::Commands(Vec::new(), Vec::new());
    let answered = context.signals.unless(ground.ask(context.world, &nothing, false)).await??;
    answered.tell(context);
    let now = &answered.fingerprint;
    for warning in &now.warnings {
        context.reporter.note(&format!("warning: {warning}"));
    }
    let text = match &args.diff {
        None if args.json => json(now, &answered.inputs),
        None if args.explain => explained(now, &answered.inputs),
        None => format!("{}\n", now.hex),
        Some(than) => {
            let then = context.signals.unless(earlier(than, &ground, &answered, context.world)).await??;
            for warning in &then.warnings {
                context.reporter.note(&format!("warning: {}: {warning}", printable(than, 80)));
            }
            changes(than, &then, now, args.json)
        }
    };
    context.reporter.result(&text).map_err(super::stage::print_failed)?;
    Ok(true)
}

/// The fingerprint that somebody names: one that is remembered, or that of a commit.
async fn earlier(
    name: &str,
    ground: &Ground,
    answered: &Answered,
    world: &World,
) -> Result<Fingerprint, Error> {
    let unknown = match Memory::is_fingerprint(name) {
        true => match Memory::new(&ground.project.root, &world.state()?).recall(name) {
            Ok(fingerprint) => return Ok(fingerprint),
            // The commits of some repositories have names that look the same.
            Err(error @ MemoryError::Unknown(_)) => Some(error),
            Err(error) => return Err(error.into()),
        },
        false => None,
    };
    match (revision::fingerprint(name, &ground.project, &answered.asked.answers, world).await, unknown) {
        (Ok(fingerprint), _) => Ok(fingerprint),
        (Err(_), Some(unknown)) => Err(unknown.into()),
        (Err(error), None) => Err(error.into()),
    }
}

fn explained(fingerprint: &Fingerprint, inputs: &Inputs) -> String {
    let mut text = format!("{}\n", fingerprint.hex);
    let names = inputs.texts.keys();
    let lists =
        [("pattern", &inputs.patterns), ("exclude", &inputs.exclude), ("text", &names.cloned().collect())];
    for (kind, list) in lists {
        for input in list {
            let _ = writeln!(text, "{kind:<7} {}", printable(input, SHOWN));
        }
    }
    for record in &fingerprint.records {
        let _ = writeln!(text, "{record}");
    }
    text
}

fn json(fingerprint: &Fingerprint, inputs: &Inputs) -> String {
    let Fingerprint { hex, records, warnings } = fingerprint;
    let value = json!({ "fingerprint": hex, "inputs": inputs, "records": records, "warnings": warnings });
    format!("{value:#}\n")
}

/// What makes one fingerprint another than an earlier one.
fn changes(than: &str, from: &Fingerprint, to: &Fingerprint, json: bool) -> String {
    let changes = diff(&from.records, &to.records);
    if json {
        return format!("{:#}\n", json!({ "from": from.hex, "to": to.hex, "changes": changes }));
    }
    let mut text = format!("from {}", from.hex);
    if than != from.hex {
        let _ = write!(text, " ({})", printable(than, 80));
    }
    let _ = writeln!(text, "\nto   {}", to.hex);
    for change in &changes {
        let _ = writeln!(text, "{change}");
    }
    if changes.is_empty() {
        let _ = writeln!(text, "nothing changed");
    }
    text
}
