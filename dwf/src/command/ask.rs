//! What every command starts with: the project, and what its extensions say.

use devflow_oci::Fingerprint;
use devflow_protocol::message::Level;
use devflow_protocol::name::ExtensionName;

use super::Context;
use crate::config::{UserConfig, load_user};
use crate::discover::{DiscoverError, Found, Places};
use crate::error::Error;
use crate::extension::{self, Words};
use crate::identity;
use crate::plan::{Catalog, Input, Plan, merge};
use crate::project::Project;
use crate::query::{Asked, Questions, Request, ask, platform};
use crate::transcript::Recorder;
use crate::trust::{Record, TrustError};
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
        let recorder = context.global.trace_ext.as_ref().map(|file| Recorder::create(&start.join(file)));
        let locked = context.global.locked;
        Ok(Self { project, user, record, locked, recorder: recorder.transpose()? })
    }

    /// Where extensions are looked for.
    pub(super) fn places<'a>(&'a self, world: &'a World) -> Places<'a> {
        Places::new(world, &self.project).locked(self.locked)
    }

    /// Whether somebody outside the project has agreed to these bytes.
    pub(super) fn agreed(&self, world: &World, sha256: &str) -> bool {
        let named = world.var("DWF_TRUST").unwrap_or_default();
        let mut named = named.split(',').map(|hash| hash.trim().trim_start_matches("sha256:"));
        self.record.given() || named.any(|hash| hash == sha256)
    }

    /// What extensions are started with.
    pub(super) fn surroundings(&self, world: &World) -> extension::Context {
        let timeouts = &self.user.extensions;
        let (initialize, request) = (timeouts.initialize_timeout, timeouts.request_timeout);
        let mut with = extension::Context::new(world, &self.project.root, initialize, request);
        with.recorder = self.recorder.clone();
        with
    }

    /// Finds an extension that may be started.
    pub(super) fn believed(&self, places: &Places<'_>, name: &ExtensionName) -> Result<Found, Error> {
        let found = places.find(name)?;
        if places.brought(&found) && !self.record.given() {
            return Err(TrustError::Extension(name.to_string()).into());
        }
        Ok(found)
    }

    /// Asks the extensions, and nobody that is not to be trusted; `host` is where actions will run.
    pub(super) async fn ask(&self, world: &World, request: &Request, host: bool) -> Result<Answered, Error> {
        let places = self.places(world);
        let questions = Questions::new(&self.project, places.own())?;
        let with = self.surroundings(world);
        let names = questions.folders.keys();
        places.all_pinned(names.clone()).map_err(DiscoverError::from)?;
        let found = names.map(|name| self.believed(&places, name)).collect::<Result<Vec<_>, _>>()?;
        let asked = ask(&self.project, &with, request, &questions, platform(host), found).await?;
        let fingerprint = identity::fingerprint(&self.project, &asked.answers)?;
        Ok(Answered { asked, fingerprint })
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
