//! The engines that have caches as their volumes.

use std::collections::BTreeMap;

use devflow_oci::{Engine, EngineKind};

use super::prune::Done;
use crate::cache::{Entry, Index, Keep, Limit, Verdict};
use crate::command::Context;
use crate::command::ask::Ground;
use crate::config::EngineChoice;
use crate::engine;
use crate::error::Error;
use crate::volumes;
use crate::world::World;

/// Those of them that answer.
pub(super) struct Engines(BTreeMap<EngineKind, Engine>);

/// Finds the engines of these entries; one that does not answer is told.
pub(super) async fn find(
    context: &mut Context<'_>,
    ground: &Ground,
    entries: &[Entry],
) -> Result<Engines, Error> {
    let mut found = BTreeMap::new();
    for kind in EngineKind::ALL {
        if !entries.iter().any(|entry| entry.volumes.as_ref().is_some_and(|volumes| volumes.engine == kind)) {
            continue;
        }
        let choice = match kind {
            EngineKind::Docker => EngineChoice::Docker,
            EngineKind::Podman => EngineChoice::Podman,
        };
        let asked = engine::find(choice, &ground.project.root, context.world, engine::Belief::Asked);
        match context.signals.unless(asked).await? {
            Ok(engine) => drop(found.insert(kind, engine)),
            Err(error) => context.reporter.note(&format!("note: {error}: its volumes are left alone")),
        }
    }
    Ok(Engines(found))
}

impl Engines {
    fn of(&self, entry: &Entry) -> Option<&Engine> {
        self.0.get(&entry.volumes.as_ref()?.engine)
    }

    /// Adds to each entry what its volumes take.
    pub(super) async fn measure(&self, entries: &mut [Entry], world: &World, limit: &Limit) {
        for entry in entries.iter_mut().filter(|entry| entry.volumes.is_some()) {
            match self.of(entry) {
                Some(engine) => volumes::measure(engine, entry, world, limit).await,
                None => entry.size.whole = false,
            }
        }
    }

    /// Removes the volumes of what is to go. Where one stays, its entry does.
    pub(super) async fn remove(&self, index: &Index, done: &mut Done, world: &World) {
        for (entry, verdict) in &mut done.entries {
            if !matches!(verdict, Verdict::Remove(_)) || entry.volumes.is_none() {
                continue;
            }
            // Nobody begins to use it while this is held.
            let Some(_lock) = index.seize(&entry.slot) else {
                *verdict = Verdict::Keep(Keep::InUse);
                continue;
            };
            let removed = match self.of(entry) {
                Some(engine) => volumes::remove(engine, index, entry, world).await,
                None => Err("its engine does not answer".to_owned()),
            };
            if let Err(reason) = removed {
                done.left.push(format!("{}: {reason}", entry.slot));
                *verdict = Verdict::Keep(Keep::Refused);
            }
        }
    }
}
