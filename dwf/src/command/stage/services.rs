//! The services of a plan: their images, and the containers they will run in.

use devflow_oci::{Engine, Image, ImageRef};

use super::container::StageError;
use super::prepared::runner_for;
use crate::command::Context;
use crate::error::{Error, Exit, Explain};
use crate::estate::Estate;
use crate::image;
use crate::lower::{self, ServiceInput, Serving};
use crate::plan::{Plan, Service};

/// Why a service cannot be beside the actions that need it.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum ServiceError {
    /// Actions run on this machine.
    #[error("service {0} is a container beside the session, and on the host there is none")]
    Host(String),
    /// Every action has a container of its own.
    #[error("service {0} lives in the network of the session, and this project has `session = false`")]
    NoSession(String),
    /// The session would need a runner that is not there.
    #[error("service {name} needs a runner for {architecture} beside dwf, and there is none")]
    NoRunner {
        /// The service.
        name: String,
        /// Of the image in which the runner would be.
        architecture: String,
    },
    /// Neither the image nor the project says what it does.
    #[error("the image of service {0} does not say what to run")]
    NoCommand(String),
    /// Its image's name is none.
    #[error("the image of service {0} has no name that can be read")]
    Image(String),
}

impl Explain for ServiceError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoRunner { .. } => Exit::Engine,
            _ => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Host(_) => Some("run it in a container: --profile container".to_owned()),
            Self::NoSession(_) => Some("take `session = false` out of [container]".to_owned()),
            Self::NoCommand(name) => {
                Some(format!("say it in devflow.toml: [services.{name}] command = [\"…\"]"))
            }
            Self::NoRunner { .. } | Self::Image(_) => None,
        }
    }
}

/// Refuses a plan with services where no session will be.
pub(super) fn none(plan: &Plan, why: impl Fn(String) -> ServiceError) -> Result<(), ServiceError> {
    plan.services.first().map_or(Ok(()), |service| Err(why(service.name.clone())))
}

/// Finds or pulls the images of a plan's services.
pub(super) async fn prepare(
    context: &mut Context<'_>,
    plan: &Plan,
    engine: &Engine,
    estate: &Estate,
    selinux: bool,
) -> Result<Vec<Serving>, Error> {
    let names = names(plan);
    let mut services = Vec::new();
    for service in &plan.services {
        let image = image_of(context, service, engine).await?;
        let Some(runner) = runner_for(&image, context.world) else {
            let architecture = image.architecture;
            return Err(ServiceError::NoRunner { name: service.name.clone(), architecture }.into());
        };
        let (run, owner) = (estate.run.as_str(), estate.owner.as_str());
        let input = ServiceInput { run, owner, runner: &runner, selinux, names: &names };
        let serving = lower::service(&input, service, &image);
        let serving = serving.ok_or_else(|| ServiceError::NoCommand(service.name.clone()))?;
        // What cannot be written down is wrong before anything has started.
        serving.container.run(engine).map_err(StageError::Container)?;
        services.push(serving);
    }
    Ok(services)
}

/// The names of a plan's services.
pub(super) fn names(plan: &Plan) -> Vec<String> {
    plan.services.iter().map(|service| service.name.clone()).collect()
}

async fn image_of(context: &mut Context<'_>, service: &Service, engine: &Engine) -> Result<Image, Error> {
    let name: ImageRef = service.image.parse().map_err(|_| ServiceError::Image(service.name.clone()))?;
    image::present(engine, name, context.world, context.reporter, context.signals).await
}
