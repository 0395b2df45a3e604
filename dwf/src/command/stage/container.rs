//! The container profile: an engine, an image, and one session or two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use devflow_oci::mount::MountError;
use devflow_oci::source::{Denied, SourceError, check_source};
use devflow_oci::{Container, ContainerError, Engine, EngineKind, Image, ImageName, Invocation, user_args};
use devflow_runner::place::Place;
use devflow_runner::wire;

use super::checkout::Checkout;
use super::prepared::{estate, in_container, owner_of, passwd_for, runner_for, say_once, selinux_enforces};
use super::private::Private;
use super::services::{self, ServiceError, none};
use super::{Scratch, Stage, channel};
use crate::cache::{self, Claim, Index, Uses, Volumes};
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::skipping::Whereabouts;
use crate::config::{CacheBackend, Diagnostic, MountEntry};
use crate::error::{Error, Exit, Explain};
use crate::estate::Estate;
use crate::identity::Origin;
use crate::image::{self, Glance, Wanted};
use crate::lower::{self, CachePlace, ContainerInput, Job, Kind, Places};
use crate::plan::Plan;
use crate::project::Project;
use crate::reaper::Reaper;
use crate::service::Services;
use crate::session::{Alone, Backend, Launch, Mark, Target, choose};
use crate::skip::KnownImage;
use crate::volumes::Maker;

/// A container cannot be made as it would have to be.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum StageError {
    /// A folder must not be mounted.
    #[error("{0}")]
    Source(SourceError),
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

    fn hint(&self) -> Option<String> {
        match self {
            Self::Container(ContainerError::Mount(MountError::Unquotable(_))) => Some(
                "engines cannot be told of such a path here; keep the caches elsewhere: \
                 DWF_CACHE_ROOT=/absolute/path"
                    .to_owned(),
            ),
            Self::Source(SourceError::Control(_) | SourceError::NotUtf8(_)) => {
                Some("rename the folder, or reach it by another path: a bind mount, not a link".to_owned())
            }
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
    let jobs = |places: &Places, caches: &[CachePlace<'_>]| lower::jobs(plan, places, caches);
    let Lowered {
        jobs,
        containers,
        ready,
        cache_root,
        owner,
        runner,
        scratch,
        estate,
        selinux,
        uses,
        reaper,
        mark,
    } = lowered(context, Basis { ground, plan, origin, engine }, seen, false, jobs).await?;
    if runner.is_none() {
        let architecture = &ready.image.architecture;
        none(plan, |name| match ground.project.config.file.container.session {
            true => ServiceError::NoRunner { name, architecture: architecture.clone() },
            false => ServiceError::NoSession(name),
        })?;
    }
    let served = services::prepare(context, plan, engine, &estate, selinux).await?;
    let singles =
        Singles { engine, image: &ready.image, containers: &containers, cache_root: &cache_root, owner };
    singles.show(&jobs);
    let (sender, inbox) = channel();
    let services = Services::new(served, engine, world, sender.clone());
    let about = format!("container  {} {}, {}", engine.kind, engine.version, ready.name);
    let place = Whereabouts::Container(KnownImage {
        engine: engine.kind.to_string(),
        fingerprint: plan.fingerprint.clone(),
        id: ready.image.id.clone(),
        layers: ready.image.image_layers_key(),
    });
    let backend = match runner {
        Some(_) => Backend::runners(launches(engine, containers, &ground.project.root)?, world, sender),
        None => {
            singles.prepare(&jobs)?;
            context.reporter.detail("no runner for this image: every action gets a container of its own");
            Backend::Alone(Box::new(Alone::new(engine.clone(), ready.image, containers, mark, world, sender)))
        }
    };
    Ok(Stage {
        jobs,
        backend,
        services,
        inbox,
        about,
        place,
        doubt: ready.doubt,
        scratch: Some(scratch),
        uses,
        reaper: Some(reaper),
    })
}

/// A container that does one thing alone, and what goes away with it.
pub(in crate::command) struct Lone {
    pub(in crate::command) container: Container,
    pub(in crate::command) scratch: Scratch,
    /// The caches that it holds while it lives.
    pub(in crate::command) uses: Rc<Uses>,
    /// Who removes it should dwf be killed.
    pub(in crate::command) reaper: Reaper,
    /// The file by which the engine proves that it sees this workspace.
    pub(in crate::command) mark: Option<Mark>,
}

/// The container of the only job there is, if there is one; all that it needs has been made.
pub(in crate::command) async fn lone(
    context: &mut Context<'_>,
    ground: &Ground,
    plan: &Plan,
    origin: &Origin,
    engine: &Engine,
    seen: Option<Box<Glance>>,
    jobs: impl FnOnce(&Places, &[CachePlace<'_>]) -> Vec<Job>,
) -> Result<Option<Lone>, Error> {
    let seen = match seen {
        Some(glance) => context.signals.unless(glance.certain()).await?.map(Box::new),
        None => None,
    };
    let Lowered { jobs, containers, ready, cache_root, owner, scratch, uses, reaper, mark, .. } =
        lowered(context, Basis { ground, plan, origin, engine }, seen, true, jobs).await?;
    let singles =
        Singles { engine, image: &ready.image, containers: &containers, cache_root: &cache_root, owner };
    singles.prepare(&jobs)?;
    // It holds what is of this container only, and no container sees it.
    lower::prepare(&[lower::Prepare::Folder(scratch.path().to_owned())], &[&cache_root], owner)?;
    context.reporter.detail(&format!("container  {} {}, {}", engine.kind, engine.version, ready.name));
    let Some((job, session)) = jobs.first().and_then(|job| Some((job, containers.get(&job.kind)?))) else {
        return Ok(None);
    };
    let at = match job.start.choices.len() {
        1 => 0,
        _ => context.signals.unless(choose(engine, &ready.image, session, job, context.world)).await??,
    };
    let container = singles.of(job).nth(at).map(|(_, container)| container);
    Ok(container.map(|container| Lone { container, scratch, uses, reaper, mark }))
}

/// What a plan is lowered from.
#[derive(Clone, Copy)]
struct Basis<'a> {
    ground: &'a Ground,
    plan: &'a Plan,
    origin: &'a Origin,
    engine: &'a Engine,
}

/// A plan as containers: all that is known of the machine is in it, and all that they need is there.
struct Lowered {
    jobs: Vec<Job>,
    containers: BTreeMap<Kind, Container>,
    ready: image::Ready,
    cache_root: PathBuf,
    owner: Option<(u32, u32)>,
    runner: Option<PathBuf>,
    scratch: Scratch,
    estate: Estate,
    selinux: bool,
    uses: Rc<Uses>,
    reaper: Reaper,
    mark: Option<Mark>,
}

async fn lowered(
    context: &mut Context<'_>,
    basis: Basis<'_>,
    seen: Option<Box<Glance>>,
    alone: bool,
    jobs: impl FnOnce(&Places, &[CachePlace<'_>]) -> Vec<Job>,
) -> Result<Lowered, Error> {
    let Basis { ground, plan, origin, engine } = basis;
    let world = context.world;
    let project = &ground.project;
    let config = &project.config.file.container;
    let private = Private::gather(context, ground, plan).await?;
    let reporter = &mut *context.reporter;
    let estate = estate(engine, &cache::root(project, world)?);
    let reaper = Reaper::start(estate.clone(), world);
    let wanted = Wanted { project, origin, fingerprint: &plan.fingerprint, network: &ground.user.network };
    let ready = image::ensure(engine, seen, wanted, world, reporter, context.signals).await?;
    let insist = config.user.as_ref().map(|user| (user.get_ref().uid, user.get_ref().gid));
    let user = user_args(engine, owner_of(&project.root)?, insist).map_err(StageError::User)?;
    if let Some(notice) = &user.notice {
        say_once(context, notice);
    }
    let fetch_only = private.mounts(engine, &user, world)?;
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
    let file = format!(".dwf-{}", estate.run);
    // Where nothing in a container can look, the engine itself has to see a file that was not there before.
    let mark = match (alone || runner.is_none()) && (engine.remote || in_container()) {
        true => Some(Mark::make(project.root.join(&file))?),
        false => None,
    };
    let place = Place::of(&project.root, file)
        .map_err(|error| StageError::Write(project.root.clone(), error))?
        .to_string();
    let checkout = Checkout::of(&project.root);
    if let Checkout::Outside(why) = &checkout {
        say_once(context, &format!("git does not know {} in containers: {why}", project.root.display()));
    }
    let repository = checkout.files(world, &denied)?;
    let environment = ready.image.image_layers_key();
    let caches = lower::caches_in_container(plan, &cache_root, &project.root, &environment);
    let places = Places {
        workspace: lower::WORKSPACE.to_owned(),
        home: lower::HOME.to_owned(),
        tmp: "/tmp".to_owned(),
        caches: caches.iter().map(key_and_place).collect(),
    };
    let mut jobs = jobs(&places, &caches);
    lower::give_back(&ready.image, &mut jobs);
    let passed = private.passed.clone();
    private.give_in_container(plan, &caches, &mut jobs)?;
    lower::keep_safe(&mut jobs);
    lower::check_words(&jobs)?;
    super::expect_reports(context.reporter, plan, &caches, &project.root, false);
    let volumes = project.config.file.cache.backend == CacheBackend::Volume;
    let scratch = Scratch::new(cache_root.join("tmp").join(&estate.run));
    let input = ContainerInput {
        run: &estate.run,
        owner: &estate.owner,
        workspace: &project.root,
        place: &place,
        mark: mark.as_ref().map(Mark::path),
        cache_root: &cache_root,
        scratch: scratch.path(),
        config,
        image: &ready.image,
        user: &user,
        passwd: passwd.as_deref(),
        runner: runner.as_deref(),
        passed: &passed,
        selinux,
        repository: repository.as_ref().map(|(folder, link)| lower::Repository { folder, link }),
        mounts: &mounts,
        caches: &caches,
        services: &services::names(plan),
        fetch_only: &fetch_only,
        volumes,
    };
    let (containers, made) = lower::sessions(&input, &jobs);
    let claim = |place: &CachePlace<'_>| {
        let claim = Claim::of(place, &cache_root, &project.root, &environment)?;
        let names: Vec<String> = place.volumes().into_iter().map(|(_, name)| name).collect();
        let held = (volumes && !names.is_empty()).then_some(Volumes { engine: engine.kind, names });
        Some(Claim { volumes: held, ..claim })
    };
    let layers = Claim::layers(&estate.run, &project.root);
    let claims = caches.iter().filter_map(claim).chain(needs_layers(&containers).then_some(layers));
    let claims: Vec<Claim> = claims.collect();
    let wanted = volumes_of(&claims);
    let uses = Uses::take(Index::open(&cache_root, owner)?, claims)?;
    let maker = Maker {
        engine,
        run: &estate.run,
        image: &ImageName::Id(input.image.id.clone()),
        index: uses.index(),
        world,
    };
    context.signals.unless(maker.ensure(&wanted)).await??;
    lower::prepare(&made, &[&cache_root], owner)?;
    let uses = Rc::new(uses);
    Ok(Lowered {
        jobs,
        containers,
        ready,
        cache_root,
        owner,
        runner,
        scratch,
        estate,
        selinux,
        uses,
        reaper,
        mark,
    })
}

/// Each volume with the place of its cache.
fn volumes_of(claims: &[Claim]) -> BTreeMap<String, String> {
    let each = claims.iter().filter_map(|claim| Some((claim.slot.to_string(), claim.volumes.as_ref()?)));
    each.flat_map(|(place, volumes)| volumes.names.iter().map(move |name| (name.clone(), place.clone())))
        .collect()
}

fn needs_layers(containers: &BTreeMap<Kind, Container>) -> bool {
    containers.values().any(|container| !lower::layers(container).is_empty())
}

fn launches(
    engine: &Engine,
    containers: BTreeMap<Kind, Container>,
    workspace: &Path,
) -> Result<BTreeMap<Kind, Launch>, StageError> {
    let launch = |(kind, container): (Kind, Container)| {
        let invocation = container.run(engine).map_err(StageError::Container)?;
        // As the place that the runner is given names it.
        let mark = Some(workspace.join(format!(".{}", container.name)));
        let target = Some(Target { engine: engine.clone(), name: container.name });
        Ok((kind, Launch { invocation, target, mark }))
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
        if !(real.is_dir() || real.is_file()) {
            // Somebody's socket would be as good as its owner's powers.
            return Err(wrong("this is neither a folder nor a file".to_owned()));
        }
        check_source(&real, std::slice::from_ref(&project.root), denied).map_err(|e| wrong(e.to_string()))?;
        Ok((real, mount.target.get_ref().clone()))
    };
    project.config.file.container.mounts.iter().map(mount).collect()
}

/// Whether this engine needs a passwd file for a user that the image does not know.
pub(super) fn needs_passwd(engine: &Engine, uid: u32) -> bool {
    engine.kind == EngineKind::Docker && uid != 0
}
