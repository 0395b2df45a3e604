//! The image of a run: the one its engine has, else one that is pulled, else one that is built.
//!
//! Invariant: what was tried is told; an image that could not be had is an error, never another image.

use std::time::Duration;

use devflow_oci::build::is_buildkit_missing;
use devflow_oci::{Build, Engine, Image, ImageRef, build, inspect, store};

use crate::engine::{last_line, run};
use crate::error::{Exit, Explain};
use crate::identity;
use crate::project::Project;
use crate::report::Reporter;
use crate::world::World;

/// For a question to the engine.
const ASK: Duration = Duration::from_secs(30);
/// For a pull or a build.
const WORK: Duration = Duration::from_secs(3600);

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

/// Finds, pulls or builds the project's image.
pub async fn ensure(
    engine: &Engine,
    project: &Project,
    fingerprint: &str,
    world: &World,
    reporter: &mut Reporter,
) -> Result<Ready, ImageError> {
    let name = name(project, fingerprint)?;
    let mut maker = Maker { engine, world, name, tried: Vec::new() };
    if let Some(image) = maker.look().await? {
        return Ok(Ready { name: maker.name, image });
    }
    maker.tried.push(format!("it is not in {}", engine.kind));
    if project.config.file.container.image.is_some() {
        reporter.note(&format!("pulling {} …", maker.name));
        if maker.pull().await
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
    Err(ImageError::Absent { name: maker.name.to_string(), tried: maker.tried })
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
    name: ImageRef,
    tried: Vec<String>,
}

impl Maker<'_> {
    async fn look(&self) -> Result<Option<Image>, ImageError> {
        let failed = |reason: String| ImageError::Ask { name: self.name.to_string(), reason };
        let question = inspect::inspect(self.engine, &self.name);
        let said = run(&question, self.world, ASK).await.map_err(|error| failed(error.to_string()))?;
        inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr)
            .map_err(|error| failed(error.to_string()))
    }

    async fn pull(&mut self) -> bool {
        match run(&store::pull(self.engine, &self.name), self.world, WORK).await {
            Ok(said) if said.status.success() => true,
            Ok(said) => {
                let words = last_line(&said.stderr).unwrap_or_default();
                self.tried.push(format!("it could not be pulled: {words}"));
                false
            }
            Err(error) => {
                self.tried.push(format!("it could not be pulled: {error}"));
                false
            }
        }
    }

    async fn build(&mut self, project: &Project, dockerfile: &str) -> Result<(), ImageError> {
        let failed = |words: String| ImageError::Build {
            name: self.name.to_string(),
            dockerfile: dockerfile.to_owned(),
            words,
        };
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
            let said = run(&invocation, self.world, WORK).await.map_err(|error| failed(error.to_string()))?;
            if said.status.success() {
                return Ok(());
            }
            if build.builder == build::Builder::BuildKit && is_buildkit_missing(&said.stderr) {
                build.builder = build::Builder::Classic;
                continue;
            }
            let words = if said.stderr.trim().is_empty() { said.stdout } else { said.stdout + &said.stderr };
            return Err(failed(end_of(&words, 60)));
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
