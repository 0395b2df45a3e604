//! What the name of a base image stands for in its registry today.
//!
//! Invariant: the engine asks, with its own credentials; what it had before is no answer.

use devflow_oci::{Engine, ImageRef, Invocation, bases, inspect, store};

use super::work::{Tidy, work};
use crate::engine::last_line;
use crate::error::{Error, Exit, Explain};
use crate::process::{CaptureError, Captured};
use crate::report::Reporter;
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

/// Who asks a registry, by way of an engine.
pub struct Asker<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The surroundings.
    pub world: &'a World,
    /// The printer.
    pub reporter: &'a mut Reporter,
    /// What ends it early.
    pub signals: &'a mut Signals,
}

impl Asker<'_> {
    /// The digest of an image in its registry; the one it was `pinned` to, where nothing tells several apart.
    pub async fn digest(mut self, name: &ImageRef, pinned: Option<&str>) -> Result<String, Error> {
        let pull = store::pull(self.engine, name);
        let failed = |reason: &str| BaseError {
            name: name.clone(),
            reason: reason.to_owned(),
            pull: pull.to_string(),
        };
        let said = self.work(&pull, name).await?.map_err(|error| failed(&error.to_string()))?;
        if !said.status.success() {
            return Err(failed(&last_line(&said.stderr).unwrap_or_default()).into());
        }
        if let Some(digest) = bases::pulled(self.engine, &said.stdout) {
            return Ok(digest);
        }
        let look = inspect::inspect(self.engine, name);
        let said = self.work(&look, name).await?.map_err(|error| failed(&error.to_string()))?;
        let image = inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr)
            .map_err(|error| failed(&error.to_string()))?
            .ok_or_else(|| failed("it was pulled, and the engine does not have it"))?;
        let known = bases::known(&image, name);
        let now = self.answer(name).await?;
        for digest in known.iter().filter(|_| known.len() > 1 && now.is_some()) {
            let same = name.with_digest(digest).map_err(|error| failed(&error.to_string()))?;
            if self.answer(&same).await? == now {
                return Ok(digest.clone());
            }
        }
        // What the registry cannot be asked about is one image, whatever it is called.
        let kept =
            pinned.filter(|digest| known.contains(*digest)).or(known.iter().next().map(String::as_str));
        Ok(kept.ok_or_else(|| failed("the engine knows no digest of it"))?.to_owned())
    }

    /// What the registry says of a name; `None` where the engine cannot ask.
    async fn answer(&mut self, name: &ImageRef) -> Result<Option<String>, Error> {
        let said = self.work(&bases::manifest(self.engine, name), name).await?;
        Ok(said.ok().filter(|said| said.status.success()).map(|said| said.stdout))
    }

    async fn work(
        &mut self,
        invocation: &Invocation,
        name: &ImageRef,
    ) -> Result<Result<Captured, CaptureError>, Error> {
        let what = format!("asking for {name}");
        work(invocation, &what, Tidy::All, self.world, self.reporter, self.signals).await
    }
}
