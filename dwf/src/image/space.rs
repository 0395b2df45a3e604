//! The space that removed images had.
//!
//! Invariant: what is told is never more than what is free; where the engine does not say, nothing is told.

use std::collections::BTreeSet;

use devflow_oci::{Engine, Image, ImageName, usage};

use super::own::{ask, inspected};
use crate::world::World;

/// How often the list of images is asked for again.
const TRIES: u32 = 5;

/// What an engine's images take before some of them are removed.
#[derive(Debug)]
pub struct Space {
    images: Vec<Image>,
    cached: Option<u64>,
}

/// What became free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// Bytes of the layers that no image has any more.
    pub layers: u64,
    /// Bytes of them that the engine keeps for later builds.
    pub cached: u64,
}

impl Freed {
    /// Bytes that are free.
    pub fn free(&self) -> u64 {
        self.layers.saturating_sub(self.cached)
    }
}

impl Space {
    /// Looks at all images of an engine.
    pub async fn look(engine: &Engine, world: &World) -> Result<Self, String> {
        let mut tries = 0;
        let images = loop {
            let ids: Vec<ImageName> = ids(engine, world).await?.into_iter().map(ImageName::Id).collect();
            match inspected(engine, &ids, world).await {
                Ok(images) => break images,
                // Somebody else's image may have gone meanwhile.
                Err(_) if tries < TRIES => tries += 1,
                Err(reason) => return Err(reason),
            }
        };
        Ok(Self { images, cached: cached(engine, world).await })
    }

    /// What became free since, when dwf has taken names from these images.
    pub async fn freed(
        self,
        removed: &BTreeSet<&str>,
        engine: &Engine,
        world: &World,
    ) -> Result<Freed, String> {
        let there = ids(engine, world).await?;
        let (left, gone): (Vec<_>, Vec<_>) =
            self.images.into_iter().partition(|image| there.contains(&image.id));
        let gone: Vec<Image> = gone.into_iter().filter(|image| removed.contains(image.id.as_str())).collect();
        let layers = usage::freed(&gone, &left);
        let grown = match (self.cached, cached(engine, world).await) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => 0,
        };
        Ok(Freed { layers, cached: grown.min(layers) })
    }

    /// What would be free without these images, as far as images are concerned.
    pub fn without(self, ids: &BTreeSet<&str>) -> u64 {
        let (gone, left): (Vec<_>, Vec<_>) =
            self.images.into_iter().partition(|image| ids.contains(image.id.as_str()));
        usage::freed(&gone, &left)
    }
}

async fn ids(engine: &Engine, world: &World) -> Result<BTreeSet<String>, String> {
    Ok(usage::parse_ids(&ask(&usage::ids(engine), world).await?.stdout))
}

async fn cached(engine: &Engine, world: &World) -> Option<u64> {
    usage::parse_build_cache(&ask(&usage::build_cache(engine)?, world).await.ok()?.stdout)
}
