//! Caches that are volumes of an engine.
//!
//! Invariant: a volume that no session may write to is never mounted: one is made, and opened to its user, before the
//! first session starts, and known to be so only then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use devflow_oci::{Engine, ImageName, Invocation, named};

use crate::cache::{Entry, Index, Limit};
use crate::engine;
use crate::error::{Exit, Explain};
use crate::world::World;

/// For a call about volumes.
const ASK: Duration = Duration::from_secs(60);

/// A volume cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the volumes for the caches cannot be made: {0}")]
pub struct VolumeError(String);

impl Explain for VolumeError {
    fn exit(&self) -> Exit {
        Exit::Engine
    }

    fn hint(&self) -> Option<String> {
        Some("caches can be folders instead: backend = \"dir\" in [cache]".to_owned())
    }
}

/// What a run needs to make its volumes.
pub struct Maker<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The run's id.
    pub run: &'a str,
    /// An image that has the usual small programs: the run's own.
    pub image: &'a ImageName,
    /// Where it is noted which are ready.
    pub index: &'a Index,
    /// The surroundings.
    pub world: &'a World,
}

impl Maker<'_> {
    /// Makes those that are missing; each name with the place of its cache.
    pub async fn ensure(&self, wanted: &BTreeMap<String, String>) -> Result<(), VolumeError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let there = list(self.engine, self.world).await.map_err(VolumeError)?;
        let is_ready = |name: &String| there.contains(name) && self.index.is_ready(&key(self.engine, name));
        let missing: Vec<String> = wanted.keys().filter(|name| !is_ready(name)).cloned().collect();
        let root = self.index.root().to_string_lossy().into_owned();
        for name in missing.iter().filter(|name| !there.contains(*name)) {
            let place = wanted.get(name).cloned().unwrap_or_default();
            let labels = [(named::CACHE.to_owned(), place), (named::ROOT.to_owned(), root.clone())];
            self.call(&named::create(self.engine, name, &labels.into())).await?;
        }
        let open = named::open(self.engine, self.run, self.image, &missing);
        if let Some(open) = open.map_err(|error| VolumeError(error.to_string()))? {
            self.call(&open).await?;
        }
        for name in &missing {
            self.index.ready(&key(self.engine, name)).map_err(|error| VolumeError(error.to_string()))?;
        }
        Ok(())
    }

    async fn call(&self, invocation: &Invocation) -> Result<(), VolumeError> {
        said(invocation, self.world).await.map(drop).map_err(VolumeError)
    }
}

/// The volumes of caches that an engine has.
pub async fn list(engine: &Engine, world: &World) -> Result<BTreeSet<String>, String> {
    let said = said(&named::list(engine), world).await?;
    Ok(said.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

/// Adds what the volumes of an entry take, where this machine sees them; else it stays the least that it takes.
pub async fn measure(engine: &Engine, entry: &mut Entry, world: &World, limit: &Limit) {
    for name in entry.volumes.iter().flat_map(|volumes| &volumes.names) {
        let place = said(&named::place(engine, name), world).await.unwrap_or_default();
        let size = crate::cache::measure_at(place.trim().as_ref(), limit);
        entry.size.bytes += size.map_or(0, |size| size.bytes);
        entry.size.whole &= size.is_some_and(|size| size.whole);
    }
}

/// Removes the volumes of an entry that nobody uses.
pub async fn remove(engine: &Engine, index: &Index, entry: &Entry, world: &World) -> Result<(), String> {
    for name in entry.volumes.iter().flat_map(|volumes| &volumes.names) {
        index.unready(&key(engine, name));
        match said(&named::remove(engine, name), world).await {
            Err(reason) if !named::is_no_such_volume(&reason) => return Err(reason),
            _ => {}
        }
    }
    Ok(())
}

/// What a volume is called in the index: each engine has its own of the same name.
fn key(engine: &Engine, name: &str) -> String {
    format!("{name}.{}", engine.kind)
}

async fn said(invocation: &Invocation, world: &World) -> Result<String, String> {
    let captured = engine::run(invocation, world, ASK).await.map_err(|error| error.to_string())?;
    match captured.status.success() {
        true => Ok(captured.stdout),
        false => Err(engine::last_line(&captured.stderr).unwrap_or_else(|| captured.status.to_string())),
    }
}
