//! What the project's image is taken for while its engine is still being asked.
//!
//! Invariant: a container may start on what the engine said last time, an action may not: whoever stages a run settles the
//! doubt before the first of them.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use devflow_oci::hash::sha256_framed;
use devflow_oci::{Engine, Image, ImageRef, inspect};
use tokio::task::JoinSet;

use super::name;
use crate::config::EngineChoice;
use crate::engine::{self, run};
use crate::files;
use crate::project::Project;
use crate::world::World;

/// Bytes of an image's description that are kept.
const MOST: usize = 1 << 20;

/// What an engine that was only guessed says of the project's image, or said of it last time.
#[derive(Debug)]
pub struct Glance {
    pub(super) engine: Engine,
    pub(super) image: Image,
    pub(super) doubt: Option<Doubt>,
}

impl Glance {
    /// Waits until nothing of it is in doubt; nothing is left of what was not so.
    pub async fn certain(self) -> Option<Self> {
        let Self { engine, image, doubt } = self;
        let settled = match doubt {
            Some(doubt) => doubt.settle().await,
            None => true,
        };
        settled.then_some(Self { engine, image, doubt: None })
    }
}

/// An answer that is still to come; nobody waits for it any more once this is dropped.
#[derive(Debug)]
pub struct Doubt {
    expected: Image,
    answer: JoinSet<Option<Image>>,
}

impl Doubt {
    /// Waits for the answer: whether the image is the one that was expected.
    pub async fn settle(mut self) -> bool {
        matches!(self.answer.join_next().await, Some(Ok(Some(image))) if image == self.expected)
    }
}

/// Looks for the project's image while its engine is still being asked who it is: either question costs a client
/// its whole start. What the engine said last time is believed at once, with a doubt. Whatever goes wrong is found out
/// again, and told, by [`super::ensure`].
pub async fn glance(
    choice: EngineChoice,
    project: &Project,
    fingerprint: &str,
    world: &World,
) -> Option<Glance> {
    let engine = engine::guess(choice, &project.root, world)?;
    let name = name(project, fingerprint).ok()?;
    let memory = Memory::of(&engine, project, world);
    let known = memory.as_ref().and_then(|memory| memory.recall(&name));
    let mut answer = JoinSet::new();
    answer.spawn_local(ask(engine.clone(), name, known.clone(), memory, world.clone()));
    if let Some(image) = known {
        return Some(Glance { engine, image: image.clone(), doubt: Some(Doubt { expected: image, answer }) });
    }
    let image = answer.join_next().await?.ok()??;
    Some(Glance { engine, image, doubt: None })
}

/// Asks the engine, and remembers what is new.
async fn ask(
    engine: Engine,
    name: ImageRef,
    known: Option<Image>,
    memory: Option<Memory>,
    world: World,
) -> Option<Image> {
    let said = run(&inspect::inspect(&engine, &name), &world, engine::LOOK).await.ok()?;
    let image = inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr).ok()??;
    if let Some(memory) = memory.filter(|_| known.as_ref() != Some(&image)) {
        // Without it, the next run waits for the answer.
        let _ = memory.keep(&name, &image);
    }
    Some(image)
}

/// Where one project's last image on one engine is remembered.
struct Memory(PathBuf);

impl Memory {
    fn of(engine: &Engine, project: &Project, world: &World) -> Option<Self> {
        let root = project.root.as_os_str().as_encoded_bytes();
        let program = engine.program.as_os_str().as_encoded_bytes();
        let name = format!("{}.json", sha256_framed([root, program]));
        Some(Self(world.state().ok()?.join("images").join(name)))
    }

    fn recall(&self, name: &ImageRef) -> Option<Image> {
        let bytes = files::read_here(&self.0, MOST as u64).ok()?;
        let (known, image): (String, Image) = serde_json::from_slice(&bytes).ok()?;
        (known == name.to_string()).then_some(image)
    }

    fn keep(&self, name: &ImageRef, image: &Image) -> io::Result<()> {
        let bytes = serde_json::to_vec(&(name.to_string(), image))?;
        let Some(folder) = self.0.parent().filter(|_| bytes.len() <= MOST) else { return Ok(()) };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&self.0).map_err(|error| error.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str) -> Image {
        Image { id: id.to_owned(), size: 7, ..Image::default() }
    }

    #[test]
    fn an_image_is_remembered_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory(dir.path().join("new/x.json"));
        let names: [ImageRef; 2] = ["shop:1", "shop:2"].map(|name| name.parse().unwrap());
        assert_eq!(memory.recall(&names[0]), None);
        for id in ["one", "two"] {
            memory.keep(&names[0], &image(id)).unwrap();
            assert_eq!(memory.recall(&names[0]), Some(image(id)));
            assert_eq!(memory.recall(&names[1]), None);
        }
        fs::write(&memory.0, "[]").unwrap();
        assert_eq!(memory.recall(&names[0]), None);
    }

    #[tokio::test(flavor = "local")]
    async fn only_the_same_image_settles_a_doubt() {
        for (came, settled) in [(Some(image("one")), true), (Some(image("two")), false), (None, false)] {
            let mut answer = JoinSet::new();
            answer.spawn_local(async { came });
            assert_eq!(Doubt { expected: image("one"), answer }.settle().await, settled);
        }
    }
}
