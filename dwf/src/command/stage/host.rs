//! The host profile: dwf itself is the runner.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use devflow_oci::Invocation;
use devflow_oci::hash::sha256_framed;
use futures_util::future::join_all;

use super::private::Private;
use super::services::{ServiceError, none};
use super::{Stage, channel, environment};
use crate::cache::{self, Claim, Index, Uses};
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::skipping::Whereabouts;
use crate::engine;
use crate::error::Error;
use crate::lower::{self, CachePlace, HostHome, Job, Kind, Places, Prepare};
use crate::owner::MARK;
use crate::plan::Plan;
use crate::process;
use crate::service::Services;
use crate::session::{Backend, Launch};
use crate::world::World;

/// For a tool to tell its version.
const ASK: Duration = Duration::from_secs(20);
/// Bytes of what it says.
const SAYS: usize = 64 << 10;

pub(in crate::command) async fn stage<'a>(
    context: &mut Context<'a>,
    ground: &Ground,
    plan: &Plan,
    because: Option<&str>,
) -> Result<Stage<'a>, Error> {
    let world = context.world;
    none(plan, ServiceError::Host)?;
    let jobs = |places: &Places, caches: &[CachePlace<'_>]| lower::jobs(plan, places, caches);
    let OnHost { mut jobs, unseen, toolchain, uses } = lowered(context, ground, plan, jobs).await?;
    for job in &mut jobs {
        // One runner serves both kinds: nothing is mounted here.
        job.kind = Kind::Check;
    }
    let invocation = Invocation::new(&world.exe).arg("__runner").without_env(MARK).cwd(&ground.project.root);
    let invocation = unseen.into_iter().fold(invocation, Invocation::without_env);
    let launches = BTreeMap::from([(Kind::Check, Launch { invocation, target: None, mark: None })]);
    let why = because.map(|because| format!(": {because}")).unwrap_or_default();
    let about = format!("host       {}{why}", std::env::consts::OS);
    let (sender, inbox) = channel();
    let (backend, services) = (Backend::runners(launches, world, sender), Services::default());
    let place = Whereabouts::Host(toolchain);
    Ok(Stage { jobs, backend, services, inbox, about, place, doubt: None, scratch: None, uses, reaper: None })
}

/// Actions of this machine.
pub(in crate::command) struct OnHost {
    pub(in crate::command) jobs: Vec<Job>,
    /// The variables of dwf that actions do not see.
    pub(in crate::command) unseen: Vec<String>,
    /// What stands for the tools that they use.
    pub(in crate::command) toolchain: String,
    /// The caches, in use while this lives.
    pub(in crate::command) uses: Rc<Uses>,
}

/// What is made of the places and caches of this machine; all that actions need has been made.
pub(in crate::command) async fn lowered(
    context: &mut Context<'_>,
    ground: &Ground,
    plan: &Plan,
    jobs: impl FnOnce(&Places, &[CachePlace<'_>]) -> Vec<Job>,
) -> Result<OnHost, Error> {
    let world = context.world;
    let root = &ground.project.root;
    let private = Private::gather(context, ground, plan).await?;
    let env = environment::on_host(plan, &private.passed, &world.env);
    let cache_root = cache::open(&cache::root(&ground.project, world)?, root, None, world)?;
    let toolchain = context.signals.unless(toolchain(ground, plan, &env, world)).await?;
    let (home, state) = (world.home()?, world.state()?);
    let var = |name: &str| world.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user = HostHome { home: &home, var: &var, state: &state };
    let (caches, made) = lower::caches_on_host(plan, &cache_root, root, &toolchain, &user);
    let is_made = |place: &&CachePlace<'_>| made.contains(&Prepare::Folder(place.disk.clone()));
    let claim = |place: &CachePlace<'_>| Claim::of(place, &cache_root, root, &toolchain);
    let claims = caches.iter().filter(is_made).filter_map(claim).collect();
    let uses = Uses::take(Index::open(&cache_root, None)?, claims)?;
    lower::prepare(&made, &[&cache_root, &state], None)?;
    let places = Places {
        workspace: root.to_string_lossy().into_owned(),
        home: home.to_string_lossy().into_owned(),
        tmp: world.var("TMPDIR").unwrap_or("/tmp").to_owned(),
        caches: caches
            .iter()
            .map(|p| ((p.stack.member.clone(), p.stack.stack.clone(), p.cache.name.clone()), p.seen.clone()))
            .collect(),
    };
    super::expect_reports(context.reporter, plan, &caches, root, true);
    let mut jobs = jobs(&places, &caches);
    for note in private.give_on_host(plan, &mut jobs, world)? {
        context.reporter.note(&format!("note: {note}"));
    }
    lower::check_words(&jobs)?;
    let unseen = world.env.keys().filter(|name| !env.contains_key(*name)).cloned().collect();
    Ok(OnHost { jobs, unseen, toolchain, uses: Rc::new(uses) })
}

/// What the stacks' tools say of themselves: build products of another toolchain are not these.
async fn toolchain(ground: &Ground, plan: &Plan, env: &BTreeMap<String, String>, world: &World) -> String {
    let tools: BTreeSet<(PathBuf, String, Vec<String>)> = plan
        .stacks
        .iter()
        .flat_map(|stack| {
            let dir = ground.project.path(&stack.member);
            stack.tools.iter().map(move |tool| (dir.clone(), tool.program.clone(), tool.args.clone()))
        })
        .collect();
    let answers = join_all(tools.iter().map(|(dir, program, args)| async move {
        let Some(path) = engine::on_path(program, &ground.project.root, world) else {
            return "absent".to_owned();
        };
        let question = Invocation::new(path).args(args.iter().cloned()).cwd(dir);
        match process::capture(&question, env, ASK, SAYS).await {
            Ok(said) if said.status.success() => said.stdout,
            _ => "silent".to_owned(),
        }
    }))
    .await;
    let told =
        tools.iter().zip(&answers).flat_map(|((_, program, _), answer)| [program.as_str(), answer.as_str()]);
    format!("host:{}", sha256_framed(told))
}
