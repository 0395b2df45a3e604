//! What every command starts with: the project, and what its extensions say.

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::Inputs;
use devflow_protocol::message::Level;

use super::Context;
use crate::config::{UserConfig, load_user};
use crate::discover::{Origin, Places};
use crate::error::Error;
use crate::extension;
use crate::identity::{self, Memory};
use crate::plan::{Catalog, Input, Plan, merge};
use crate::project::Project;
use crate::query::{Asked, Questions, Request, ask, platform};
use crate::trust::{Record, TrustError};
use crate::world::World;

/// The project, and what its user says.
pub(super) struct Ground {
    pub(super) project: Project,
    pub(super) user: UserConfig,
    pub(super) record: Record,
}

/// The answers, and what they make.
pub(super) struct Answered {
    pub(super) asked: Asked,
    pub(super) inputs: Inputs,
    pub(super) fingerprint: Fingerprint,
}

impl Ground {
    pub(super) fn load(context: &Context<'_>) -> Result<Self, Error> {
        let start = match &context.global.directory {
            Some(dir) => context.world.cwd.join(dir),
            None => context.world.cwd.clone(),
        };
        let project = Project::load(&start)?;
        let user = load_user(context.world.user_config().as_deref())?;
        let record = Record::new(&project, &context.world.state()?);
        Ok(Self { project, user, record })
    }

    /// Asks the extensions, and nobody that is not to be trusted; `host` is where actions will run.
    pub(super) async fn ask(&self, world: &World, request: &Request, host: bool) -> Result<Answered, Error> {
        let places = Places::new(world, &self.project);
        let questions = Questions::new(&self.project, places.own())?;
        let timeouts = &self.user.extensions;
        let with = extension::Context::new(
            world,
            &self.project.root,
            timeouts.initialize_timeout,
            timeouts.request_timeout,
        );
        for name in questions.folders.keys() {
            if places.find(name)?.origin == Origin::Config && !self.record.given() {
                return Err(TrustError::Extension(name.to_string()).into());
            }
        }
        let asked =
            ask(&self.project, &with, request, &questions, platform(host), |name| places.find(name)).await?;
        let inputs = identity::current(&self.project, &asked.answers);
        let fingerprint = identity::fingerprint(&self.project.root, &inputs).await?;
        if let Err(error) = Memory::new(&self.project.root, &world.state()?).keep(&fingerprint) {
            tracing::debug!(target: "devflow::fingerprint", "not remembered: {error}");
        }
        Ok(Answered { asked, inputs, fingerprint })
    }
}

impl Answered {
    /// The plan that follows.
    pub(super) fn plan(&self, project: &Project) -> Result<Plan, Error> {
        let catalog = Catalog::new(&project.config, &self.asked.answers)?;
        let input = Input {
            project: &project.name,
            fingerprint: &self.fingerprint.hex,
            catalog: &catalog,
            selection: &self.asked.selection,
            closure: &self.asked.closure,
            answers: &self.asked.answers,
        };
        Ok(merge(&input)?)
    }

    /// Tells what the extensions had to say, and what is odd about the fingerprint.
    pub(super) fn tell(&self, context: &mut Context<'_>) {
        for note in &self.asked.notes {
            context.reporter.note(&format!("note: {note}"));
        }
        for (name, words) in &self.asked.words {
            for line in &words.logs {
                let text = format!("[{name}] {}", crate::error::printable(&line.message, 400));
                match line.level {
                    Level::Warn | Level::Error => context.reporter.note(&text),
                    Level::Debug | Level::Info => context.reporter.detail(&text),
                }
            }
            for line in &words.stderr {
                context.reporter.detail(&format!("[{name}] {line}"));
            }
        }
        for warning in &self.fingerprint.warnings {
            context.reporter.detail(&format!("fingerprint: {warning}"));
        }
    }
}
