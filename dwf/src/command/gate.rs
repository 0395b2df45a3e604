//! `dwf verify` and `dwf run`: the plan is made, staged, run and told.

use std::rc::Rc;
use std::time::Instant;

use devflow_oci::{Engine, Invocation};

use super::Context;
use super::ask::{Answered, Ground};
use super::cache;
use super::reports::Reports;
use super::skipping::Skipping;
use super::stage::{self, Stage};
use crate::cli::RunOptions;
use crate::config::{EngineChoice, Profile};
use crate::engine;
use crate::error::Error;
use crate::execute::{Run, Tally, UNCHANGED};
use crate::image::{self, Glance};
use crate::lower;
use crate::name::FullName;
use crate::plan::Plan;
use crate::profile::{Decision, Flags, decide};
use crate::query::Request;
use crate::report;
use crate::report::Facts;
use crate::schedule::Schedule;
use crate::skip::Ledger;
use crate::trust::check_owner;
use crate::turn;

pub(super) async fn run(
    context: &mut Context<'_>,
    request: Request,
    options: &RunOptions,
) -> Result<bool, Error> {
    let reports = Reports::begin(context, &options.output)?;
    let result = gate(context, request, options).await;
    reports.end(context, result)
}

async fn gate(context: &mut Context<'_>, request: Request, options: &RunOptions) -> Result<bool, Error> {
    let begun = Instant::now();
    let mut ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let _turn = match turn::take(&ground.project.root, &context.world.state()?)? {
        Ok(turn) => turn,
        Err(queue) => {
            let who = queue.holder.map(|pid| format!(" ({pid})")).unwrap_or_default();
            context.reporter.note(&format!("waiting for the dwf that runs in this project{who} …"));
            let turn = context.signals.unless(queue.wait()).await??;
            // The other one may have changed what stands there.
            ground = Ground::load(context)?;
            turn
        }
    };
    let skipping = Skipping::new(context.world, &ground, &request, options)?;
    let (answered, place) = ask_and_find(context, &ground, &request, Some(&skipping)).await?;
    answered.tell(context);
    let plan = answered.plan(&ground.project)?;
    super::expected::check(options.expect_plan.as_ref(), &plan, &request)?;
    context.reporter.note(&format!("plan       {}", plan.digest()));
    *context.reporter.facts() = facts(&ground, &plan, &place);
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
    let prepared = prepare(context, &ground, &answered, &plan, place, &skipping).await?;
    let Some((mut stage, mut ledger)) = prepared else {
        return Ok(nothing_changed(context, &plan, begun));
    };
    skipping.keep(&stage.place);
    context.reporter.note(&stage.about);
    for (at, action) in plan.actions.iter().enumerate() {
        if let Some(because) = ledger.because(at) {
            context.reporter.detail(&format!("{} runs because {because}", action.name));
        }
    }
    if context.world.terminal && context.reporter.has_color() {
        report::color::tell(&mut stage.jobs, context.world.var("TERM").unwrap_or("xterm"));
    }
    let uses = Rc::clone(&stage.uses);
    let tally = execute(context, &plan, stage, &mut ledger, options).await;
    ledger.finish().await;
    let line = Reproduce::new(context, &ground, &request);
    context.reporter.failures(|name| line.of(name));
    let tally = tally?;
    let good = tally.failed == 0 && tally.cancelled == 0 && tally.not_run == 0;
    context.reporter.verdict(good, &summary(tally, begun));
    cache::after_run(context, &ground, &uses).await?;
    Ok(good)
}

/// Stages a run and decides what of it has to run; anew where the image is not what it was taken for. Gives nothing where
/// nothing has to run.
async fn prepare<'a>(
    context: &mut Context<'a>,
    ground: &Ground,
    answered: &Answered,
    plan: &Plan,
    mut place: Place,
    skipping: &Skipping<'_>,
) -> Result<Option<(Stage<'a>, Ledger)>, Error> {
    let mut seen = match &mut place {
        Place::Container(_, seen) => seen.take(),
        Place::Nowhere | Place::Host(_) => None,
    };
    loop {
        let mut stage = match &place {
            Place::Nowhere => return Ok(None),
            Place::Container(engine, _) => {
                stage::container(context, ground, plan, &answered.origin, engine, seen.take()).await?
            }
            Place::Host(because) => stage::host(context, ground, plan, because.as_deref()).await?,
        };
        let looking = skipping.ledger(answered, plan, &stage.place);
        let ledger = context.signals.unless(looking).await??;
        let first = first(plan, &ledger).and_then(|at| stage.jobs.get(at)).map(|job| job.kind);
        if stage.settle(first, context.signals).await? {
            return Ok(first.map(|_| (stage, ledger)));
        }
    }
}

/// The action that starts first.
fn first(plan: &Plan, ledger: &Ledger) -> Option<usize> {
    let mut schedule = Schedule::new(plan, 1, false);
    for at in ledger.unchanged() {
        schedule.met(at);
    }
    schedule.start()
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

/// Where a plan runs.
pub(super) enum Place {
    /// Nowhere: nothing has to run.
    Nowhere,
    /// In containers of this engine; the image may have been looked for already.
    Container(Engine, Option<Box<Glance>>),
    /// Here; and why, where nobody has said so.
    Host(Option<String>),
}

/// What reports say of the run as a whole.
fn facts(ground: &Ground, plan: &Plan, place: &Place) -> Facts {
    let root = ground.project.root.clone();
    let (profile, workspace, engine) = match place {
        Place::Container(engine, _) => {
            let engine = (engine.kind.to_string(), engine.version.to_string());
            (Profile::Container, lower::WORKSPACE.to_owned(), Some(engine))
        }
        Place::Nowhere => (Profile::Container, lower::WORKSPACE.to_owned(), None),
        Place::Host(_) => (Profile::Host, root.to_string_lossy().into_owned(), None),
    };
    Facts {
        project: Some(plan.project.clone()),
        workspace: Some(workspace),
        root: Some(root),
        plan: Some(plan.digest()),
        fingerprint: Some(plan.fingerprint.clone()),
        profile: Some(profile.to_string()),
        engine,
        error: None,
    }
}

/// Asks the extensions while the engine is being looked for.
pub(super) async fn ask_and_find(
    context: &mut Context<'_>,
    ground: &Ground,
    request: &Request,
    skipping: Option<&Skipping<'_>>,
) -> Result<(Answered, Place), Error> {
    let flags = Flags { profile: context.global.profile, engine: context.global.engine };
    let world = context.world;
    let work = async {
        match decide(&ground.project, &ground.user, flags, &ground.record, world).await? {
            Decision::Container(choice) => {
                let asked = async {
                    let answered = ground.ask(world, request, false).await?;
                    let met = match skipping {
                        Some(skipping) => skipping.early(&answered, choice).await?.is_some(),
                        None => false,
                    };
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
    let mut reaper = stage.reaper;
    let run = Run {
        jobs: &stage.jobs,
        schedule: Schedule::new(plan, jobs, options.keep_going),
        backend: stage.backend,
        services: stage.services,
        inbox: stage.inbox,
        ledger,
        reporter: context.reporter,
        signals: context.signals,
        reaper: &mut reaper,
        heard: 0,
    };
    let tally = run.execute().await;
    // Not before every container has gone.
    drop(stage.scratch);
    drop(reaper);
    tally
}

fn summary(tally: Tally, begun: Instant) -> String {
    let Tally { passed, failed, cancelled, not_run, unchanged } = tally;
    let mut text = format!("{passed} passed, {failed} failed");
    for (count, what) in [(cancelled, "cancelled"), (not_run, "not run")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
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
