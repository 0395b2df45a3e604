//! What an engine is asked to do for one image.

use std::time::Duration;

use devflow_oci::bake;
use devflow_oci::build::{Builder, buildx, is_buildkit_missing};
use devflow_oci::hash::is_sha256;
use devflow_oci::image::architecture;
use devflow_oci::registry::{Trouble, trouble};
use devflow_oci::store::{self, Stored};
use devflow_oci::{Build, Engine, EngineKind, Image, ImageName, ImageRef, Invocation, inspect, label};

use super::own::TRIES;
use super::work::{Tidy, work};
use super::{ImageError, Recipe};
use crate::config::UserNetwork;
use crate::engine::{last_line, run};
use crate::error::Error;
use crate::process::Captured;
use crate::project::Project;
use crate::report::Reporter;
use crate::secrets::proxies;
use crate::signals::Signals;
use crate::world::World;

/// For a question to the engine.
const ASK: Duration = Duration::from_secs(30);

/// Looks for, pulls, names, builds and pushes one image, on one engine.
pub(super) struct Maker<'a> {
    pub(super) engine: &'a Engine,
    pub(super) world: &'a World,
    pub(super) reporter: &'a mut Reporter,
    pub(super) signals: &'a mut Signals,
    pub(super) name: ImageRef,
    pub(super) network: &'a UserNetwork,
}

impl Maker<'_> {
    /// The image, if the engine has it.
    pub(super) async fn look(&mut self) -> Result<Option<Image>, Error> {
        self.inspect(&inspect::inspect(self.engine, &self.name)).await
    }

    async fn inspect(&mut self, question: &Invocation) -> Result<Option<Image>, Error> {
        let said = self.ask(question).await?;
        let found = inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr);
        Ok(found.map_err(|error| self.failed(error.to_string()))?)
    }

    async fn ask(&mut self, question: &Invocation) -> Result<Captured, Error> {
        let said = self.signals.unless(run(question, self.world, ASK)).await?;
        Ok(said.map_err(|error| self.failed(error.to_string()))?)
    }

    fn failed(&self, reason: String) -> ImageError {
        ImageError::Ask { name: self.name.to_string(), reason }
    }

    /// Fetches it; on failure says why.
    pub(super) async fn pull(&mut self) -> Result<Result<(), (Trouble, String)>, Error> {
        let line = store::pull(self.engine, &self.name);
        Ok(self.exchange(&line, "pulling").await?.map(|_| ()))
    }

    /// Sends it; the digest under which the registry has it, or why not.
    pub(super) async fn push(&mut self) -> Result<Result<Option<String>, (Trouble, String)>, Error> {
        let line = store::push(self.engine, &self.name);
        Ok(self.exchange(&line, "pushing").await?.map(|said| store::parse_push(&said.stdout)))
    }

    async fn exchange(
        &mut self,
        invocation: &Invocation,
        what: &str,
    ) -> Result<Result<Captured, (Trouble, String)>, Error> {
        let what = format!("{what} {}", self.name);
        let done = work(invocation, &what, Tidy::All, self.world, self.reporter, self.signals);
        Ok(match done.await? {
            Ok(said) if said.status.success() => Ok(said),
            Ok(said) => Err((trouble(&said.stderr), last_line(&said.stderr).unwrap_or_default())),
            Err(error) => Err((Trouble::Other, error.to_string())),
        })
    }

    /// An image of this repository that was built from the same inputs: its name.
    ///
    /// Anyone can write labels, and an image inherits those of its base. So what counts besides is a name that only dwf,
    /// a pull from the project's own registry, or somebody who may give orders to the engine can have given: an image
    /// that has it would run as well if the tree were the one of its tag.
    pub(super) async fn twin(&mut self, project: &Project, hash: &str) -> Result<Option<Stored>, Error> {
        let question = store::list(self.engine, &format!("{}={hash}", label::BUILD));
        let mut tries = 1;
        let said = loop {
            let said = self.ask(&question).await?;
            if said.status.success() {
                break said;
            }
            // Somebody else may have removed an image while the engine was making its list.
            if tries == TRIES || !inspect::is_no_such_image(&said.stderr) {
                return Err(self.failed(last_line(&said.stderr).unwrap_or_default()).into());
            }
            tries += 1;
        };
        let stored =
            store::parse_list(self.engine, &said.stdout).map_err(|error| self.failed(error.to_string()))?;
        let ours = self.name.repository();
        let named = [ours.to_owned(), format!("localhost/{ours}"), format!("docker.io/{ours}")];
        for one in stored {
            if !named.contains(&one.repository) || !one.tag.as_deref().is_some_and(is_sha256) {
                continue;
            }
            let Some(image) = self.inspect(&inspect::inspect_id(self.engine, &one.id)).await? else {
                continue;
            };
            let has = |key: &str, value: &str| image.labels.get(key).is_some_and(|known| known == value);
            let here = image.architecture == architecture(std::env::consts::ARCH);
            if here && has(label::BUILD, hash) && has(label::PROJECT, &project.name) {
                return Ok(Some(one));
            }
        }
        Ok(None)
    }

    /// Gives an image that is there this name.
    pub(super) async fn tag(&mut self, id: &str) -> Result<(), Error> {
        let said = self.ask(&store::tag(self.engine, &ImageName::Id(id.to_owned()), &self.name)).await?;
        match said.status.success() {
            true => Ok(()),
            false => Err(self.failed(last_line(&said.stderr).unwrap_or_default()).into()),
        }
    }

    /// Takes the name away, whatever becomes of it.
    pub(super) async fn untag(&mut self) -> Result<(), Error> {
        self.ask(&store::remove(self.engine, &self.name)).await.map(|_| ())
    }

    /// Builds it. What the project's files say of the build is all that the builder is told.
    pub(super) async fn build(
        &mut self,
        project: &Project,
        recipe: &Recipe,
        hash: &str,
    ) -> Result<(), Error> {
        let name = self.name.to_string();
        let failed = |words: String| ImageError::Build {
            name: name.clone(),
            dockerfile: recipe.shown.clone(),
            full: trouble(&words) == Trouble::NoSpace,
            words,
        };
        // Podman that is asked to end leaves containers; one whose worker ended removes them.
        let tidy = if self.engine.is_podman() { Tidy::Workers } else { Tidy::All };
        let mut build = Build {
            context: recipe.context.clone(),
            dockerfile: recipe.dockerfile.clone(),
            target: recipe.stage.clone(),
            tag: self.name.clone(),
            // Also where there is no hash: that of the base image would say what is not true.
            labels: label::labels(&project.name, self.name.tag().unwrap_or_default(), hash),
            args: recipe.args.clone(),
            proxies: proxies(self.network, self.world),
            builder: Builder::BuildKit,
        };
        let bake = match &recipe.bake {
            Some(target) if self.has_buildx().await? => Some(target),
            _ => None,
        };
        let from = match bake {
            Some(target) => format!("target {target} of {}", bake::FILE),
            None => recipe.shown.clone(),
        };
        self.reporter.note(&format!("building {name} from {from} …"));
        loop {
            let invocation = match bake {
                Some(target) => {
                    let file = project.root.join(bake::FILE);
                    let line = build.bake(self.engine, &file, target, architecture(std::env::consts::ARCH));
                    line.map(|line| line.cwd(&project.root))
                }
                None => build.run(self.engine),
            };
            let invocation = invocation.map_err(|error| failed(error.to_string()))?;
            let what = format!("building {name}");
            let done = work(&invocation, &what, tidy, self.world, self.reporter, self.signals).await?;
            let said = done.map_err(|error| failed(error.to_string()))?;
            if said.status.success() {
                return Ok(());
            }
            if bake.is_none() && build.builder == Builder::BuildKit && is_buildkit_missing(&said.stderr) {
                build.builder = Builder::Classic;
                continue;
            }
            let words = if said.stderr.trim().is_empty() { said.stdout } else { said.stdout + &said.stderr };
            return Err(failed(end_of(&words, 60)).into());
        }
    }

    async fn has_buildx(&mut self) -> Result<bool, Error> {
        match self.engine.kind {
            EngineKind::Docker => Ok(self.ask(&buildx(self.engine)).await?.status.success()),
            EngineKind::Podman => Ok(false),
        }
    }
}

/// The last lines of a log, safe to print.
fn end_of(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(count);
    lines[start..]
        .iter()
        .map(|line| format!("  {}", crate::error::printable(line, 400)))
        .collect::<Vec<_>>()
        .join("\n")
}
