//! The image of a run: the one its engine has, else one that is pulled, else one that is built.
//!
//! Invariant: what was tried is told; an image that could not be had is an error, never another image.

use std::time::Duration;

use devflow_oci::build::is_buildkit_missing;
use devflow_oci::{Build, Engine, Image, ImageRef, Invocation, build, inspect, store};
use tokio::time::sleep;

use crate::config::EngineChoice;
use crate::engine::{self, last_line, run, run_unless};
use crate::error::{Error, Exit, Explain};
use crate::identity;
use crate::process::{CaptureError, Captured};
use crate::project::Project;
use crate::report::Reporter;
use crate::signals::{Interrupted, Signals};
use crate::world::World;

/// For a question to the engine.
const ASK: Duration = Duration::from_secs(30);
/// For a pull or a build.
const WORK: Duration = Duration::from_secs(3600);

/// For a pull or a build that was stopped to remove what it made.
const TIDY: Duration = Duration::from_secs(10);

/// Who is asked to end when a pull or a build has to.
#[derive(Debug, Clone, Copy)]
enum Tidy {
    /// The client and all it started.
    All,
    /// What the client started.
    Workers,
}

/// An image that is there.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its name.
    pub name: ImageRef,
    /// What the engine knows of it.
    pub image: Image,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Its name is none.
    #[error("{text:?} is not the name of an image: {reason}")]
    Name {
        /// What was written.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// The engine did not answer.
    #[error("the engine could not be asked for image {name}: {reason}")]
    Ask {
        /// The image.
        name: String,
        /// What it says.
        reason: String,
    },
    /// Nothing worked.
    #[error("image {name} cannot be had")]
    Absent {
        /// The image.
        name: String,
        /// What was tried.
        tried: Vec<String>,
    },
    /// The build failed.
    #[error("image {name} could not be built from {dockerfile}")]
    Build {
        /// The image.
        name: String,
        /// The Dockerfile.
        dockerfile: String,
        /// What the build said last.
        words: String,
    },
}

impl Explain for ImageError {
    fn exit(&self) -> Exit {
        match self {
            Self::Name { .. } => Exit::Usage,
            _ => Exit::Engine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Absent { tried, .. } => {
                Some(tried.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
            }
            Self::Build { words, .. } => Some(words.trim_end().to_owned()),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Absent { .. } => Some(format!(
                "write a {}, set `image` in [container], or run on this machine with: --profile host",
                identity::DOCKERFILE
            )),
            _ => None,
        }
    }
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

/// Whether the image's tag is the fingerprint.
fn is_ours(project: &Project) -> bool {
    match &project.config.file.container.image {
        Some(text) => text.get_ref().parse::<ImageRef>().is_ok_and(|name| name.is_bare()),
        None => true,
    }
}

fn name(project: &Project, fingerprint: &str) -> Result<ImageRef, ImageError> {
    let text = match &project.config.file.container.image {
        Some(text) => text.get_ref().clone(),
        None => format!("localhost/devflow/{}", repository(&project.name)),
    };
    let wrong = |reason: String| ImageError::Name { text: text.clone(), reason };
    let name: ImageRef =
        text.parse().map_err(|error: devflow_oci::reference::ImageRefError| wrong(error.to_string()))?;
    if name.is_bare() {
        name.with_tag(fingerprint).map_err(|error| wrong(error.to_string()))
    } else {
        Ok(name)
    }
}

/// A project's name as a part of an image's: small letters, digits, and single separators between them.
fn repository(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => out.push(c),
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    let name = out.trim_end_matches('-');
    if name.is_empty() { "project".to_owned() } else { name.to_owned() }
}

struct Maker<'a> {
    engine: &'a Engine,
    world: &'a World,
    signals: &'a mut Signals,
    name: ImageRef,
    tried: Vec<String>,
}

impl Maker<'_> {
    async fn look(&mut self) -> Result<Option<Image>, Error> {
        let name = self.name.to_string();
        let failed = |reason: String| ImageError::Ask { name: name.clone(), reason };
        let question = inspect::inspect(self.engine, &self.name);
        let asking = self.signals.unless(run(&question, self.world, ASK));
        let said = asking.await?.map_err(|error| failed(error.to_string()))?;
        let found = inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr);
        Ok(found.map_err(|error| failed(error.to_string()))?)
    }

    async fn pull(&mut self) -> Result<bool, Error> {
        let reason = match self.work(&store::pull(self.engine, &self.name), Tidy::All).await? {
            Ok(said) if said.status.success() => return Ok(true),
            Ok(said) => last_line(&said.stderr).unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        self.tried.push(format!("it could not be pulled: {reason}"));
        Ok(false)
    }

    /// A long call; a signal, or too long a time, ends it so that it leaves nothing behind.
    async fn work(
        &mut self,
        invocation: &Invocation,
        tidy: Tidy,
    ) -> Result<Result<Captured, CaptureError>, Error> {
        let stop = async {
            tokio::select! {
                number = self.signals.next() => Some(number),
                () = sleep(WORK) => None,
            }
        };
        let (number, mut process) = match run_unless(invocation, self.world, stop).await {
            Ok(captured) => return Ok(captured),
            Err(stopped) => stopped,
        };
        let hurry = async {
            tokio::select! {
                _ = self.signals.next() => {}
                () = sleep(TIDY) => {}
            }
        };
        match tidy {
            Tidy::All => process.end(hurry).await,
            Tidy::Workers => process.end_workers(hurry).await,
        }
        match number {
            Some(number) => Err(Interrupted(number).into()),
            None => Ok(Err(CaptureError::Timeout(WORK))),
        }
    }

    async fn build(&mut self, project: &Project, dockerfile: &str) -> Result<(), Error> {
        let name = self.name.to_string();
        let failed = |words: String| ImageError::Build {
            name: name.clone(),
            dockerfile: dockerfile.to_owned(),
            words,
        };
        // Podman that is asked to end leaves containers; one whose worker ended removes them.
        let tidy = if self.engine.is_podman() { Tidy::Workers } else { Tidy::All };
        let mut build = Build {
            context: project.root.clone(),
            dockerfile: project.root.join(dockerfile),
            tag: self.name.clone(),
            labels: [("dwf.project".to_owned(), project.name.clone())].into(),
            args: Default::default(),
            builder: build::Builder::BuildKit,
        };
        loop {
            let invocation = build.run(self.engine).map_err(|error| failed(error.to_string()))?;
            let said = self.work(&invocation, tidy).await?.map_err(|error| failed(error.to_string()))?;
            if said.status.success() {
                return Ok(());
            }
            if build.builder == build::Builder::BuildKit && is_buildkit_missing(&said.stderr) {
                build.builder = build::Builder::Classic;
                continue;
            }
            let words = if said.stderr.trim().is_empty() { said.stdout } else { said.stdout + &said.stderr };
            return Err(failed(end_of(&words, 60)).into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_name_becomes_a_repository() {
        for (name, expected) in
            [("shop", "shop"), ("My_Shop.2", "my-shop-2"), ("--", "project"), ("Ä b", "b")]
        {
            assert_eq!(repository(name), expected);
        }
    }
}
