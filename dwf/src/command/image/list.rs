//! `dwf image list`: the images of this project, and who needs them.

use std::fmt::Write;

use serde_json::{Value, json};

use super::shown;
use crate::cli;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::engine;
use crate::error::{Error, Explain, printable};
use crate::identity::{HERE, Needs};
use crate::image::{self, Own};
use crate::profile::engine_choice;
use crate::query::Request;

pub(super) async fn run(context: &mut Context<'_>, args: &cli::image::List) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let (world, project) = (context.world, &ground.project);
    let choice = engine_choice(project, &ground.user, context.global.engine);
    let nothing = Request::Commands(Vec::new(), Vec::new());
    let work = async {
        let answered = ground.ask(world, &nothing, false).await?;
        let engine = engine::find(choice, &project.root, world, engine::Belief::Asked).await?;
        let images = image::own(&engine, project, world).await?;
        let needs = Needs::all(project, &answered.asked.answers, &answered.fingerprint, world).await;
        Ok::<_, Error>((answered, engine, images, needs))
    };
    let (answered, engine, images, needs) = context.signals.unless(work).await??;
    answered.tell(context);
    let needs = needs.unwrap_or_else(|error| {
        // A list is of use without; what would remove images insists on it.
        context.reporter.note(&format!("who else needs them is not known: {error}"));
        context.reporter.detail(&error.detail().unwrap_or_default());
        Needs::here(&answered.fingerprint)
    });
    for note in &needs.notes {
        context.reporter.note(&format!("note: {note}"));
    }
    let repository = image::repository(project)?;
    if args.json {
        let rows: Vec<Value> = images.iter().rev().map(|image| row(image, &needs)).collect();
        let value = json!({ "engine": engine.kind, "repository": repository.repository(), "images": rows });
        context.reporter.json(&format!("{value:#}")).map_err(super::super::stage::print_failed)?;
        return Ok(true);
    }
    if images.is_empty() {
        let name = printable(repository.repository(), 200);
        context.reporter.note(&format!("{} has no image {name} of this project", engine.kind));
    }
    let mut text = String::new();
    for image in images.iter().rev() {
        let _ = writeln!(text, "{}", shown::with(image, &needs.of(&image.fingerprint).join(", ")));
    }
    context.reporter.result(&text).map_err(super::super::stage::print_failed)?;
    Ok(true)
}

fn row(image: &Own, needs: &Needs) -> Value {
    let by = needs.of(&image.fingerprint);
    let mut row = shown::json(image);
    row["current"] = by.contains(&HERE).into();
    row["needed_by"] = by.into();
    row
}
