//! The image of a run: the one its engine has, else one that is pulled, else one that was built from the same inputs,
//! else one that is built.
//!
//! Invariant: what was tried is told; an image that could not be had is an error, never another image; a name is given
//! only to what is whole.

mod base;
mod error;
mod glance;
mod inputs;
mod layout;
mod maker;
mod name;
mod other;
mod own;
mod prune;
mod recipe;
mod space;
mod work;

use devflow_oci::{Engine, Image, ImageRef, label};

use crate::cache;
use crate::config::UserNetwork;
use crate::error::Error;
use crate::identity::{self, Origin};
use crate::project::Project;
use crate::report::Reporter;
use crate::signals::Signals;
use crate::world::World;

pub use base::Asker;
pub use error::ImageError;
pub use glance::{Doubt, Glance, glance};
use maker::Maker;
pub use name::{is_ours, name};
pub use other::present;
pub use own::{Own, Removal, own, remove, repository};
pub use prune::{Verdict, judge};
pub use recipe::Recipe;
pub use space::{Freed, Space};

/// An image that is there.
#[derive(Debug)]
pub struct Ready {
    /// Its name.
    pub name: ImageRef,
    /// What the engine knows of it. Its id is what runs: the name could be given to another image meanwhile.
    pub image: Image,
    /// To be settled before an action starts, where this is what the engine said last time.
    pub doubt: Option<Doubt>,
}

/// The image that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose it is.
    pub project: &'a Project,
    /// What it is made from.
    pub origin: &'a Origin,
    /// Its identity.
    pub fingerprint: &'a str,
    /// How what a build downloads is reached.
    pub network: &'a UserNetwork,
}

/// Finds, pulls, names or builds the project's image.
pub async fn ensure(
    engine: &Engine,
    glance: Option<Box<Glance>>,
    wanted: Wanted<'_>,
    world: &World,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<Ready, Error> {
    if let Some(seen) = glance
        && (seen.engine.kind, &seen.engine.program) == (engine.kind, &engine.program)
    {
        let name = name(wanted.project, wanted.fingerprint)?;
        return Ok(Ready { name, image: seen.image, doubt: seen.doubt });
    }
    Images { engine, wanted, world, reporter, signals }.ensure().await
}

/// The images of a project, for one fingerprint and on one engine.
pub struct Images<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The image.
    pub wanted: Wanted<'a>,
    /// The surroundings.
    pub world: &'a World,
    /// The printer.
    pub reporter: &'a mut Reporter,
    /// What ends it early.
    pub signals: &'a mut Signals,
}

impl Images<'_> {
    /// The image, from the nearest place that has it.
    pub async fn ensure(&mut self) -> Result<Ready, Error> {
        let name = name(self.wanted.project, self.wanted.fingerprint)?;
        if let Some(image) = self.maker(&name).look().await? {
            return Ok(Ready { name, image, doubt: None });
        }
        let kind = self.engine.kind;
        let mut tried = vec![format!("it is not in {kind}")];
        self.reporter.note(&format!("{name} is not in {kind}"));
        if self.is_pulled(&name) {
            self.reporter.note(&format!("pulling {name} …"));
            let mut maker = self.maker(&name);
            match maker.pull().await? {
                Ok(()) => match maker.look().await? {
                    Some(image) => return Ok(Ready { name, image, doubt: None }),
                    None => tried.push(format!("it was pulled, and {kind} does not have it")),
                },
                Err((trouble, words)) => {
                    self.reporter.note(&format!("not pulled: {trouble}"));
                    tried.push(format!("it could not be pulled: {trouble}: {words}"));
                }
            }
        }
        if !is_ours(self.wanted.project) {
            tried.push("its name has a tag or digest of its own, so it is not built".to_owned());
        } else if let Some(recipe) = Recipe::of(self.wanted.project, self.wanted.origin)? {
            return self.make(name, &recipe, true).await;
        } else {
            tried.push(format!("there is no {} to build it from", identity::DOCKERFILE));
        }
        Err(ImageError::Absent { name: name.to_string(), tried }.into())
    }

    /// The image, built whatever there is.
    pub async fn build(&mut self) -> Result<Ready, Error> {
        let name = self.own_name()?;
        match Recipe::of(self.wanted.project, self.wanted.origin)? {
            Some(recipe) => self.make(name, &recipe, false).await,
            None => {
                let tried = vec![format!("there is no {} to build it from", identity::DOCKERFILE)];
                Err(ImageError::Absent { name: name.to_string(), tried }.into())
            }
        }
    }

    /// The image, from its registry.
    pub async fn pull(&mut self) -> Result<Ready, Error> {
        let name = name(self.wanted.project, self.wanted.fingerprint)?;
        if !self.is_pulled(&name) {
            return Err(ImageError::NoRegistry { name: name.to_string(), what: "pull" }.into());
        }
        self.reporter.note(&format!("pulling {name} …"));
        let mut maker = self.maker(&name);
        if let Err((trouble, words)) = maker.pull().await? {
            return Err(
                ImageError::Registry { name: name.to_string(), done: "pulled", trouble, words }.into()
            );
        }
        match maker.look().await? {
            Some(image) => Ok(Ready { name, image, doubt: None }),
            None => {
                let tried = vec![format!("it was pulled, and {} does not have it", self.engine.kind)];
                Err(ImageError::Absent { name: name.to_string(), tried }.into())
            }
        }
    }

    /// Sends the image to its registry, if it is what the project's files say; gives the digest it has there.
    pub async fn push(&mut self) -> Result<(ImageRef, Option<String>), Error> {
        let name = self.own_name()?;
        if name.registry().is_none() {
            return Err(ImageError::NoRegistry { name: name.to_string(), what: "push" }.into());
        }
        let stale = |reason: String| ImageError::Stale { name: name.to_string(), reason };
        let Some(image) = self.maker(&name).look().await? else {
            let engine = self.engine.kind.to_string();
            return Err(ImageError::Unbuilt { name: name.to_string(), engine }.into());
        };
        if let Some(recipe) = Recipe::of(self.wanted.project, self.wanted.origin)?
            && let Some(hash) = self.hash(&recipe).await?
            && image.labels.get(label::BUILD) != Some(&hash)
        {
            return Err(stale("it was not built by dwf from these files".to_owned()).into());
        }
        self.reporter.note(&format!("pushing {name} …"));
        let mut maker = self.maker(&name);
        let digest = match maker.push().await? {
            Ok(digest) => digest,
            Err((trouble, words)) => {
                return Err(
                    ImageError::Registry { name: name.to_string(), done: "pushed", trouble, words }.into()
                );
            }
        };
        match maker.look().await? {
            Some(now) if now.id == image.id => Ok((name, digest)),
            _ => Err(stale("its name was given to another image while it was pushed".to_owned()).into()),
        }
    }

    fn maker(&mut self, name: &ImageRef) -> Maker<'_> {
        Maker {
            engine: self.engine,
            world: self.world,
            reporter: self.reporter,
            signals: self.signals,
            name: name.clone(),
            network: self.wanted.network,
        }
    }

    /// The image's name, whose tag must be the fingerprint.
    fn own_name(&self) -> Result<ImageRef, ImageError> {
        let name = name(self.wanted.project, self.wanted.fingerprint)?;
        match is_ours(self.wanted.project) {
            true => Ok(name),
            false => Err(ImageError::Foreign { name: name.to_string() }),
        }
    }

    /// Whether there may be a registry that has it. A name without one means the engine's own.
    fn is_pulled(&self, name: &ImageRef) -> bool {
        let written = self.wanted.project.config.file.container.image.is_some();
        written && !name.repository().starts_with("localhost/")
    }

    /// Names an image that was built from the same inputs, if that will do, or builds one.
    async fn make(&mut self, name: ImageRef, recipe: &Recipe, twin: bool) -> Result<Ready, Error> {
        let project = self.wanted.project;
        if let Some(note) = &recipe.note {
            self.reporter.note(note);
        }
        let hash = self.hash(recipe).await?;
        let mut maker = self.maker(&name);
        if let (true, Some(hash)) = (twin, &hash)
            && let Some(known) = maker.twin(project, hash).await?
        {
            maker.tag(&known.id).await?;
            let from = known.tag.unwrap_or_default();
            maker.reporter.note(&format!("named {name}: it was built from the same inputs as {from}"));
        } else {
            maker.build(project, recipe, hash.as_deref().unwrap_or_default()).await?;
            if self.hash(recipe).await? != hash {
                self.maker(&name).untag().await?;
                return Err(ImageError::Changed { name: name.to_string() }.into());
            }
        }
        match self.maker(&name).look().await? {
            Some(image) => Ok(Ready { name, image, doubt: None }),
            None => {
                let tried = vec!["it was built, and the engine does not have it".to_owned()];
                Err(ImageError::Absent { name: name.to_string(), tried }.into())
            }
        }
    }

    /// The hash of what it is built from; none, with a word about it, where that cannot be told.
    async fn hash(&mut self, recipe: &Recipe) -> Result<Option<String>, Error> {
        let cache = cache::root(self.wanted.project, self.world)?;
        let recipe = recipe.clone();
        let work = identity::apart(move || inputs::hash(&recipe, &cache));
        match self.signals.unless(work).await? {
            Ok(hash) => Ok(Some(hash)),
            Err(reason) => {
                self.reporter.detail(&format!("what the image is built from cannot be told: {reason}"));
                Ok(None)
            }
        }
    }
}
