//! The engines: which one runs actions, and why not the others.

use devflow_oci::{Engine, EngineKind};

use super::check::{Check, State};
use crate::command::stage::{self, selinux_enforces};
use crate::config::EngineChoice;
use crate::engine::{self, EngineError};
use crate::world::World;

/// What was found out of the engines.
pub(super) struct Engines {
    /// The one that runs actions.
    pub(super) chosen: Option<Engine>,
    pub(super) checks: Vec<Check>,
}

/// Asks every engine; `needed` is whether actions cannot do without one.
pub(super) async fn look(
    choice: EngineChoice,
    root: &std::path::Path,
    needed: bool,
    world: &World,
) -> Engines {
    let found = engine::find(choice, root, world, engine::Belief::Asked).await;
    let mut checks = Vec::new();
    let chosen = match found {
        Ok(engine) => {
            checks.push(Check::new("engine", State::Good, shown(&engine, world)));
            Some(engine)
        }
        Err(error) => {
            let state = if needed { State::Bad } else { State::Poor };
            checks.push(Check::of("engine", state, &error.into()));
            None
        }
    };
    if let Some(chosen) = &chosen {
        for kind in EngineKind::ALL.into_iter().filter(|kind| *kind != chosen.kind) {
            let other = engine::find(named(kind), root, world, engine::Belief::Asked).await;
            checks.push(
                Check::new("other-engine", State::Good, other_shown(choice, chosen, kind, other, world))
                    .about(format!("engine {kind}")),
            );
        }
    }
    if selinux_enforces() && chosen.is_some() {
        let text = "SELinux enforces: containers run without its labels, to see the project";
        checks.push(Check::new("selinux", State::Poor, text));
    }
    Engines { chosen, checks }
}

fn named(kind: EngineKind) -> EngineChoice {
    match kind {
        EngineKind::Docker => EngineChoice::Docker,
        EngineKind::Podman => EngineChoice::Podman,
    }
}

fn shown(engine: &Engine, world: &World) -> String {
    let power = if engine.rootless { "rootless" } else { "not rootless" };
    let address = engine.address(world.var("DOCKER_HOST"));
    format!("{engine} ({}), {power}, {address}", engine.program.display())
}

/// What another engine is, and why it is not the one.
fn other_shown(
    choice: EngineChoice,
    chosen: &Engine,
    kind: EngineKind,
    found: Result<Engine, EngineError>,
    world: &World,
) -> String {
    match found {
        Ok(engine) => {
            let why = match choice {
                EngineChoice::Auto => format!("{} was asked first, and answered", chosen.kind),
                EngineChoice::Docker | EngineChoice::Podman => format!("{} was asked for", chosen.kind),
            };
            format!("{}\nnot taken: {why}", shown(&engine, world))
        }
        Err(EngineError::Missing(_)) => format!("not there: no `{kind}` is on PATH"),
        Err(error) => format!("not taken: {error}"),
    }
}

/// What an engine's own client would tell every container.
pub(super) fn injected_proxies(world: &World) -> Option<Check> {
    let names = stage::injected(world);
    if names.is_empty() {
        return None;
    }
    let file = stage::client_config(world);
    let text =
        format!("{file} puts {} into containers: only those see it whose actions download", names.join(", "));
    let fix = "say it in [network] of ~/.config/devflow/config.toml, for every engine".to_owned();
    Some(Check::new("proxies", State::Poor, text).fix(fix))
}
