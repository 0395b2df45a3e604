//! `dwf verify` and `dwf run`: the plan is made, staged, run and told.

use std::time::Instant;

use devflow_oci::{Engine, Invocation};

use super::Context;
use super::ask::{Answered, Ground};
use super::skipping::Skipping;
use super::stage::{self, Stage};
use crate::cli::RunOptions;
use crate::config::{EngineChoice, Profile};
use crate::engine;
use crate::error::Error;
use crate::execute::{Run, Tally, UNCHANGED};
use crate::image::{self, Glance};
use crate::name::FullName;
use crate::plan::Plan;
use crate::profile::{Decision, Flags, decide};
use crate::query::Request;
use crate::schedule::Schedule;
use crate::skip::Ledger;
use crate::trust::check_owner;

pub(super) async fn run(
    context: &mut Context<'_>,
    request: Request,
    options: &RunOptions,
) -> Result<bool, Error> {
    let begun = Instant::now();
    let ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let skipping = Skipping::new(context.world, &ground, &request, options)?;
    let (answered, place) = ask_and_find(context, &ground, &request, &skipping).await?;
    answered.tell(context);
    let plan = answered.plan(&ground.project)?;
    context.reporter.note(&format!("plan       {}", plan.digest()));
    for note in &plan.notes {
        context.reporter.detail(&format!("note: {note}"));
    }
    context.reporter.names(plan.actions.iter().map(|a| &a.name).chain(plan.skips.iter().map(|s| &s.name)));
    for skip in &plan.skips {
        context.reporter.skipped(&skip.name, &skip.because);
    }
    if plan.actions.is_empty() {
        context.reporter.verdict(true, "nothing to do");
        return Ok(true);
    }
    let stage = match place {
        Place::Nowhere => return Ok(nothing_changed(context, &plan, begun)),
        Place::Container(engine, seen) => {
            stage::container(context, &ground, &plan, &answered.origin, &engine, seen).await?
        }
        Place::Host(because) => stage::host(context, &ground, &plan, because.as_deref()).await?,
    };
    let looking = skipping.ledger(&answered, &plan, &stage.place);
    let mut ledger = context.signals.unless(looking).await??;
    skipping.keep(&stage.place);
    if ledger.unchanged().count() == plan.actions.len() {
        return Ok(nothing_changed(context, &plan, begun));
    }
    for (at, action) in plan.actions.iter().enumerate() {
        if let Some(because) = ledger.because(at) {
            context.reporter.detail(&format!("{} runs because {because}", action.name));
        }
    }
    let tally = execute(context, &plan, stage, &mut ledger, options).await;
    ledger.finish().await;
    let line = Reproduce::new(context, &ground, &request);
    context.reporter.failures(|name| line.of(name));
    let tally = tally?;
    let good = tally.failed == 0 && tally.not_run == 0;
    context.reporter.verdict(good, &summary(tally, begun));
    Ok(good)
}

/// Tells a run in which nothing has to run.
fn nothing_changed(context: &mut Context<'_>, plan: &Plan, begun: Instant) -> bool {
    for action in &plan.actions {
        context.reporter.unchanged(&action.name, UNCHANGED);
    }
    let (count, seconds) = (plan.actions.len(), begun.elapsed().as_secs_f64());
    context.reporter.verdict(true, &format!("nothing changed: {count} unchanged, 0 run in {seconds:.2} s"));
    true
}

enum Place {
    /// Nothing has to run.
    Nowhere,
    Container(Engine, Option<Box<Glance>>),
    Host(Option<String>),
}

/// Asks the extensions while the engine is being looked for.
async fn ask_and_find(
    context: &mut Context<'_>,
    ground: &Ground,
    request: &Request,
    skipping: &Skipping<'_>,
) -> Result<(Answered, Place), Error> {
    let flags = Flags { profile: context.global.profile, engine: context.global.engine };
    let world = context.world;
    let work = async {
        match decide(&ground.project, &ground.user, flags, &ground.record, world).await? {
            Decision::Container(choice) => {
                let asked = async {
                    let answered = ground.ask(world, request, false).await?;
                    let met = skipping.early(&answered, choice).await?.is_some();
                    Ok::<_, Error>((answered, met))
                };
                // Mostly the identity is what it was; then nothing waits for the question to the engine.
                let last = ground.last_fingerprint(world);
                let glance = async {
                    match &last {
                        Some(hex) => image::glance(choice, &ground.project, hex, world).await,
                        None => None,
                    }
                };
                let find = engine::find(choice, &ground.project.root, world, engine::Belief::Remembered);
                let found = async { tokio::join!(find, glance) };
                tokio::pin!(asked, found);
                // A project that is wrong is wrong on every engine; and where nothing has to run, nobody waits for one.
                let (answered, early) = tokio::select! {
                    biased;
                    asked = &mut asked => (asked?, None),
                    found = &mut found => (asked.await?, Some(found)),
                };
                let (answered, met) = answered;
                if met {
                    return Ok((answered, Place::Nowhere));
                }
                let (engine, seen) = match early {
                    Some(found) => found,
                    None => found.await,
                };
                let hex = &answered.fingerprint.hex;
                let seen = match last.as_ref() == Some(hex) {
                    true => seen,
                    false => image::glance(choice, &ground.project, hex, world).await,
                };
                Ok((answered, Place::Container(engine?, seen.map(Box::new))))
            }
            Decision::Engine(engine) => {
                Ok((ground.ask(world, request, false).await?, Place::Container(engine, None)))
            }
            Decision::Host(because) => Ok((ground.ask(world, request, true).await?, Place::Host(because))),
        }
    };
    context.signals.unless(work).await?
}

async fn execute(
    context: &mut Context<'_>,
    plan: &Plan,
    stage: Stage<'_>,
    ledger: &mut Ledger,
    options: &RunOptions,
) -> Result<Tally, Error> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = options.jobs.and_then(|jobs| usize::try_from(jobs).ok()).unwrap_or(cores.min(4));
    let run = Run {
        jobs: &stage.jobs,
        schedule: Schedule::new(plan, jobs, options.keep_going),
        backend: stage.backend,
        inbox: stage.inbox,
        ledger,
        reporter: context.reporter,
        signals: context.signals,
        heard: 0,
    };
    let tally = run.execute().await;
    // Not before every container has gone.
    drop(stage.scratch);
    tally
}

fn summary(tally: Tally, begun: Instant) -> String {
    let Tally { passed, failed, not_run, unchanged } = tally;
    let mut text = format!("{passed} passed, {failed} failed");
    if not_run > 0 {
        text.push_str(&format!(", {not_run} not run"));
    }
    if unchanged > 0 {
        text.push_str(&format!(", {unchanged} unchanged"));
    }
    format!("{text} in {:.2} s", begun.elapsed().as_secs_f64())
}

/// The line that runs one action again as it was run here.
struct Reproduce {
    line: Invocation,
    args: Vec<String>,
}

impl Reproduce {
    fn new(context: &Context<'_>, ground: &Ground, request: &Request) -> Self {
        let mut line = Invocation::new("dwf");
        if context.world.cwd != ground.project.root {
            line = line.arg("-C").arg(ground.project.root.to_string_lossy());
        }
        if let Some(profile) = context.global.profile.filter(|profile| *profile != Profile::Container) {
            line = line.arg("--profile").arg(profile.to_string());
        }
        match context.global.engine {
            Some(EngineChoice::Docker) => line = line.args(["--engine", "docker"]),
            Some(EngineChoice::Podman) => line = line.args(["--engine", "podman"]),
            Some(EngineChoice::Auto) | None => {}
        }
        let args = match request {
            Request::Commands(_, args) => args.clone(),
            Request::Target(_) => Vec::new(),
        };
        Self { line: line.arg("run"), args }
    }

    fn of(&self, name: &FullName) -> String {
        let mut line = self.line.clone().arg(name.to_string());
        if !self.args.is_empty() {
            line = line.arg("--").args(self.args.iter().cloned());
        }
        line.to_string()
    }
}
