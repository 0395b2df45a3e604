//! `dwf doctor`: whether this machine has what dwf needs here; nothing of the project is started.

use std::fmt::Write;

use serde::Serialize;

use super::Context;
use super::ask::Ground;
use crate::cache;
use crate::config::{EngineChoice, Jail, Profile};
use crate::discover::Found;
use crate::engine;
use crate::error::{Error, Explain};
use crate::identity;
use crate::launch::{self, Launcher};
use crate::query::Questions;
use crate::world::World;

/// How it is with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Good,
    /// It works, with less than it could.
    Poor,
    /// Something will not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    about: String,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    fn new(about: impl Into<String>, state: State, found: impl Into<String>) -> Self {
        Self { about: about.into(), state, found: found.into(), fix: None }
    }

    fn fix(mut self, fix: impl Into<Option<String>>) -> Self {
        self.fix = fix.into();
        self
    }

    fn of(about: &str, state: State, error: &Error) -> Self {
        let details = [Some(error.to_string()), error.causes().first().cloned(), error.detail()];
        let found: Vec<String> = details.into_iter().flatten().collect();
        Self::new(about, state, found.join("\n")).fix(error.hint())
    }
}

pub(super) async fn run(context: &mut Context<'_>, json: bool) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let world = context.world;
    let launcher = ground.launcher(world)?;
    let mut checks = vec![engine(context, &ground).await?, image(&ground)];
    checks.extend(jail(&launcher));
    checks.extend(context.signals.unless(extensions(&ground, world, &launcher)).await??);
    checks.extend(injected_proxies(world));
    checks.push(cache_root(&ground, world));
    let good = checks.iter().all(|check| check.state != State::Bad);
    let text = match json {
        true => format!("{:#}\n", serde_json::json!({ "good": good, "checks": checks })),
        false => shown(&checks),
    };
    context.reporter.result(&text).map_err(super::stage::print_failed)?;
    Ok(good)
}

fn shown(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.about.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { about, state, found, fix } in checks {
        let state = match state {
            State::Good => "ok",
            State::Poor => "note",
            State::Bad => "NO",
        };
        let mut lines = found.lines();
        let _ = writeln!(text, "{about:<width$}  {state:<4}  {}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(text, "{:<width$}        {}", "", line.trim());
        }
        if let Some(fix) = fix {
            let _ = writeln!(text, "{:<width$}        fix: {fix}", "");
        }
    }
    text
}

async fn engine(context: &mut Context<'_>, ground: &Ground) -> Result<Check, Error> {
    let (global, file) = (&context.global, &ground.project.config.file);
    let choices = [global.engine, ground.user.container.engine, file.container.engine];
    let choice = choices.into_iter().flatten().next().unwrap_or(EngineChoice::Auto);
    let profiles = [global.profile, file.runtime.profile, ground.user.runtime.profile];
    let needed = profiles.into_iter().flatten().next().unwrap_or(Profile::Container) == Profile::Container;
    let found = context
        .signals
        .unless(engine::find(choice, &ground.project.root, context.world, engine::Belief::Asked))
        .await?;
    Ok(match found {
        Ok(engine) => Check::new("engine", State::Good, format!("{engine} ({})", engine.program.display())),
        Err(error) => Check::of("engine", if needed { State::Bad } else { State::Poor }, &error.into()),
    })
}

fn image(ground: &Ground) -> Check {
    let configured = ground.project.config.file.container.image.as_ref().map(|image| image.get_ref().clone());
    match (configured, identity::dockerfile(&ground.project)) {
        (Some(image), Some(file)) => Check::new("image", State::Good, format!("{image}, built from {file}")),
        (Some(image), None) => Check::new("image", State::Good, image),
        (None, Some(file)) => Check::new("image", State::Good, format!("built from {file}")),
        (None, None) => Check::new("image", State::Good, "composed of what the stacks need"),
    }
}

fn jail(launcher: &Launcher) -> Vec<Check> {
    let jailer = &launcher.jailer;
    if jailer.policy == Jail::Off {
        let fix = "take `jail = \"off\"` out of [extensions] in your own configuration".to_owned();
        return vec![Check::new("jail", State::Poor, "extensions run without one").fix(fix)];
    }
    let state = if jailer.policy == Jail::Required { State::Bad } else { State::Poor };
    let mut checks: Vec<Check> = jailer
        .parts
        .missing()
        .into_iter()
        .map(|missing| {
            let fix = "a newer kernel with landlock among its security modules, and seccomp".to_owned();
            Check::new("jail", state, format!("without {missing}")).fix(fix)
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check::new("jail", State::Good, jailer.parts.to_string()));
    }
    checks.push(match launch::in_memory() {
        true => Check::new("verified", State::Good, "programs run from sealed memory, scripts from copies"),
        false => {
            Check::new("verified", State::Poor, "programs run from private copies: memory cannot be executed")
                .fix("allow it: sysctl vm.memfd_noexec=0".to_owned())
        }
    });
    checks
}

async fn extensions(ground: &Ground, world: &World, launcher: &Launcher) -> Result<Vec<Check>, Error> {
    let places = ground.places(world);
    let wanted = Questions::new(&ground.project, places.own())?.folders;
    let mut checks = Vec::new();
    for name in wanted.keys() {
        let about = format!("extension {name}");
        checks.push(match places.find(name) {
            Ok(found) => extension(&about, ground, launcher, &found).await,
            Err(error) => Check::of(&about, State::Bad, &error.into()),
        });
    }
    for refused in &places.refused {
        let text = format!("{} {}: nothing is taken from it", refused.path.display(), refused.reason);
        checks.push(Check::new("PATH", State::Poor, text));
    }
    Ok(checks)
}

async fn extension(about: &str, ground: &Ground, launcher: &Launcher, found: &Found) -> Check {
    match launcher.may_start(found).await {
        Ok(()) => {
            let path = found.path.strip_prefix(&ground.project.root).unwrap_or(&found.path);
            Check::new(about, State::Good, path.display().to_string())
        }
        Err(error) => Check::of(about, State::Bad, &error),
    }
}

/// What an engine's own client would tell every container.
fn injected_proxies(world: &World) -> Option<Check> {
    let names = super::stage::injected(world);
    if names.is_empty() {
        return None;
    }
    let file = super::stage::client_config(world);
    let text =
        format!("{file} puts {} into containers: only those see it whose actions download", names.join(", "));
    let fix = "say it in [network] of ~/.config/devflow/config.toml, for every engine".to_owned();
    Some(Check::new("proxies", State::Poor, text).fix(fix))
}

fn cache_root(ground: &Ground, world: &World) -> Check {
    match cache::root(&ground.project, world) {
        Ok(root) if root.is_dir() => Check::new("cache", State::Good, root.display().to_string()),
        Ok(root) => Check::new("cache", State::Good, format!("{} (made when needed)", root.display())),
        Err(error) => {
            let hint = error.hint();
            Check::new("cache", State::Bad, error.to_string()).fix(hint)
        }
    }
}
