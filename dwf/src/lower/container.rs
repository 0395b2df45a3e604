//! The containers of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use devflow_oci::mount::TmpfsOptions;
use devflow_oci::{
    Container, Entrypoint, EnvValue, Image, ImageName, Invocation, Mount, Network as OciNetwork, UserMapping,
};
use devflow_protocol::message::{Cache, CacheReadonly, CacheScope};
use devflow_runner::wire;

use super::cache::{CachePlace, keep};
use super::folders::Prepare;
use super::git::{self, Repository};
use super::job::{Job, Kind};
use crate::config::{self, Network};

/// Where the project is mounted.
pub const WORKSPACE: &str = "/workspace";
/// The home directory of the containers' user.
pub const HOME: &str = "/home/dwf";
/// Where the user's SSH agent is mounted.
pub const AGENT: &str = "/run/dwf-ssh-agent";
/// Where the user's file of certificates is mounted.
pub const BUNDLE: &str = "/run/dwf-certificates.pem";
/// Where the runner is mounted.
pub const RUNNER: &str = "/run/dwf-runner";

/// Where a file is mounted only to prove that the engine sees it.
const MARK: &str = "/run/dwf-mark";

/// What containers are made from.
#[derive(Debug)]
pub struct ContainerInput<'a> {
    /// The run's id; names and labels hold it.
    pub run: &'a str,
    /// Who runs dwf: boot, process and start time.
    pub owner: &'a str,
    /// The project's root.
    pub workspace: &'a Path,
    /// How a runner knows that root; the last part of it is made one session's own.
    pub place: &'a str,
    /// A file of that root that the engine has to see, where there is no runner to look.
    pub mark: Option<&'a Path>,
    /// The cache root.
    pub cache_root: &'a Path,
    /// A folder for copy-on-write layers, on the cache root's file system.
    pub scratch: &'a Path,
    /// `[container]`
    pub config: &'a config::Container,
    /// The image, whose id is what is run.
    pub image: &'a Image,
    /// Who runs it.
    pub user: &'a UserMapping,
    /// A passwd file that has that user, when the image's has not.
    pub passwd: Option<&'a Path>,
    /// The runner, when it can run there.
    pub runner: Option<&'a Path>,
    /// Host variables that are let through.
    pub passed: &'a BTreeMap<String, String>,
    /// Whether SELinux enforces.
    pub selinux: bool,
    /// Its repository, where that is not in it.
    pub repository: Option<Repository<'a>>,
    /// `[container] mounts`: canonical sources, and where they are seen.
    pub mounts: &'a [(PathBuf, String)],
    /// The caches.
    pub caches: &'a [CachePlace<'a>],
    /// The names of the services that live in the network of the check session.
    pub services: &'a [String],
    /// What only actions that download see.
    pub fetch_only: &'a FetchOnly,
    /// Whether caches are volumes of the engine, where they can be.
    pub volumes: bool,
}

/// What only the container gets whose actions download.
#[derive(Debug, Default)]
pub struct FetchOnly {
    /// The socket of the user's SSH agent.
    pub agent: Option<PathBuf>,
    /// The user's file of certificates.
    pub certificates: Option<PathBuf>,
    /// Variables that the engine's client would give to every container.
    pub injected: Vec<String>,
}

/// The container of each kind of session that some job needs, and what must be made before.
pub fn sessions(input: &ContainerInput<'_>, jobs: &[Job]) -> (BTreeMap<Kind, Container>, Vec<Prepare>) {
    let kinds: BTreeSet<Kind> = jobs.iter().map(|job| job.kind).collect();
    let mut made = vec![Prepare::Folder(input.cache_root.to_owned())];
    let containers = kinds.into_iter().map(|kind| (kind, session(input, kind, &mut made))).collect();
    (containers, made)
}

/// The name of a session's container.
pub(super) fn session_name(run: &str, kind: Kind) -> String {
    format!("dwf-{run}-{}", kind.as_str())
}

/// The labels of a run's containers.
pub(super) fn labels(run: &str, owner: &str) -> BTreeMap<String, String> {
    [("dwf.run", run), ("dwf.owner", owner)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn session(input: &ContainerInput<'_>, kind: Kind, made: &mut Vec<Prepare>) -> Container {
    let name = session_name(input.run, kind);
    // `DWF_RUNNER` marks what is inside; the program is replaced where there is no runner.
    let image = ImageName::Id(input.image.id.clone());
    let program = [RUNNER.to_owned(), format!("{}-{}", input.place, kind.as_str())];
    let mut container = Container::new(name, image, input.user.clone(), program);
    container.labels = labels(input.run, input.owner);
    // The runner reaps and handles signals as an init does. As process 1 it is also the only one
    // that holds its wire, which any action could write to through an engine's own init.
    container.entrypoint = match input.image.entrypoint_policy() {
        Entrypoint::EngineInit if input.runner.is_some() => Entrypoint::None,
        other => other,
    };
    container.workdir = WORKSPACE.to_owned();
    container.interactive = true;
    container.unconfined_labels = input.selinux;
    container.limits.memory = input.config.memory.map(|size| size.0);
    container.limits.cpus = input.config.cpus;
    container.limits.shm_size = input.config.shm_size.map(|size| size.0);
    let offline = match (input.config.network, kind) {
        (Network::On, _) | (Network::Fetch, Kind::Fetch) => false,
        (Network::Fetch, Kind::Check) | (Network::Off, _) => true,
    };
    container.network = if offline { OciNetwork::None } else { OciNetwork::Default };
    if kind == Kind::Check {
        container.hosts = input.services.to_vec();
    }
    container.env = variables(input, kind);
    container.mounts = mounts(input, kind, made);
    container.volumes = input.image.volumes.clone();
    container
}

fn variables(input: &ContainerInput<'_>, kind: Kind) -> Vec<(String, EnvValue)> {
    let home = [("HOME", HOME), ("USER", "dwf")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let count = input.passed.get(git::COUNT).or_else(|| input.image.env.get(git::COUNT));
    let fixed: Vec<(String, String)> = home.into_iter().chain(git::safe(count.map(String::as_str))).collect();
    let passed = input.passed.iter().filter(|(name, _)| fixed.iter().all(|(fixed, _)| fixed != *name));
    let literal = fixed.iter().map(|(name, value)| (name.clone(), EnvValue::from(value.as_str())));
    // Nothing may be loaded into what comes before an action; the action itself gets them back.
    let none = input.image.loader_env().filter(|(name, _)| !input.passed.contains_key(*name));
    // Nor may the client of an engine tell actions what dwf does not.
    let injected = input.fetch_only.injected.iter().filter(|_| kind != Kind::Fetch).map(String::as_str);
    let none = none.map(|(name, _)| name).chain(injected).map(|name| (name.to_owned(), EnvValue::from("")));
    literal
        .chain(none)
        .chain(passed.map(|(name, value)| (name.clone(), EnvValue::FromHost(value.clone()))))
        .collect()
}

fn mounts(input: &ContainerInput<'_>, kind: Kind, made: &mut Vec<Prepare>) -> Vec<Mount> {
    let mut mounts = vec![bind(input.workspace, WORKSPACE, false), tmpfs(HOME)];
    if let Some(passwd) = input.passwd {
        mounts.push(bind(passwd, "/etc/passwd", true));
    }
    if let Some(runner) = input.runner {
        mounts.push(bind(runner, RUNNER, true));
    }
    if kind == Kind::Fetch {
        let FetchOnly { agent, certificates, .. } = input.fetch_only;
        mounts.extend(agent.iter().map(|socket| bind(socket, AGENT, true)));
        mounts.extend(certificates.iter().map(|file| bind(file, BUNDLE, true)));
    }
    if let Ok(inside) = input.cache_root.strip_prefix(input.workspace) {
        // Caches are seen where they are mounted, and nowhere else.
        mounts.push(tmpfs(&format!("{WORKSPACE}/{}", inside.display())));
    }
    mounts.extend(input.mark.map(|mark| bind(mark, MARK, true)));
    mounts.extend(input.repository.iter().flat_map(Repository::mounts));
    mounts.extend(input.mounts.iter().map(|(source, target)| bind(source, target, true)));
    mounts.extend(input.config.tmpfs.iter().map(|target| tmpfs(target.get_ref())));
    for place in input.caches {
        for mount in cache_mounts(input, kind, place, made) {
            // Two wishes for one place are refused when the container is written down.
            if !mounts.contains(&mount) {
                mounts.push(mount);
            }
        }
    }
    mounts
}

fn cache_mounts(
    input: &ContainerInput<'_>,
    kind: Kind,
    place: &CachePlace<'_>,
    made: &mut Vec<Prepare>,
) -> Vec<Mount> {
    let Cache { scope, readonly, .. } = place.cache;
    let readonly = if kind == Kind::Check && *scope == CacheScope::Shared { *readonly } else { None };
    let volumes = if input.volumes { place.volumes() } else { Vec::new() };
    let volume = |path: &Path| volumes.iter().find(|(held, _)| held == path).map(|(_, name)| name.clone());
    let mount = |path: PathBuf, target: &str, readonly: bool| match volume(&path) {
        Some(name) => Mount::Volume { name, target: target.to_owned(), readonly },
        None => bind(&path, target, readonly),
    };
    let seen = &place.seen;
    if volume(&place.disk).is_none() {
        made.push(Prepare::Folder(place.disk.clone()));
    }
    if place.cache.home.is_some() {
        let is_folder = |item: &Prepare| !matches!(item, Prepare::Folder(path) if volume(path).is_some());
        made.extend(keep(place.cache, &place.disk).into_iter().filter(is_folder));
        let entry = |keep: &devflow_protocol::message::Keep| {
            mount(place.disk.join(&keep.name), &format!("{seen}/{}", keep.name), readonly.is_some())
        };
        return std::iter::once(tmpfs(seen)).chain(place.cache.keep.iter().map(entry)).collect();
    }
    let mut mounts = Vec::new();
    if let Some(at) = &place.cache.at {
        let relative = PathBuf::from(at.below(&place.stack.member).as_str());
        made.push(Prepare::MountPoint { workspace: input.workspace.to_owned(), relative });
    }
    if let Some(parent) =
        seen.strip_prefix(HOME).and_then(|rest| rest.rsplit_once('/')).map(|(parent, _)| parent)
        && !parent.is_empty()
    {
        // An engine would make this folder as root.
        mounts.push(tmpfs(&format!("{HOME}{parent}")));
    }
    mounts.push(match readonly {
        None => mount(place.disk.clone(), seen, false),
        Some(CacheReadonly::Ok) => mount(place.disk.clone(), seen, true),
        Some(CacheReadonly::Overlay) => {
            let layer = input.scratch.join(place.cache.name.as_str());
            let (upper, work) = (layer.join("upper"), layer.join("work"));
            made.extend([Prepare::Folder(upper.clone()), Prepare::Folder(work.clone())]);
            Mount::Overlay { lower: place.disk.clone(), upper, work, target: seen.clone() }
        }
    });
    mounts
}

fn bind(source: &Path, target: &str, readonly: bool) -> Mount {
    Mount::Bind { source: source.to_owned(), target: target.to_owned(), readonly }
}

fn tmpfs(target: &str) -> Mount {
    Mount::Tmpfs {
        target: target.to_owned(),
        options: TmpfsOptions { exec: true, ..TmpfsOptions::default() },
    }
}

/// Gives every action what the image sets and its container does not: see [`variables`].
pub fn give_back(image: &Image, jobs: &mut [Job]) {
    let choices = jobs.iter_mut().flat_map(|job| &mut job.start.choices);
    for choice in choices {
        for (name, value) in image.loader_env() {
            choice.env.entry(name.to_owned()).or_insert_with(|| Some(value.to_owned()));
        }
    }
}

/// The container that does one choice of one job alone: what is run where there is no runner, and
/// what is shown so that it can be pasted into a shell.
pub fn single(session: &Container, image: &Image, start: &wire::Start, choice: &wire::Choice) -> Container {
    let mut container = session.clone();
    container.name = format!("{}-{}", session.name, start.id);
    container.mounts.retain(|mount| mount.target() != RUNNER);
    for mount in &mut container.mounts {
        if let Mount::Overlay { upper, work, .. } = mount {
            // Two containers that write to the same layer would destroy it.
            (*upper, *work) = (layer_of(upper, start.id), layer_of(work, start.id));
        }
    }
    container.interactive = false;
    container.entrypoint = image.entrypoint_policy();
    container.workdir = choice.cwd.clone();
    for (name, value) in &choice.env {
        container.env.retain(|(known, _)| known != name);
        if let Some(value) = value {
            container.env.push((name.clone(), EnvValue::Literal(value.clone())));
        }
    }
    if !choice.path.is_empty() {
        let own = image.env.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
        let path = format!("{}:{own}", choice.path.join(":"));
        container.env.retain(|(name, _)| name != "PATH");
        container.env.push(("PATH".to_owned(), EnvValue::Literal(path)));
    }
    container.argv = match choice.steps.as_slice() {
        [step] => std::iter::once(&step.program).chain(&step.args).cloned().collect(),
        steps => {
            let line = |step: &wire::Step| {
                Invocation::new(step.program.as_str()).args(step.args.iter().cloned()).script()
            };
            let line = steps.iter().map(line).collect::<Vec<_>>().join(" && ");
            vec!["/bin/sh".to_owned(), "-c".to_owned(), line]
        }
    };
    let gone = choice.env.iter().filter(|(name, value)| value.is_none() && image.env.contains_key(*name));
    let gone: Vec<String> = gone.flat_map(|(name, _)| ["-u".to_owned(), name.clone()]).collect();
    if !gone.is_empty() {
        container.argv.splice(0..0, std::iter::once("env".to_owned()).chain(gone));
    }
    container
}

/// `…/<cache>/upper` becomes `…/<cache>-<id>/upper`.
fn layer_of(path: &Path, id: u32) -> PathBuf {
    let (cache, last) = (path.parent().unwrap_or(path), path.file_name().unwrap_or_default());
    let mut name = cache.file_name().unwrap_or_default().to_owned();
    name.push(format!("-{id}"));
    cache.with_file_name(name).join(last)
}

/// The folders that must be there before a container that does one job alone is started.
pub fn layers(container: &Container) -> Vec<PathBuf> {
    let layers = |mount: &Mount| match mount {
        Mount::Overlay { upper, work, .. } => vec![upper.clone(), work.clone()],
        Mount::Bind { .. } | Mount::Volume { .. } | Mount::Tmpfs { .. } => Vec::new(),
    };
    container.mounts.iter().flat_map(layers).collect()
}
