//! `dwf doctor`: whether this machine has what dwf needs here. Extensions are asked when they may be started; nothing is
//! pulled, built or changed.
//!
//! Each topic has a file, each check is one line with what to do.

mod cache;
mod check;
mod engine;
mod extensions;
mod image;
mod jail;
mod tools;

use super::Context;
use super::ask::{Answered, Ground};
use crate::error::Error;
use crate::profile::{Decision, Flags, decide, engine_choice};
use crate::query::Request;
use check::{Check, State};
use engine::Engines;

pub(super) async fn run(context: &mut Context<'_>, json: bool) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let flags = Flags { profile: context.global.profile, engine: context.global.engine };
    let checks = context.signals.unless(look(&ground, flags, context.world)).await??;
    let text = if json { check::json(&checks) } else { check::text(&checks) };
    context.reporter.result(&text).map_err(super::stage::print_failed)?;
    Ok(check::good(&checks))
}

async fn look(ground: &Ground, flags: Flags, world: &crate::world::World) -> Result<Vec<Check>, Error> {
    let launcher = ground.launcher(world)?;
    let mut checks = Vec::new();
    let decision = decide(&ground.project, &ground.user, flags, &ground.record, world).await;
    let (host, needed) = match &decision {
        Ok(Decision::Host(_)) => (true, false),
        Ok(Decision::Container(_) | Decision::Engine(_)) => (false, true),
        Err(error) => {
            checks.push(Check::of("profile", State::Bad, error));
            (false, false)
        }
    };
    let choice = engine_choice(&ground.project, &ground.user, flags.engine);
    let Engines { chosen, checks: engines } = engine::look(choice, &ground.project.root, needed, world).await;
    checks.extend(engines);
    checks.extend(jail::checks(&launcher));
    let extensions = extensions::checks(ground, world, &launcher).await?;
    let startable = check::good(&extensions);
    checks.extend(extensions);
    checks.extend(engine::injected_proxies(world));
    checks.push(cache::root(ground, world));
    if !startable {
        let text = "not looked at, because an extension cannot be started";
        checks.push(Check::new("answers", State::Poor, text).about("image, tools"));
        return Ok(checks);
    }
    let answered = match ground.ask(world, &Request::Target("pr".to_owned()), host).await {
        Ok(answered) => answered,
        Err(error) => {
            checks.push(Check::of("answers", State::Bad, &error));
            return Ok(checks);
        }
    };
    checks.extend(versions(&answered));
    if host {
        checks.extend(cache::left_alone(&answered));
        checks.extend(tools::on_host(ground, &answered, world).await);
    } else if let Some(engine) = &chosen {
        let (image, about) = image::look(ground, &answered, engine, world).await;
        checks.extend(about);
        if let Some(image) = image {
            checks.extend(tools::in_image(ground, &answered, engine, &image, world).await?);
        }
    }
    Ok(checks)
}

/// What the extensions say of themselves.
fn versions(answered: &Answered) -> Option<Check> {
    let answers = &answered.asked.answers;
    let version = |(name, version): (&_, &String)| {
        let pinned = if answers.pins.contains_key(name) { "pinned" } else { "not pinned" };
        format!("{name} {} ({pinned})", crate::error::printable(version, 40))
    };
    let all: Vec<String> = answers.versions.iter().map(version).collect();
    (!all.is_empty()).then(|| Check::new("answers", State::Good, all.join(", ")).about("extensions"))
}
