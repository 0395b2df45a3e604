//! Starting an extension: from a file that was found to exactly what will run, and in which jail.
//!
//! Invariant: what has to be verified (because it is pinned, or because it came with the project)
//! is read once, and the bytes that were verified are those that run.

mod body;
mod error;
#[cfg(target_os = "linux")]
mod image;
mod interpreter;
mod shebang;
mod shim;
mod target;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use devflow_oci::Invocation;

pub use error::LaunchError;
#[cfg(target_os = "linux")]
use image::Image;

use body::Kind;
use error::Reason;
use target::{Target, Verified};

use crate::discover::{Found, Origin, search_path};
use crate::error::Error;
use crate::jail::{Bounds, Grants, Jail, Jailer, Policy};
use crate::process::{self, Process};
use crate::project::Project;
use crate::trust::{Consent, TrustError, token};
use crate::world::World;

/// What all extensions of a project are started with.
#[derive(Debug)]
pub struct Launcher {
    world: Arc<World>,
    bounds: Bounds,
    path: Vec<PathBuf>,
    /// What jails them.
    pub jailer: Jailer,
    common: Grants,
    consent: Consent,
}

/// An extension that may be started, and how.
#[derive(Debug)]
pub struct Launch {
    /// What was found.
    pub found: Found,
    invocation: Invocation,
    name: Option<String>,
    jail: Option<Jail>,
    #[cfg(target_os = "linux")]
    _image: Option<Image>,
}

/// What an extension is.
struct Bytes {
    verified: Verified,
    /// Whether it came with the project.
    brought: bool,
    real: PathBuf,
}

impl Bytes {
    fn token(&self, found: &Found) -> String {
        token(&self.verified.sha256, found.reads())
    }
}

impl Launcher {
    /// Looks at this machine, once for all extensions of a project.
    pub fn new(world: &World, project: &Project, policy: Policy, consent: Consent) -> Self {
        let home = world.home().ok();
        let below = |name: &str| home.as_ref().map(|home| home.join(name));
        let named =
            ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"];
        let named = named.iter().filter_map(|name| world.var(name)).map(PathBuf::from);
        let usual = [".config", ".local/share", ".local/state", ".cache"].into_iter().filter_map(below);
        let bounds = Bounds::new(&project.root, named.chain(usual).chain(home.clone()));
        let believed = search_path(&project.root, world).filter(|(_, dir)| dir.is_ok());
        let path = believed.map(|(written, _)| written.to_owned()).collect();
        let jailer = Jailer::new(policy);
        let mut common = bounds.common();
        // A recording is replayed by dwf itself, in the place of its extension.
        common.run.push(world.exe.clone());
        Self { world: Arc::new(world.clone()), bounds, path, jailer, common, consent }
    }

    /// `PATH`, without the folders that the project or another user fills.
    pub fn search_path(&self) -> String {
        std::env::join_paths(&self.path).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What consent to an extension is bound to; `None` when it takes none.
    pub async fn identify(&self, found: &Found) -> Result<Option<String>, Error> {
        let bytes = self.bytes(found).await?;
        Ok(bytes.filter(|bytes| bytes.brought).map(|bytes| bytes.token(found)))
    }

    /// Whether an extension may be started; its interpreter is not looked for.
    pub async fn may_start(&self, found: &Found) -> Result<(), Error> {
        let bytes = self.bytes(found).await?;
        Ok(self.agreed(found, bytes.as_ref())?)
    }

    /// Refuses bytes that came with the project, and that nobody agreed to.
    fn agreed(&self, found: &Found, bytes: Option<&Bytes>) -> Result<(), TrustError> {
        let token = bytes.filter(|bytes| bytes.brought).map(|bytes| bytes.token(found));
        match token.filter(|token| !self.consent.covers(token)) {
            None => Ok(()),
            Some(sha256) => Err(TrustError::Extension {
                name: found.name.to_string(),
                path: found.path.clone(),
                sha256,
                reads: found.reads().to_owned(),
            }),
        }
    }

    /// The bytes of an extension, where it matters which they are.
    async fn bytes(&self, found: &Found) -> Result<Option<Bytes>, Error> {
        let real = real(found)?;
        let brought = came_with(&self.bounds.project, found, &real);
        if !brought && found.pin.is_none() {
            return Ok(None);
        }
        let verified = Verified::read(found, &real, &self.world).await?;
        Ok(Some(Bytes { verified, brought, real }))
    }

    /// Makes sure that an extension may be started, and prepares it; it is not started.
    pub async fn prepare(&self, found: &Found) -> Result<Launch, Error> {
        let failed = |reason| LaunchError::new(found, reason);
        let bytes = self.bytes(found).await?;
        self.agreed(found, bytes.as_ref())?;
        let target = match bytes {
            Some(Bytes { verified, real, .. }) => Target::verified(verified, &real, &self.world).await,
            None => Target::as_found(found, &self.bounds, &self.world),
        };
        let target = target.map_err(failed)?;
        let mut grants = self.common.clone();
        grants.run.extend(target.own.iter().cloned());
        grants.read.extend(found.reads().iter().cloned());
        let (invocation, name) = match target.kind {
            Kind::Program => (Invocation::new(&target.file), Some(found.path.to_string_lossy().into_owned())),
            Kind::Script => {
                let line =
                    shebang::parse(&target.head).map_err(|reason| failed(Reason::Line(reason.to_owned())))?;
                let interpreter = interpreter::find(line, &self.path, &self.bounds, &self.world);
                let interpreter = interpreter.await.map_err(failed)?;
                grants.run.extend(interpreter.needs);
                let invocation = Invocation::new(interpreter.program).args(interpreter.args);
                (invocation.arg(target.file.to_string_lossy()), None)
            }
        };
        Ok(Launch {
            found: found.clone(),
            invocation: invocation.arg("--stdio").cwd(&self.bounds.project),
            name,
            jail: self.jailer.jail(&grants)?,
            #[cfg(target_os = "linux")]
            _image: target.image,
        })
    }
}

/// Fails unless a pinned extension is exactly what is pinned, for commands that start none.
pub async fn verify(found: &Found, world: &World) -> Result<(), Error> {
    if found.pin.is_some() {
        Verified::read(found, &real(found)?, &Arc::new(world.clone())).await?;
    }
    Ok(())
}

/// The file with links resolved.
fn real(found: &Found) -> Result<PathBuf, LaunchError> {
    found.path.canonicalize().map_err(|error| LaunchError::new(found, Reason::Read(error)))
}

/// Whether a verified program runs from memory here; elsewhere it runs from the store.
pub fn in_memory() -> bool {
    #[cfg(target_os = "linux")]
    let possible = Image::is_possible();
    #[cfg(not(target_os = "linux"))]
    let possible = false;
    possible
}

/// Whether an executable came with the project. dwf's own companions did not, wherever dwf was built;
/// and what the user's own environment names, the user has chosen.
fn came_with(project: &Path, found: &Found, real: &Path) -> bool {
    match found.origin {
        Origin::Config => true,
        Origin::Lock => real.starts_with(project) || found.pin.as_ref().is_some_and(|pin| pin.brought),
        Origin::SearchPath => real.starts_with(project),
        Origin::Own | Origin::Variable => false,
    }
}

impl Launch {
    /// Starts it, with this environment.
    pub fn start(&self, env: &BTreeMap<String, String>) -> std::io::Result<Process> {
        tracing::debug!(target: "devflow::extension", "\n{}", self.invocation);
        process::spawn_jailed(&self.invocation, env, self.name.as_deref(), self.jail.as_ref())
    }
}
