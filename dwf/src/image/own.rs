//! The project's images that an engine has.
//!
//! Invariant: an image is the project's when it has the project's label, its name is that of the project's repository, and
//! its tag can be a fingerprint; nothing else is ever named to the engine.

use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use devflow_oci::hash::is_sha256;
use devflow_oci::{Engine, Image, ImageName, ImageRef, Invocation, inspect, label, store};

use super::ImageError;
use super::name::name;
use crate::engine::{last_line, run};
use crate::process::Captured;
use crate::project::Project;
use crate::world::World;

/// For one call of the client.
const CALL: Duration = Duration::from_secs(60);
/// How often a list is asked for that others keep changing.
pub(super) const TRIES: usize = 5;
/// Images that are inspected by one call.
const AT_ONCE: usize = 100;

/// An image of the project, by one of its names.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    /// As the engine lists it.
    pub name: ImageRef,
    /// Its tag.
    pub fingerprint: String,
    /// Its id.
    pub id: String,
    /// Bytes of all its layers, also those that other images share.
    pub size: u64,
    /// When it was built; `None` where its builder does not say.
    pub created: Option<DateTime<FixedOffset>>,
}

/// What became of a name that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Gone,
    /// A container uses the image.
    InUse,
    /// The engine refuses.
    Failed(String),
}

/// The project's repository.
pub fn repository(project: &Project) -> Result<ImageRef, ImageError> {
    name(project, &"0".repeat(64))
}

/// The images of the project, oldest first.
pub async fn own(engine: &Engine, project: &Project, world: &World) -> Result<Vec<Own>, ImageError> {
    let repository = repository(project)?;
    let mut tries = 1;
    loop {
        match listed(engine, project, &repository, world).await {
            // Somebody else removed an image while the engine was making its list.
            Err(reason) if tries < TRIES && inspect::is_no_such_image(&reason) => tries += 1,
            Err(reason) => {
                return Err(ImageError::Ask { name: format!("list {}", repository.repository()), reason });
            }
            Ok(mut found) => {
                found.sort_by(|a, b| (a.created, &a.fingerprint).cmp(&(b.created, &b.fingerprint)));
                return Ok(found);
            }
        }
    }
}

async fn listed(
    engine: &Engine,
    project: &Project,
    repository: &ImageRef,
    world: &World,
) -> Result<Vec<Own>, String> {
    let label = format!("{}={}", label::PROJECT, project.name);
    let said = ask(&store::list(engine, &label), world).await?;
    let rows = store::parse_list(engine, &said.stdout).map_err(|error| error.to_string())?;
    let mut names: Vec<ImageRef> = rows
        .into_iter()
        .filter(|row| repository.is_listed_as(&row.repository))
        .filter_map(|row| Some((row.repository, row.tag.filter(|tag| is_sha256(tag))?)))
        .filter_map(|(repository, tag)| format!("{repository}:{tag}").parse().ok())
        .collect();
    names.sort();
    names.dedup();
    let all: Vec<ImageName> = names.iter().cloned().map(ImageName::Ref).collect();
    let images = inspected(engine, &all, world).await?;
    let labelled = |image: &Image| image.labels.get(label::PROJECT) == Some(&project.name);
    Ok(names.iter().zip(images).filter(|(_, image)| labelled(image)).map(of).collect())
}

/// Takes a name away, and the image when it has no other.
pub async fn remove(engine: &Engine, image: &Own, world: &World) -> Removal {
    match run(&store::remove(engine, &image.name), world, CALL).await {
        Ok(said) if said.status.success() || inspect::is_no_such_image(&said.stderr) => Removal::Gone,
        Ok(said) if store::is_in_use(&said.stderr) => Removal::InUse,
        Ok(said) => Removal::Failed(last_line(&said.stderr).unwrap_or_default()),
        Err(error) => Removal::Failed(error.to_string()),
    }
}

/// What an engine knows of these images, in their order.
pub(super) async fn inspected(
    engine: &Engine,
    names: &[ImageName],
    world: &World,
) -> Result<Vec<Image>, String> {
    let mut found = Vec::new();
    for names in names.chunks(AT_ONCE) {
        let said = ask(&inspect::inspect_all(engine, names), world).await?;
        let images = inspect::parse_inspect_all(&said.stdout, names.len());
        found.extend(images.map_err(|error| error.to_string())?);
    }
    Ok(found)
}

fn of((name, image): (&ImageRef, Image)) -> Own {
    Own {
        name: name.clone(),
        fingerprint: name.tag().unwrap_or_default().to_owned(),
        id: image.id,
        size: image.size,
        created: DateTime::parse_from_rfc3339(&image.created).ok(),
    }
}

pub(super) async fn ask(question: &Invocation, world: &World) -> Result<Captured, String> {
    let said = run(question, world, CALL).await.map_err(|error| error.to_string())?;
    match said.status.success() {
        true => Ok(said),
        false => Err(last_line(&said.stderr).unwrap_or_else(|| "it failed and does not say why".to_owned())),
    }
}
