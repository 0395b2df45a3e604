//! What will run: the file where it lies, or exactly the bytes that were verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::body::{Body, Kind};
use super::error::Reason;
#[cfg(target_os = "linux")]
use super::image::Image;
use crate::discover::{Found, Pinned};
use crate::jail::Bounds;
use crate::lock::{self, Hash};
use crate::store::{PROGRAM, Store, StoreError, copy_tree, create, hash_tree, seal};
use crate::world::World;

/// What will be started, before an interpreter is found and the jail is built.
#[derive(Debug)]
pub struct Target {
    /// What it is.
    pub kind: Kind,
    /// Its file; for a script, what its interpreter gets.
    pub file: PathBuf,
    /// The beginning of it, at least.
    pub head: Vec<u8>,
    /// The extension's own files and folders.
    pub own: Vec<PathBuf>,
    /// The program in memory that `file` is.
    #[cfg(target_os = "linux")]
    pub image: Option<Image>,
}

/// Bytes that are what was pinned, if anything was.
#[derive(Debug)]
pub struct Verified {
    /// Their hash.
    pub sha256: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Of a single file, whole.
    File(Body),
    /// Of a folder, which is hashed once more where it is kept.
    Tree(PathBuf),
}

impl Verified {
    /// Reads a file, once, or hashes a folder, and compares it with its pin.
    pub async fn read(real: &Path, pin: Option<&Pinned>, world: &Arc<World>) -> Result<Self, Reason> {
        let (path, world, tree) =
            (real.to_owned(), Arc::clone(world), pin.filter(|p| p.kind == lock::Kind::Tree));
        let root = tree.map(|pin| pin.root.clone());
        let this = side_by_side(move || match root {
            Some(root) => {
                let root = root.canonicalize().map_err(Reason::Read)?;
                let sha256 = hash_tree(&root).map_err(Reason::Read)?;
                Ok(Self { sha256, content: Content::Tree(root) })
            }
            None => {
                let body = Body::read(&path, &world)?;
                Ok(Self { sha256: body.sha256(), content: Content::File(body) })
            }
        })
        .await?;
        match pin.filter(|pin| pin.sha256 != this.sha256) {
            Some(pin) => Err(Reason::Changed { pinned: pin.sha256.clone(), found: this.sha256 }),
            None => Ok(this),
        }
    }
}

impl Target {
    /// The file where it lies, with its neighbours: nobody said which bytes it has to be.
    pub fn as_found(found: &Found, bounds: &Bounds, world: &World) -> Result<Self, Reason> {
        let real = found.path.canonicalize().map_err(Reason::Read)?;
        let body = Body::peek(&real, world)?;
        let folders = [&found.path, &real].map(|path| path.parent()?.canonicalize().ok());
        let folders = folders.into_iter().flatten().filter(|dir| !bounds.forbid(dir));
        let own = folders.chain([real]).collect();
        Ok(Self::new(body, found.path.clone(), own))
    }

    /// What was verified, and nothing else.
    pub async fn verified(verified: Verified, real: &Path, world: &Arc<World>) -> Result<Self, Reason> {
        let Verified { sha256, content } = verified;
        let (real, world) = (real.to_owned(), Arc::clone(world));
        match content {
            Content::Tree(root) => {
                side_by_side(move || {
                    let Ok(entry) = real.strip_prefix(&root) else {
                        return Err(Reason::Unsafe("lies outside the folder that devflow.lock pins"));
                    };
                    let place = keep_tree(&root, &sha256, &world)?;
                    let file = place.join(entry);
                    Ok(Self::new(Body::peek(&file, &world)?, file, vec![place]))
                })
                .await
            }
            #[cfg(target_os = "linux")]
            Content::File(body)
                if body.kind == Kind::Program
                    && let Some(image) = Image::of(&body.bytes) =>
            {
                let file = image.path();
                Ok(Self { image: Some(image), ..Self::new(body, file, Vec::new()) })
            }
            Content::File(body) => {
                let file = copy(&body, &sha256, &world)?;
                let own = file.parent().map(Path::to_owned).into_iter().collect();
                Ok(Self::new(body, file, own))
            }
        }
    }

    fn new(body: Body, file: PathBuf, own: Vec<PathBuf>) -> Self {
        Self {
            kind: body.kind,
            file,
            head: body.bytes,
            own,
            #[cfg(target_os = "linux")]
            image: None,
        }
    }
}

/// Large files of several extensions are hashed at the same time.
async fn side_by_side<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, Reason> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Reason::Read(std::io::Error::other(error))),
    }
}

/// A file with these bytes.
fn copy(body: &Body, sha256: &str, world: &World) -> Result<PathBuf, Reason> {
    let kind = match body.kind {
        Kind::Program => lock::Kind::Elf,
        Kind::Script => lock::Kind::Script,
    };
    let place = kept(kind, sha256, world, |folder| {
        let path = folder.join(PROGRAM);
        let write = || {
            let mut file = create(&path)?;
            std::io::Write::write_all(&mut file, &body.bytes)?;
            seal(&file, true)
        };
        Ok(write().map_err(|error| StoreError::Io(path.clone(), error))?)
    })?;
    Ok(place.join(PROGRAM))
}

/// A folder with these files.
fn keep_tree(root: &Path, sha256: &str, world: &World) -> Result<PathBuf, Reason> {
    kept(lock::Kind::Tree, sha256, world, |folder| {
        copy_tree(root, folder).map_err(Reason::Read)?;
        // Somebody may have changed it since.
        match hash_tree(folder).map_err(Reason::Read)? {
            found if found == sha256 => Ok(()),
            found => Err(Reason::Changed { pinned: sha256.to_owned(), found }),
        }
    })
}

/// What has to be run by a path runs from the store, or else from a copy that `fill` makes, once.
fn kept(
    kind: lock::Kind,
    sha256: &str,
    world: &World,
    fill: impl FnOnce(&Path) -> Result<(), Reason>,
) -> Result<PathBuf, Reason> {
    let hash = Hash::from_hex(sha256).ok_or(Reason::Unsafe("is pinned by something that is no SHA-256"))?;
    let stores = [Store::new(world), Store::of_copies(world)];
    let [store, copies] = stores.map(|store| store.map_err(StoreError::from));
    let (store, copies) = (store?, copies?);
    for store in [&store, &copies] {
        match store.get(kind, &hash) {
            Ok(Some(place)) => return Ok(place),
            // What was changed there is put right, or is not this command's to put right.
            Ok(None) | Err(StoreError::Changed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let stage = copies.stage()?;
    fill(&stage.content())?;
    Ok(copies.keep(&stage, kind, &hash)?)
}
