//! `dwf init`: writes what a project needs to be verified.
//!
//! Invariant: everything is known before anything is written; a file that is there stays as it is unless `--force` was
//! given, and lines are only ever added to the lists of what is ignored.

mod change;
mod error;
mod ignored;
mod text;

#[cfg(test)]
mod tests;

use super::ask::{Answered, Ground};
use super::composed::composed;
use super::{Context, stage};
use crate::cli;
use crate::config;
use crate::error::Error;
use crate::identity;
use crate::image;
use crate::project::Project;
use crate::query::Request;
use change::{Change, Step};
use text::Facts;

/// The bake file's name.
const BAKE: &str = "docker-bake.hcl";

pub(super) async fn run(context: &mut Context<'_>, args: &cli::Init) -> Result<bool, Error> {
    let ground = match args.force {
        // What is replaced need not make sense.
        true => Ground::of(context, Project::undeclared)?,
        false => Ground::load(context)?,
    };
    let nothing = Request::Commands(Vec::new(), Vec::new());
    let answered = context.signals.unless(ground.ask(context.world, &nothing, false)).await??;
    answered.tell(context);
    let changes = changes(&ground.project, &answered, args.force)?;
    let text: String = changes.iter().map(|change| change.shown(args.dry_run)).collect();
    if !args.dry_run {
        change::make(&ground.project.root, &changes)?;
    }
    context.reporter.result(&text).map_err(stage::print_failed)?;
    let done = changes.iter().all(|change| matches!(change.step, Step::Same | Step::Keep));
    context.reporter.note(match (done, args.dry_run) {
        (true, _) => "nothing to do: all of it is there",
        (false, true) => "nothing was written: without --dry-run it will be",
        (false, false) => "next: look at the files, try them with `dwf verify`, and commit them",
    });
    Ok(true)
}

/// What has to change on disk.
fn changes(project: &Project, answered: &Answered, force: bool) -> Result<Vec<Change>, Error> {
    let root = &project.root;
    let facts = Facts::new(project, &answered.asked.answers);
    // From now on it has the name that is written, whatever its folder is called.
    let project = Project { name: facts.name.clone(), ..project.clone() };
    let repository = image::name(&project, "local")?.repository().to_owned();
    let mut changes = vec![Change::file(root, config::FILE, facts.config(&repository), force)?];
    // An image that is used as it is needs nothing to be built from.
    if image::is_ours(&project) {
        let own = identity::dockerfile(&project);
        let composed = composed(&project, &answered.asked.answers)?.map(|composed| composed.text);
        let dockerfile = own.as_deref().unwrap_or(identity::DOCKERFILE);
        if dockerfile == identity::DOCKERFILE
            && let Some(text) = &composed
        {
            changes.push(Change::file(root, identity::DOCKERFILE, text.clone(), force)?);
        }
        if own.is_some() || composed.is_some() {
            changes.push(Change::file(root, BAKE, facts.bake(&repository, dockerfile), force)?);
        }
    }
    let cache = project.config.file.cache.root.as_ref().map_or(crate::cache::DEFAULT, |root| root.get_ref());
    changes.push(Change::lines(root, ".gitignore", |text| ignored::by_git(text, cache))?);
    changes.push(Change::lines(root, ".dockerignore", |text| ignored::by_builds(text, cache))?);
    Ok(changes)
}
