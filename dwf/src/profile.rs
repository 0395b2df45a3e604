//! Where actions run, and who said so.

use devflow_oci::Engine;

use crate::config::{EngineChoice, Profile, UserConfig};
use crate::engine::{self, EngineError};
use crate::error::Error;
use crate::project::Project;
use crate::trust::{Record, TrustError};
use crate::world::World;

/// What the command line says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flags {
    /// `--profile`
    pub profile: Option<Profile>,
    /// `--engine`
    pub engine: Option<EngineChoice>,
}

/// Where actions will run.
#[derive(Debug)]
pub enum Decision {
    /// In a container of an engine that is still to be found.
    Container(EngineChoice),
    /// In a container of this engine.
    Engine(Engine),
    /// On this machine; the reason when it is not what was asked for first.
    Host(Option<String>),
}

/// Decides where actions run. What a project's file says never leads to the host by itself.
pub async fn decide(
    project: &Project,
    user: &UserConfig,
    flags: Flags,
    record: &Record,
    world: &World,
) -> Result<Decision, Error> {
    let file = &project.config.file;
    let engine = engine_choice(project, user, flags.engine);
    let (profile, from_project) = match (flags.profile, file.runtime.profile, user.runtime.profile) {
        (Some(profile), _, _) => (profile, false),
        // The user's own wish for the host is consent to a project that wishes the same.
        (None, Some(profile), Some(own)) => {
            (profile, !matches!((profile, own), (_, Profile::Host) | (Profile::Auto, Profile::Auto)))
        }
        (None, Some(profile), None) => (profile, true),
        (None, None, Some(profile)) => (profile, false),
        (None, None, None) => (Profile::Container, false),
    };
    let allowed = || !from_project || record.given();
    match profile {
        Profile::Container => Ok(Decision::Container(engine)),
        Profile::Host if allowed() => Ok(Decision::Host(None)),
        Profile::Host => Err(TrustError::Host.into()),
        Profile::Auto => match engine::find(engine, &project.root, world, engine::Belief::Asked).await {
            Ok(engine) => Ok(Decision::Engine(engine)),
            // A gate that quietly ran somewhere else is not the gate.
            Err(error) if world.ci() => Err(error.into()),
            Err(error) if allowed() => Ok(Decision::Host(Some(reason(&error)))),
            Err(_) => Err(TrustError::Host.into()),
        },
    }
}

/// Which engine: what the command line says, else the user, else the project.
pub fn engine_choice(project: &Project, user: &UserConfig, flag: Option<EngineChoice>) -> EngineChoice {
    flag.or(user.container.engine).or(project.config.file.container.engine).unwrap_or(EngineChoice::Auto)
}

fn reason(error: &EngineError) -> String {
    match error {
        EngineError::None(lines) => format!("{error} ({})", lines.join("; ")),
        other => other.to_string(),
    }
}
