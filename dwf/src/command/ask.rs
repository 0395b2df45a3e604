//! What every command starts with: the project, and what its extensions say.

use std::path::Path;

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::Inputs;
use devflow_protocol::message::Level;
use devflow_protocol::name::ExtensionName;

use super::Context;
use crate::config::{UserConfig, load_user};
use crate::discover::{DiscoverError, Places};
use crate::error::Error;
use crate::extension::{self, Words};
use crate::identity::{self, Memory, Origin};
use crate::launch::Launcher;
use crate::lock::{Lock, LockError};
use crate::plan::{Catalog, Input, Origins, Plan, merge};
use crate::project::{Project, ProjectError};
use crate::query::{Asked, Questions, Request, ask, platform};
use crate::transcript::Recorder;
use crate::trust::Record;
use crate::world::World;

/// The project, and what its user says.
pub(super) struct Ground {
    pub(super) project: Project,
    pub(super) user: UserConfig,
    pub(super) record: Record,
    /// Whether `--locked` was given.
    pub(super) locked: bool,
    recorder: Option<Recorder>,
}

/// The answers, and what they make.
pub(super) struct Answered {
    pub(super) asked: Asked,
    /// What the image is made from.
    pub(super) origin: Origin,
    pub(super) inputs: Inputs,
    pub(super) fingerprint: Fingerprint,
}

impl Ground {
    pub(super) fn load(context: &Context<'_>) -> Result<Self, Error> {
        Self::of(context, Project::load)
    }

    /// The project that `load` makes of the folder where dwf was started.
    pub(super) fn of(
        context: &Context<'_>,
        load: impl FnOnce(&Path) -> Result<Project, ProjectError>,
    ) -> Result<Self, Error> {
        let start = match &context.global.directory {
            Some(dir) => context.world.cwd.join(dir),
            None => context.world.cwd.clone(),
        };
        let project = load(&start)?;
        let user = load_user(context.world.user_config().as_deref())?;
        let record = Record::new(&project, &context.world.state()?);
        let recorder = context.global.trace_ext.as_ref().map(|file| Recorder::create(&start.join(file)));
        let locked = context.global.locked;
        Ok(Self { project, user, record, locked, recorder: recorder.transpose()? })
    }

    /// Where extensions are looked for.
    pub(super) fn places<'a>(&'a self, world: &'a World) -> Places<'a> {
        Places::new(world, &self.project).locked(self.locked)
    }

    /// Whether somebody outside the project has agreed to these bytes, or to the lock that names them.
    pub(super) fn agreed(&self, world: &World, sha256: &str) -> Result<bool, Error> {
        Ok(self.record.given() || self.record.consent(world)?.covers(sha256))
    }

    /// Whether the lock has to stay as it is.
    pub(super) fn is_locked(&self, context: &Context<'_>) -> bool {
        self.locked || (context.world.ci() && self.project.lock.is_some())
    }

    /// Writes the lock. Consent that was given stays given: it was the user who changed the lock.
    pub(super) fn relock(
        &self,
        world: &World,
        write: impl FnOnce() -> Result<Lock, LockError>,
    ) -> Result<Option<Record>, Error> {
        let given = self.record.given();
        let project = Project { lock: Some(write()?), ..self.project.clone() };
        let mut record = Record::new(&project, &world.state()?);
        if !given {
            return Ok(None);
        }
        record.give()?;
        Ok(Some(record))
    }

    /// What extensions are started with.
    pub(super) fn surroundings(&self, world: &World) -> Result<extension::Context, Error> {
        let settings = &self.user.extensions;
        let launcher = self.launcher(world)?;
        for missing in launcher.jailer.missing() {
            tracing::warn!(target: "devflow", "the jail of extensions lacks {missing} (dwf doctor says more)");
        }
        let (initialize, request) = (settings.initialize_timeout, settings.request_timeout);
        let mut with = extension::Context::new(world, initialize, request, launcher);
        with.recorder = self.recorder.clone();
        Ok(with)
    }

    /// What starts this project's extensions.
    pub(super) fn launcher(&self, world: &World) -> Result<Launcher, Error> {
        let consent = self.record.consent(world)?;
        Ok(Launcher::new(world, &self.project, self.user.extensions.jail, consent))
    }

    /// The fingerprint that the project had when it was last asked for.
    pub(super) fn last_fingerprint(&self, world: &World) -> Option<String> {
        Memory::new(&self.project.root, &world.state().ok()?).last()
    }

    /// Asks the extensions; `host` is where actions will run.
    pub(super) async fn ask(&self, world: &World, request: &Request, host: bool) -> Result<Answered, Error> {
        let places = self.places(world);
        let questions = Questions::new(&self.project, places.own())?;
        let with = self.surroundings(world)?;
        let names = questions.folders.keys();
        places.all_pinned(names.clone()).map_err(DiscoverError::from)?;
        let found = names.map(|name| places.find(name)).collect::<Result<Vec<_>, _>>()?;
        let mut asked = ask(&self.project, &with, request, &questions, platform(host), found).await?;
        let origin = match identity::origin(&self.project, &asked.answers) {
            Ok(origin) => origin,
            // On the host nobody needs the image.
            Err(error) if host => {
                asked.notes.push(error.to_string());
                Origin::Nothing
            }
            Err(error) => return Err(error.into()),
        };
        let inputs = identity::current(&self.project, &origin, &asked.answers);
        let fingerprint = identity::fingerprint(&self.project.root, &inputs).await?;
        if !host {
            origin.covered(&fingerprint)?;
        }
        if let Err(error) = Memory::new(&self.project.root, &world.state()?).keep(&fingerprint) {
            tracing::debug!(target: "devflow::fingerprint", "not remembered: {error}");
        }
        Ok(Answered { asked, origin, inputs, fingerprint })
    }
}

impl Answered {
    /// The plan that follows.
    pub(super) fn plan(&self, project: &Project) -> Result<Plan, Error> {
        Ok(self.explained_plan(project)?.0)
    }

    /// The plan that follows, and who set what in it.
    pub(super) fn explained_plan(&self, project: &Project) -> Result<(Plan, Origins), Error> {
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
            tell(context, name, words);
        }
        for warning in &self.fingerprint.warnings {
            context.reporter.detail(&format!("fingerprint: {warning}"));
        }
    }
}

/// Tells what an extension had to say besides its answers.
pub(super) fn tell(context: &mut Context<'_>, name: &ExtensionName, words: &Words) {
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
