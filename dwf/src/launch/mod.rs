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
use target::Target;

use crate::discover::{Found, Origin, believable_dir};
use crate::error::Error;
use crate::jail::{Bounds, Grants, Jail, Jailer, Policy};
use crate::lock;
use crate::process::{self, Process};
use crate::project::Project;
use crate::trust::{Consent, TrustError};
use crate::world::World;

/// What all extensions of a project are started with.
#[derive(Debug)]
pub struct Launcher {
    world: Arc<World>,
    bounds: Bounds,
    path: Vec<PathBuf>,
    jailer: Jailer,
    common: Grants,
    consent: Consent,
}

/// An extension that may be started, and how.
#[derive(Debug)]
pub struct Launch {
    /// What was found.
    pub found: Found,
    /// The hash of what runs, where it had to be verified.
    pub sha256: Option<String>,
    invocation: Invocation,
    name: Option<String>,
    jail: Option<Jail>,
    #[cfg(target_os = "linux")]
    _image: Option<Image>,
}

impl Launcher {
    /// Looks at this machine, once for all extensions of a project.
    pub fn new(world: &World, project: &Project, policy: Policy, consent: Consent) -> Self {
        let home = world.home().ok();
        let below = |name: &str| home.as_ref().map(|home| home.join(name));
        let named = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"];
        let named = named.iter().filter_map(|name| world.var(name)).map(PathBuf::from);
        let usual = [".config", ".local/share", ".local/state", ".cache"].into_iter().filter_map(below);
        let bounds = Bounds::new(&project.root, named.chain(usual).chain(home.clone()));
        let entries = std::env::split_paths(world.var("PATH").unwrap_or(""));
        let path = entries.filter(|dir| believable_dir(dir, &project.root, world).is_ok()).collect();
        let jailer = Jailer::new(policy);
        for missing in jailer.missing() {
            tracing::warn!(target: "devflow", "extensions are jailed without {missing}; dwf doctor says more");
        }
        let common = bounds.common();
        Self { world: Arc::new(world.clone()), bounds, path, jailer, common, consent }
    }

    /// `PATH`, without the folders that the project or another user fills.
    pub fn search_path(&self) -> String {
        std::env::join_paths(&self.path).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The hash that consent to an extension is bound to; `None` when it takes none.
    pub async fn identify(&self, found: &Found) -> Result<Option<String>, Error> {
        let (name, path) = (found.name.clone(), found.path.clone());
        let result = self.target(found).await.map_err(|reason| LaunchError { name, path, reason });
        let (target, brought) = result?;
        Ok(target.sha256.filter(|_| brought))
    }

    /// What an extension is, and whether it came with the project.
    async fn target(&self, found: &Found) -> Result<(Target, bool), Reason> {
        let real = found.path.canonicalize().map_err(Reason::Read)?;
        let brought = came_with(&self.bounds.project, found, &real);
        let target = match &found.pin {
            Some(pin) if pin.kind == lock::Kind::Tree => Target::tree(&real, pin, &self.world).await,
            None if !brought => Target::as_found(found, &real, &self.bounds, &self.world),
            pin => Target::verified(&real, pin.as_ref(), &self.world).await,
        };
        Ok((target?, brought))
    }

    /// Makes sure that an extension may be started, and prepares it; it is not started.
    pub async fn prepare(&self, found: &Found) -> Result<Launch, Error> {
        let failed = |reason| -> Error {
            LaunchError { name: found.name.clone(), path: found.path.clone(), reason }.into()
        };
        let (target, brought) = self.target(found).await.map_err(failed)?;
        if let Some(sha256) = target.sha256.as_ref().filter(|hash| brought && !self.consent.covers(hash)) {
            let (name, path) = (found.name.to_string(), found.path.clone());
            return Err(TrustError::Extension { name, path, sha256: sha256.clone() }.into());
        }
        let mut grants = self.common.clone();
        grants.run.extend(target.own.iter().cloned());
        grants.read.extend(found.pin.iter().flat_map(|pin| pin.reads.iter().cloned()));
        let (invocation, name) = match target.kind {
            Kind::Program => (Invocation::new(&target.file), Some(found.path.to_string_lossy().into_owned())),
            Kind::Script => {
                let line = shebang::parse(&target.head)
                    .map_err(|reason| failed(Reason::Line(reason.to_owned())))?;
                let interpreter = interpreter::find(line, &self.path, &self.bounds, &self.world);
                let interpreter = interpreter.await.map_err(failed)?;
                grants.run.extend(interpreter.needs);
                let invocation = Invocation::new(interpreter.program).args(interpreter.args);
                (invocation.arg(target.file.to_string_lossy()), None)
            }
        };
        Ok(Launch {
            found: found.clone(),
            sha256: target.sha256,
            invocation: invocation.arg("--stdio").cwd(&self.bounds.project),
            name,
            jail: self.jailer.jail(&grants)?,
            #[cfg(target_os = "linux")]
            _image: target.image,
        })
    }
}

/// Whether an executable came with the project. dwf's own companions did not, wherever dwf was built;
/// and what the user's own environment names, the user has chosen.
fn came_with(project: &Path, found: &Found, real: &Path) -> bool {
    match found.origin {
        Origin::Config => true,
        Origin::Lock | Origin::SearchPath => real.starts_with(project),
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
