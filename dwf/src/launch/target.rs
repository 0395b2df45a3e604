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
    /// The hash of what was verified.
    pub sha256: Option<String>,
    /// The program in memory that `file` is.
    #[cfg(target_os = "linux")]
    pub image: Option<Image>,
}

impl Target {
    /// The file where it lies, with its neighbours: nobody said which bytes it has to be.
    pub fn as_found(found: &Found, real: &Path, bounds: &Bounds, world: &World) -> Result<Self, Reason> {
        let body = Body::peek(real, world)?;
        let folders = [&found.path, real].map(|path: &Path| path.parent()?.canonicalize().ok());
        let folders = folders.into_iter().flatten().filter(|dir| !bounds.forbid(dir));
        let own = folders.chain([real.to_owned()]).collect();
        Ok(Self::new(body, found.path.clone(), own, None))
    }

    /// A single file: read once, compared with its pin, and run from what was read.
    pub async fn verified(real: &Path, pin: Option<&Pinned>, world: &Arc<World>) -> Result<Self, Reason> {
        let (path, reader) = (real.to_owned(), Arc::clone(world));
        let (body, sha256) = side_by_side(move || {
            let body = Body::read(&path, &reader)?;
            let sha256 = body.sha256();
            Ok((body, sha256))
        })
        .await?;
        if let Some(pin) = pin.filter(|pin| pin.sha256 != sha256) {
            return Err(Reason::Changed { pinned: pin.sha256.clone(), found: sha256 });
        }
        #[cfg(target_os = "linux")]
        if body.kind == Kind::Program
            && let Some(image) = Image::of(&body.bytes)
        {
            let file = image.path();
            return Ok(Self { image: Some(image), ..Self::new(body, file, Vec::new(), Some(sha256)) });
        }
        let file = copy(&body, &sha256, world)?;
        let own = file.parent().map(Path::to_owned).into_iter().collect();
        Ok(Self::new(body, file, own, Some(sha256)))
    }

    /// A folder: hashed in the store, and run from there.
    pub async fn tree(real: &Path, pin: &Pinned, world: &Arc<World>) -> Result<Self, Reason> {
        let (pin, real, world) = (pin.clone(), real.to_owned(), Arc::clone(world));
        side_by_side(move || {
            let root = pin.root.canonicalize().map_err(Reason::Read)?;
            let Ok(entry) = real.strip_prefix(&root) else {
                return Err(Reason::Unsafe("lies outside the folder that devflow.lock pins"));
            };
            let place = keep_tree(&root, &pin, &world)?;
            let file = place.join(entry);
            let body = Body::peek(&file, &world)?;
            Ok(Self::new(body, file, vec![place], Some(pin.sha256)))
        })
        .await
    }

    fn new(body: Body, file: PathBuf, own: Vec<PathBuf>, sha256: Option<String>) -> Self {
        Self {
            kind: body.kind,
            file,
            head: body.bytes,
            own,
            sha256,
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

/// What has to be run by a path runs from the store.
fn copy(body: &Body, sha256: &str, world: &World) -> Result<PathBuf, Reason> {
    let store = Store::new(world).map_err(StoreError::from)?;
    let kind = match body.kind {
        Kind::Program => lock::Kind::Elf,
        Kind::Script => lock::Kind::Script,
    };
    let hash = digest(sha256)?;
    let place = match store.get(kind, &hash) {
        Ok(Some(place)) => place,
        // What was changed there is put right.
        Ok(None) | Err(StoreError::Changed { .. }) => {
            let stage = store.stage()?;
            let path = stage.content().join(PROGRAM);
            let write = || {
                let mut file = create(&path)?;
                std::io::Write::write_all(&mut file, &body.bytes)?;
                seal(&file, true)
            };
            write().map_err(|error| StoreError::Io(path.clone(), error))?;
            store.keep(&stage, kind, &hash)?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(place.join(PROGRAM))
}

fn keep_tree(root: &Path, pin: &Pinned, world: &World) -> Result<PathBuf, Reason> {
    let store = Store::new(world).map_err(StoreError::from)?;
    let hash = digest(&pin.sha256)?;
    match store.get(lock::Kind::Tree, &hash) {
        Ok(Some(place)) => return Ok(place),
        Ok(None) | Err(StoreError::Changed { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let stage = store.stage()?;
    copy_tree(root, &stage.content()).map_err(Reason::Read)?;
    let found = hash_tree(&stage.content()).map_err(Reason::Read)?;
    if found != pin.sha256 {
        return Err(Reason::Changed { pinned: pin.sha256.clone(), found });
    }
    Ok(store.keep(&stage, lock::Kind::Tree, &hash)?)
}

fn digest(sha256: &str) -> Result<Hash, Reason> {
    Hash::from_hex(sha256).ok_or(Reason::Unsafe("is pinned by something that is no SHA-256"))
}
