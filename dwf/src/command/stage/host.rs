//! The host profile: dwf itself is the runner.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use devflow_oci::Invocation;
use devflow_oci::hash::sha256_framed;
use futures_util::future::join_all;

use super::{Stage, channel};
use crate::cache;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::skipping::Whereabouts;
use crate::engine;
use crate::error::Error;
use crate::lower::{self, HostHome, Kind, Places};
use crate::plan::Plan;
use crate::session::{Backend, Launch};
use crate::world::World;

/// For a tool to tell its version.
const ASK: Duration = Duration::from_secs(20);

pub(in crate::command) async fn stage<'a>(
    context: &mut Context<'a>,
    ground: &Ground,
    plan: &Plan,
    because: Option<&str>,
) -> Result<Stage<'a>, Error> {
    let world = context.world;
    let root = &ground.project.root;
    let cache_root = cache::open(&cache::root(&ground.project, world)?, root, None, world)?;
    let toolchain = context.signals.unless(toolchain(ground, plan, world)).await?;
    let (home, state) = (world.home()?, world.state()?);
    let var = |name: &str| world.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user = HostHome { home: &home, var: &var, state: &state };
    let (caches, made) = lower::caches_on_host(plan, &cache_root, root, &toolchain, &user);
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
    let mut jobs = lower::jobs(plan, &places, &caches);
    for job in &mut jobs {
        // One runner serves both kinds: nothing is mounted here.
        job.kind = Kind::Check;
    }
    let invocation = Invocation::new(&world.exe).arg("__runner").cwd(root);
    let launches = BTreeMap::from([(Kind::Check, Launch { invocation, target: None })]);
    let why = because.map(|because| format!(": {because}")).unwrap_or_default();
    context.reporter.note(&format!("host       {}{why}", std::env::consts::OS));
    let (sender, inbox) = channel();
    let backend = Backend::runners(launches, world, sender);
    Ok(Stage { jobs, backend, inbox, place: Whereabouts::Host(toolchain), scratch: None })
}

/// What the stacks' tools say of themselves: build products of another toolchain are not these.
async fn toolchain(ground: &Ground, plan: &Plan, world: &World) -> String {
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
        match engine::run(&question, world, ASK).await {
            Ok(said) if said.status.success() => said.stdout,
            _ => "silent".to_owned(),
        }
    }))
    .await;
    let told =
        tools.iter().zip(&answers).flat_map(|((_, program, _), answer)| [program.as_str(), answer.as_str()]);
    format!("host:{}", sha256_framed(told))
}
