//! What will run: the file where it lies, or exactly the bytes that were verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use devflow_oci::hash::sha256;

use super::body::{Body, Kind};
use super::error::{LaunchError, Reason};
#[cfg(target_os = "linux")]
use super::image::Image;
use crate::discover::{Found, Pinned};
use crate::error::Error;
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
    /// The folder of the store that they were read from.
    stored: Option<PathBuf>,
}

#[derive(Debug)]
enum Content {
    /// Of a single file, whole.
    File(Body),
    /// Of a folder, which is hashed once more where it is copied to.
    Tree(PathBuf),
}

impl Verified {
    /// Reads a file, once, or hashes a folder, and compares it with its pin.
    pub async fn read(found: &Found, real: &Path, world: &Arc<World>) -> Result<Self, Error> {
        let (copy, real, world) = (found.clone(), real.to_owned(), Arc::clone(world));
        let read = side_by_side(move || match &copy.pin {
            Some(pin) => Self::pinned(&copy, pin, &real, &world),
            None => Ok(Self::file(&real, None, &world).map_err(|reason| LaunchError::new(&copy, reason))?),
        });
        match read.await {
            Ok(verified) => verified,
            Err(error) => Err(LaunchError::new(found, Reason::Read(error)).into()),
        }
    }

    fn pinned(found: &Found, pin: &Pinned, real: &Path, world: &World) -> Result<Self, Error> {
        let other = |path: &Path, is: std::io::Result<String>| pin.refuse(&found.name, path, is);
        let verified = match pin.kind {
            lock::Kind::Tree => {
                let hashed = pin.root.canonicalize().and_then(|root| Ok((hash_tree(&root)?, root)));
                let (sha256, root) = hashed.map_err(|error| other(&pin.root, Err(error)))?;
                Self { sha256, content: Content::Tree(root), stored: None }
            }
            lock::Kind::Elf | lock::Kind::Script => match Self::file(real, Some(&pin.sha256), world) {
                Ok(verified) => verified,
                Err(Reason::Read(error)) => return Err(other(real, Err(error)).into()),
                Err(Reason::Changed { found: is, .. }) => return Err(other(real, Ok(is)).into()),
                Err(reason) => return Err(LaunchError::new(found, reason).into()),
            },
        };
        if verified.sha256 != pin.sha256 {
            return Err(other(&pin.root, Ok(verified.sha256)).into());
        }
        if let Some(witness) = &pin.witness {
            witness.compare(&found.name, &pin.source_shown)?;
        }
        Ok(Self { stored: pin.stored.then(|| pin.root.clone()), ..verified })
    }

    /// Bytes that are not those that are pinned are not looked into.
    fn file(path: &Path, pinned: Option<&str>, world: &World) -> Result<Self, Reason> {
        let bytes = Body::read(path, world)?;
        let sha256 = sha256(&bytes);
        match pinned.filter(|pinned| *pinned != sha256) {
            Some(pinned) => Err(Reason::Changed { pinned: pinned.to_owned(), found: sha256 }),
            None => Ok(Self { content: Content::File(Body::new(bytes)?), sha256, stored: None }),
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
        let Verified { sha256, content, stored } = verified;
        let (real, world) = (real.to_owned(), Arc::clone(world));
        match content {
            Content::Tree(root) => {
                side_by_side(move || {
                    let Ok(entry) = real.strip_prefix(&root) else {
                        return Err(Reason::Unsafe("lies outside the folder that devflow.lock pins"));
                    };
                    // What the store has was hashed just now.
                    let place = match stored {
                        Some(place) => place,
                        None => keep_tree(&root, &sha256, &world)?,
                    };
                    let file = place.join(entry);
                    Ok(Self::new(Body::peek(&file, &world)?, file, vec![place]))
                })
                .await
                .map_err(Reason::Read)?
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
                let file = match stored {
                    Some(place) => place.join(PROGRAM),
                    None => copy(&body, &sha256, &world)?,
                };
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
async fn side_by_side<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)
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
