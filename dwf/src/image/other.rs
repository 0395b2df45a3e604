//! Images that are not the project's: by the name that was given, pulled where they are missing, never built.

use devflow_oci::{Engine, Image, ImageRef};

use super::ImageError;
use super::maker::Maker;
use crate::config::UserNetwork;
use crate::error::Error;
use crate::report::Reporter;
use crate::signals::Signals;
use crate::world::World;

/// The image of this name, pulled if the engine does not have it.
pub async fn present(
    engine: &Engine,
    name: ImageRef,
    world: &World,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<Image, Error> {
    let shown = name.to_string();
    // Proxies are for what builds.
    let network = &UserNetwork::default();
    let mut maker = Maker { engine, world, reporter, signals, name, network };
    if let Some(image) = maker.look().await? {
        return Ok(image);
    }
    maker.reporter.note(&format!("pulling {shown} …"));
    if let Err((trouble, words)) = maker.pull().await? {
        return Err(ImageError::Registry { name: shown, done: "pulled", trouble, words }.into());
    }
    let tried = vec![format!("it was pulled, and {} does not have it", engine.kind)];
    maker.look().await?.ok_or_else(|| ImageError::Absent { name: shown, tried }.into())
}
