//! What the name of a base image stands for in its registry today.
//!
//! Invariant: the engine asks, with its own credentials; what it had before is no answer.

use devflow_oci::{Engine, ImageRef, bases, store};

use super::maker::{Maker, Tidy};
use crate::engine::last_line;
use crate::error::{Error, Exit, Explain};
use crate::signals::Signals;
use crate::world::World;

/// A name stands for nothing that is known.
#[derive(Debug, thiserror::Error)]
#[error("what {name} stands for cannot be told: {reason}")]
pub struct BaseError {
    name: ImageRef,
    reason: String,
    pull: String,
}

impl Explain for BaseError {
    fn exit(&self) -> Exit {
        Exit::Engine
    }

    fn hint(&self) -> Option<String> {
        Some(format!("is the name right, and may you pull it? try: {}", self.pull))
    }
}

/// The digest of an image in its registry; the one it was `pinned` to, where nothing tells several apart.
pub async fn digest(
    engine: &Engine,
    name: &ImageRef,
    pinned: Option<&str>,
    world: &World,
    signals: &mut Signals,
) -> Result<String, Error> {
    let pull = store::pull(engine, name);
    let failed =
        |reason: &str| BaseError { name: name.clone(), reason: reason.to_owned(), pull: pull.to_string() };
    let mut maker = Maker { engine, world, signals, name: name.clone(), tried: Vec::new() };
    let said = maker.work(&pull, Tidy::All).await?.map_err(|error| failed(&error.to_string()))?;
    if !said.status.success() {
        return Err(failed(&last_line(&said.stderr).unwrap_or_default()).into());
    }
    if let Some(digest) = bases::pulled(engine, &said.stdout) {
        return Ok(digest);
    }
    let image =
        maker.look().await?.ok_or_else(|| failed("it was pulled, and the engine does not have it"))?;
    let known = bases::known(&image, name);
    let now = answer(&mut maker, engine, name).await?;
    for digest in known.iter().filter(|_| known.len() > 1 && now.is_some()) {
        let same = name.with_digest(digest).map_err(|error| failed(&error.to_string()))?;
        if answer(&mut maker, engine, &same).await? == now {
            return Ok(digest.clone());
        }
    }
    // What the registry cannot be asked about is one image, whatever it is called.
    let kept = pinned.filter(|digest| known.contains(*digest)).or(known.iter().next().map(String::as_str));
    Ok(kept.ok_or_else(|| failed("the engine knows no digest of it"))?.to_owned())
}

/// What the registry says of a name; `None` where the engine cannot ask.
async fn answer(maker: &mut Maker<'_>, engine: &Engine, name: &ImageRef) -> Result<Option<String>, Error> {
    let said = maker.work(&bases::manifest(engine, name), Tidy::All).await?;
    Ok(said.ok().filter(|said| said.status.success()).map(|said| said.stdout))
}
