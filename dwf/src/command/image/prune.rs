//! `dwf image prune`: removes images that nothing needs.

use std::collections::BTreeSet;
use std::fmt::Write;

use devflow_oci::{Engine, usage};
use serde_json::{Value, json};

use super::shown;
use crate::cli;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::engine;
use crate::error::Error;
use crate::identity::Needs;
use crate::image::{self, Freed, ImageError, Removal, Space, Verdict};
use crate::profile::engine_choice;
use crate::query::Request;
use crate::trust::check_owner;
use crate::world::World;

/// What was done.
struct Done {
    verdicts: Vec<Verdict>,
    /// The names that could not be removed, and why.
    stuck: Vec<String>,
    freed: Result<Freed, String>,
}

pub(super) async fn run(context: &mut Context<'_>, args: &cli::image::Prune) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let (world, project) = (context.world, &ground.project);
    let choice = engine_choice(project, &ground.user, context.global.engine);
    let nothing = Request::Commands(Vec::new(), Vec::new());
    let work = async {
        let answered = ground.ask(world, &nothing, false).await?;
        // Before any engine: where it is not known what is needed, nothing is looked at.
        let needs = Needs::all(project, &answered.asked.answers, &answered.fingerprint, world).await?;
        let engine = engine::find(choice, &project.root, world, engine::Belief::Asked).await?;
        let verdicts = image::judge(image::own(&engine, project, world).await?, &needs, args.keep);
        let done = match args.dry_run {
            true => foresee(verdicts, &engine, world).await,
            false => remove(verdicts, &engine, world).await,
        };
        Ok::<_, Error>((answered, needs, engine, done))
    };
    let (answered, needs, engine, done) = context.signals.unless(work).await??;
    answered.tell(context);
    for note in &needs.notes {
        context.reporter.note(&format!("note: {note}"));
    }
    if let Err(reason) = &done.freed {
        context.reporter.note(&format!("note: the space cannot be told: {reason}"));
    }
    if args.json {
        let value = json(&done, &engine, image::repository(project)?.repository(), args.dry_run);
        context.reporter.json(&format!("{value:#}")).map_err(super::super::stage::print_failed)?;
    } else {
        context.reporter.result(&table(&done.verdicts)).map_err(super::super::stage::print_failed)?;
        context.reporter.note(&summary(&done, &engine, args.dry_run));
    }
    match done.stuck.is_empty() {
        true => Ok(true),
        false => Err(ImageError::Stuck(done.stuck).into()),
    }
}

/// What a removal would free.
async fn foresee(verdicts: Vec<Verdict>, engine: &Engine, world: &World) -> Done {
    let layers = Space::look(engine, world).await.map(|space| space.without(&going(&verdicts)));
    let freed = layers.map(|layers| Freed { layers, cached: 0 });
    Done { verdicts, stuck: Vec::new(), freed }
}

/// Removes what does not stay, oldest first.
async fn remove(mut verdicts: Vec<Verdict>, engine: &Engine, world: &World) -> Done {
    let before = Space::look(engine, world).await;
    let mut stuck = Vec::new();
    for verdict in verdicts.iter_mut().filter(|verdict| !verdict.stays()) {
        match image::remove(engine, &verdict.image, world).await {
            Removal::Gone => {}
            Removal::InUse => verdict.because.push("a container uses it".to_owned()),
            Removal::Failed(reason) => {
                stuck.push(format!("{}: {reason}", verdict.image.name));
                verdict.because.push("it cannot be removed".to_owned());
            }
        }
    }
    let freed = match before {
        Ok(space) => space.freed(&going(&verdicts), engine, world).await,
        Err(reason) => Err(reason),
    };
    Done { verdicts, stuck, freed }
}

/// The images of which a name goes.
fn going(verdicts: &[Verdict]) -> BTreeSet<&str> {
    let going = verdicts.iter().filter(|verdict| !verdict.stays());
    going.map(|verdict| verdict.image.id.as_str()).collect()
}

fn table(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for verdict in verdicts {
        let word = if verdict.stays() { "keep  " } else { "remove" };
        let line = shown::with(&verdict.image, &verdict.because.join(", "));
        let _ = writeln!(text, "{word}  {line}");
    }
    text
}

fn summary(done: &Done, engine: &Engine, dry: bool) -> String {
    let removed = done.verdicts.iter().filter(|verdict| !verdict.stays()).count();
    let kept = done.verdicts.len() - removed;
    let images = |count: usize| format!("{count} image{}", if count == 1 { "" } else { "s" });
    let mut text = match dry {
        true => format!("{} kept, {removed} would be removed", images(kept)),
        false => format!("{} kept, {removed} removed", images(kept)),
    };
    if let Ok(freed) = &done.freed {
        let size = shown::size(freed.free());
        text.push_str(&if dry { format!(": up to {size} free") } else { format!(": {size} freed") });
        if freed.cached > 0 {
            let (size, cure) = (shown::size(freed.cached), usage::build_cache_cure(engine));
            text.push_str(&format!("; {size} more is kept for later builds, until: {cure}"));
        }
    }
    text
}

fn json(done: &Done, engine: &Engine, repository: &str, dry: bool) -> Value {
    let rows = |stays: bool| {
        let verdicts = done.verdicts.iter().filter(move |verdict| verdict.stays() == stays);
        let row = |verdict: &Verdict| {
            let mut row = shown::json(&verdict.image);
            if stays {
                row["because"] = verdict.because.clone().into();
            }
            row
        };
        verdicts.map(row).collect::<Vec<_>>()
    };
    let freed = done.freed.as_ref().ok();
    json!({
        "engine": engine.kind,
        "repository": repository,
        "dry_run": dry,
        "kept": rows(true),
        "removed": rows(false),
        "freed": freed.map(Freed::free),
        "cached": freed.map(|freed| freed.cached),
    })
}
