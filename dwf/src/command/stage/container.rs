//! The container profile: an engine, an image, and one session or two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devflow_oci::source::{Denied, check_source};
use devflow_oci::{Container, ContainerError, Engine, EngineKind, Image, Invocation, user_args};
use devflow_runner::wire;

use super::prepared::{
    estate, owner_of, passed_variables, passwd_for, runner_for, say_once, selinux_enforces,
};
use super::{Scratch, Stage, channel};
use crate::cache;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::config::{Diagnostic, MountEntry};
use crate::error::{Error, Exit, Explain};
use crate::identity::Origin;
use crate::image::{self, Glance, Wanted};
use crate::lower::{self, CachePlace, ContainerInput, Job, Kind, Places};
use crate::plan::Plan;
use crate::project::Project;
use crate::reaper::Reaper;
use crate::session::{Alone, Backend, Launch, Target};

/// A container cannot be made as it would have to be.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum StageError {
    /// A folder must not be mounted.
    #[error("{0}")]
    Source(devflow_oci::source::SourceError),
    /// The engine cannot map the user.
    #[error("{0}")]
    User(devflow_oci::user::UserError),
    /// The container's own rules.
    #[error("{0}")]
    Container(ContainerError),
    /// A folder that devflow.toml names cannot be mounted.
    #[error("{}", .0.message())]
    Mount(Box<Diagnostic>),
    /// A file of the run could not be written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] std::io::Error),
}

impl Explain for StageError {
    fn exit(&self) -> Exit {
        match self {
            Self::Source(_) | Self::Mount(_) => Exit::Refused,
            Self::Container(_) => Exit::Usage,
            Self::User(_) => Exit::Engine,
            Self::Write(..) => Exit::Machine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Mount(diagnostic) => Some(diagnostic.shown()),
            _ => None,
        }
    }
}

pub(in crate::command) async fn stage<'a>(
    context: &mut Context<'a>,
    ground: &Ground,
    plan: &Plan,
    origin: &Origin,
    engine: &Engine,
    seen: Option<Box<Glance>>,
) -> Result<Stage<'a>, Error> {
    let world = context.world;
    let project = &ground.project;
    let config = &project.config.file.container;
    let reporter = &mut *context.reporter;
    let estate = estate(engine, &cache::root(project, world)?);
    let reaper = Reaper::start(estate.clone(), world);
    let wanted = Wanted { project, origin, fingerprint: &plan.fingerprint };
    let ready = image::ensure(engine, seen, wanted, world, reporter, context.signals).await?;
    let insist = config.user.as_ref().map(|user| (user.get_ref().uid, user.get_ref().gid));
    let user = user_args(engine, owner_of(&project.root)?, insist).map_err(StageError::User)?;
    if let Some(notice) = &user.notice {
        say_once(context, notice);
    }
    let owner = user.host.filter(|_| world.uid == 0);
    let cache_root = cache::open(&cache::root(project, world)?, &project.root, owner, world)?;
    let roots = [project.root.clone(), cache_root.clone()];
    let denied = denied(world.home()?);
    for root in &roots {
        check_source(root, &roots, &denied).map_err(StageError::Source)?;
    }
    let mounts = own_mounts(project, &denied)?;
    let passwd = passwd_for(context.world, engine, &user)?;
    let selinux = selinux_enforces();
    if selinux {
        say_once(context, "SELinux enforces here: containers run without its labels, to see the project");
    }
    let runner = runner_for(&ready.image, world).filter(|_| config.session);
    let caches =
        lower::caches_in_container(plan, &cache_root, &project.root, &ready.image.image_layers_key());
    let places = Places {
        workspace: lower::WORKSPACE.to_owned(),
        home: lower::HOME.to_owned(),
        tmp: "/tmp".to_owned(),
        caches: caches.iter().map(key_and_place).collect(),
    };
    let mut jobs = lower::jobs(plan, &places, &caches);
    lower::give_back(&ready.image, &mut jobs);
    let scratch = Scratch::new(cache_root.join("tmp").join(&estate.run));
    let input = ContainerInput {
        run: &estate.run,
        owner: &estate.owner,
        workspace: &project.root,
        cache_root: &cache_root,
        scratch: scratch.path(),
        config,
        image: &ready.image,
        user: &user,
        passwd: passwd.as_deref(),
        runner: runner.as_deref(),
        passed: &passed_variables(config, world),
        selinux,
        mounts: &mounts,
        caches: &caches,
    };
    let (containers, made) = lower::sessions(&input, &jobs);
    lower::prepare(&made, &[&cache_root], owner)?;
    let singles =
        Singles { engine, image: &ready.image, containers: &containers, cache_root: &cache_root, owner };
    singles.show(&jobs);
    context.reporter.note(&format!("container  {} {}, {}", engine.kind, engine.version, ready.name));
    let (sender, inbox) = channel();
    let backend = match runner {
        Some(_) => Backend::runners(launches(engine, containers)?, world, sender),
        None => {
            singles.prepare(&jobs)?;
            context.reporter.detail("no runner for this image: every action gets a container of its own");
            Backend::Alone(Box::new(Alone::new(engine.clone(), ready.image, containers, world, sender)))
        }
    };
    Ok(Stage { jobs, backend, inbox, scratch: Some(scratch), reaper: Some(reaper) })
}

fn launches(
    engine: &Engine,
    containers: BTreeMap<Kind, Container>,
) -> Result<BTreeMap<Kind, Launch>, StageError> {
    let launch = |(kind, container): (Kind, Container)| {
        let invocation = container.run(engine).map_err(StageError::Container)?;
        let target = Some(Target { engine: engine.clone(), name: container.name });
        Ok((kind, Launch { invocation, target }))
    };
    containers.into_iter().map(launch).collect()
}

fn key_and_place(
    place: &CachePlace<'_>,
) -> (
    (
        devflow_protocol::path::RelPath,
        devflow_protocol::name::ExtensionName,
        devflow_protocol::name::CacheName,
    ),
    String,
) {
    let stack = place.stack;
    ((stack.member.clone(), stack.stack.clone(), place.cache.name.clone()), place.seen.clone())
}

/// The containers that each do one action by themselves.
struct Singles<'a> {
    engine: &'a Engine,
    image: &'a Image,
    containers: &'a BTreeMap<Kind, Container>,
    cache_root: &'a Path,
    owner: Option<(u32, u32)>,
}

impl Singles<'_> {
    fn of<'a>(&'a self, job: &'a Job) -> impl Iterator<Item = (&'a wire::Choice, Container)> {
        let session = self.containers.get(&job.kind);
        let choices = session.map(|session| job.start.choices.iter().map(move |choice| (session, choice)));
        choices
            .into_iter()
            .flatten()
            .map(|(session, choice)| (choice, lower::single(session, self.image, &job.start, choice)))
    }

    /// Makes what they need.
    fn prepare(&self, jobs: &[Job]) -> Result<(), lower::FolderError> {
        let layers = jobs.iter().flat_map(|job| self.of(job)).flat_map(|(_, single)| lower::layers(&single));
        lower::prepare(
            &layers.map(lower::Prepare::Folder).collect::<Vec<_>>(),
            &[self.cache_root],
            self.owner,
        )
    }

    /// Shows each action's line, alone on its line, so that it can be copied as it stands.
    fn show(&self, jobs: &[Job]) {
        if !tracing::enabled!(target: "devflow::action", tracing::Level::DEBUG) {
            return;
        }
        for job in jobs {
            for (choice, mut single) in self.of(job) {
                // It will be run by somebody else: a label of this process, once it has ended, would have it removed.
                single.labels.clear();
                let when = choice.when.iter().map(|program| format!(" where {program} is there"));
                let name = format!("{}{}", job.name, when.collect::<String>());
                match single.run(self.engine) {
                    Ok(line) => {
                        let line = format!("{}{line}", self.making(&lower::layers(&single)));
                        tracing::debug!(target: "devflow::action", "{name}\n{line}");
                    }
                    Err(error) => tracing::debug!(target: "devflow::action", "{name}: {error}"),
                }
            }
        }
    }

    /// These folders go with the run, so a line that needs them makes them again.
    fn making(&self, folders: &[PathBuf]) -> String {
        if folders.is_empty() {
            return String::new();
        }
        let make = Invocation::new("install").arg("-d");
        let make = match self.owner {
            Some((uid, gid)) => {
                make.args(["-o".to_owned(), uid.to_string(), "-g".to_owned(), gid.to_string()])
            }
            None => make,
        };
        format!("{} && ", make.args(folders.iter().map(|path| path.to_string_lossy())))
    }
}

/// What is never mounted, whoever asks: the system, the user's home as a whole, secrets, engines.
fn denied(home: PathBuf) -> Vec<Denied> {
    let secrets = [".ssh", ".docker", ".gnupg", ".aws", ".kube", ".config/gcloud"];
    let trees = secrets.iter().map(|name| Denied::Tree(home.join(name)));
    let sockets = ["/run/docker.sock", "/var/run/docker.sock", "/run/podman"];
    let sockets = sockets.iter().map(|path| Denied::Tree(Path::new(path).to_owned()));
    Denied::system().into_iter().chain(trees).chain(sockets).chain([Denied::Itself(home.clone())]).collect()
}

/// The folders of `[container] mounts`, with links resolved: they must still be the project's.
fn own_mounts(project: &Project, denied: &[Denied]) -> Result<Vec<(PathBuf, String)>, StageError> {
    let Some(source) = &project.config.source else { return Ok(Vec::new()) };
    let mount = |mount: &MountEntry| {
        let wrong = |message: String| {
            StageError::Mount(Box::new(Diagnostic::new(source, mount.source.span(), message)))
        };
        let real = project.root.join(mount.source.get_ref()).canonicalize();
        let real = real.map_err(|error| wrong(format!("this cannot be mounted: {error}")))?;
        check_source(&real, std::slice::from_ref(&project.root), denied).map_err(|e| wrong(e.to_string()))?;
        Ok((real, mount.target.get_ref().clone()))
    };
    project.config.file.container.mounts.iter().map(mount).collect()
}

/// Whether this engine needs a passwd file for a user that the image does not know.
pub(super) fn needs_passwd(engine: &Engine, uid: u32) -> bool {
    engine.kind == EngineKind::Docker && uid != 0
}
