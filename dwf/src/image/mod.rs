//! The image of a run: the one its engine has, else one that is pulled, else one that is built.
//!
//! Invariant: what was tried is told; an image that could not be had is an error, never another image.

mod error;
mod maker;
mod name;
mod own;
mod prune;
mod space;

use devflow_oci::{Engine, Image, ImageRef, inspect};

use crate::config::EngineChoice;
use crate::engine::{self, run};
use crate::error::Error;
use crate::identity;
use crate::project::Project;
use crate::report::Reporter;
use crate::signals::Signals;
use crate::world::World;

pub use error::ImageError;
use maker::Maker;
use name::{is_ours, name};
pub use own::{Own, Removal, own, remove, repository};
pub use prune::{Verdict, judge};
pub use space::{Freed, Space};

/// An image that is there.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its name.
    pub name: ImageRef,
    /// What the engine knows of it.
    pub image: Image,
}

/// What an engine that was only guessed says of the project's image.
#[derive(Debug)]
pub struct Glance {
    engine: Engine,
    image: Image,
}

/// Looks for the project's image while its engine is still being asked who it is: either question costs a client
/// its whole start. Whatever goes wrong is found out again, and told, by [`ensure`].
pub async fn glance(
    choice: EngineChoice,
    project: &Project,
    fingerprint: &str,
    world: &World,
) -> Option<Glance> {
    let engine = engine::guess(choice, &project.root, world)?;
    let question = inspect::inspect(&engine, &name(project, fingerprint).ok()?);
    let said = run(&question, world, engine::LOOK).await.ok()?;
    let image = inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr).ok()??;
    Some(Glance { engine, image })
}

/// Finds, pulls or builds the project's image.
pub async fn ensure(
    engine: &Engine,
    glance: Option<Box<Glance>>,
    project: &Project,
    fingerprint: &str,
    world: &World,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<Ready, Error> {
    let name = name(project, fingerprint)?;
    if let Some(seen) = glance
        && (seen.engine.kind, &seen.engine.program) == (engine.kind, &engine.program)
    {
        return Ok(Ready { name, image: seen.image });
    }
    let mut maker = Maker { engine, world, signals, name, tried: Vec::new() };
    if let Some(image) = maker.look().await? {
        return Ok(Ready { name: maker.name, image });
    }
    maker.tried.push(format!("it is not in {}", engine.kind));
    if project.config.file.container.image.is_some() {
        reporter.note(&format!("pulling {} …", maker.name));
        if maker.pull().await?
            && let Some(image) = maker.look().await?
        {
            return Ok(Ready { name: maker.name, image });
        }
    }
    match identity::dockerfile(project) {
        Some(dockerfile) if is_ours(project) => {
            reporter.note(&format!("building {} from {dockerfile} …", maker.name));
            maker.build(project, &dockerfile).await?;
            match maker.look().await? {
                Some(image) => return Ok(Ready { name: maker.name, image }),
                None => maker.tried.push("it was built, and the engine does not have it".to_owned()),
            }
        }
        Some(_) => maker.tried.push("its name has a tag or digest of its own, so it is not built".to_owned()),
        None => maker.tried.push(format!("there is no {} to build it from", identity::DOCKERFILE)),
    }
    Err(ImageError::Absent { name: maker.name.to_string(), tried: maker.tried }.into())
}
