//! `dwf verify` and `dwf run`: the plan is made, staged, run and told.

use std::rc::Rc;
use std::time::Instant;

use devflow_oci::{Engine, Invocation};

use super::Context;
use super::ask::{Answered, Ground};
use super::cache;
use super::stage::{self, Stage};
use crate::cli::RunOptions;
use crate::config::{EngineChoice, Profile};
use crate::engine;
use crate::error::Error;
use crate::execute::{Run, Tally};
use crate::image::{self, Glance};
use crate::name::FullName;
use crate::plan::Plan;
use crate::profile::{Decision, Flags, decide};
use crate::query::Request;
use crate::schedule::Schedule;
use crate::trust::check_owner;

pub(super) async fn run(
    context: &mut Context<'_>,
    request: Request,
    options: &RunOptions,
) -> Result<bool, Error> {
    let begun = Instant::now();
    let ground = Ground::load(context)?;
    check_owner(&ground.project, context.world.uid)?;
    let (answered, place) = ask_and_find(context, &ground, &request).await?;
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
        Place::Container(engine, seen) => {
            stage::container(context, &ground, &plan, &answered.origin, &engine, seen).await?
        }
        Place::Host(because) => stage::host(context, &ground, &plan, because.as_deref()).await?,
    };
    let uses = Rc::clone(&stage.uses);
    let tally = execute(context, &plan, stage, options).await;
    let line = Reproduce::new(context, &ground, &request);
    context.reporter.failures(|name| line.of(name));
    let tally = tally?;
    let good = tally.failed == 0 && tally.not_run == 0;
    context.reporter.verdict(good, &summary(tally, begun));
    cache::after_run(context, &ground, &uses).await?;
    Ok(good)
}

enum Place {
    Container(Engine, Option<Box<Glance>>),
    Host(Option<String>),
}

/// Asks the extensions while the engine is being looked for.
async fn ask_and_find(
    context: &mut Context<'_>,
    ground: &Ground,
    request: &Request,
) -> Result<(Answered, Place), Error> {
    let flags = Flags { profile: context.global.profile, engine: context.global.engine };
    let world = context.world;
    let work = async {
        match decide(&ground.project, &ground.user, flags, &ground.record, world).await? {
            Decision::Container(choice) => {
                let asked = async {
                    // Mostly the identity is what it was; then nothing waits for the question to the engine.
                    let last = ground.last_fingerprint(world);
                    let early = async {
                        match &last {
                            Some(hex) => Ok(image::glance(choice, &ground.project, hex, world).await),
                            None => Ok(None),
                        }
                    };
                    let (answered, seen) = tokio::try_join!(ground.ask(world, request, false), early)?;
                    let hex = &answered.fingerprint.hex;
                    let seen = match last.as_ref() == Some(hex) {
                        true => seen,
                        false => image::glance(choice, &ground.project, hex, world).await,
                    };
                    Ok::<_, Error>((answered, seen.map(Box::new)))
                };
                let (asked, engine) = tokio::join!(
                    asked,
                    engine::find(choice, &ground.project.root, world, engine::Belief::Remembered)
                );
                // A project that is wrong is wrong on every engine.
                let (answered, seen) = asked?;
                Ok((answered, Place::Container(engine?, seen)))
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
    options: &RunOptions,
) -> Result<Tally, Error> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = options.jobs.and_then(|jobs| usize::try_from(jobs).ok()).unwrap_or(cores.min(4));
    let run = Run {
        jobs: &stage.jobs,
        schedule: Schedule::new(plan, jobs, options.keep_going),
        backend: stage.backend,
        inbox: stage.inbox,
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
    let Tally { passed, failed, not_run } = tally;
    let mut text = format!("{passed} passed, {failed} failed");
    if not_run > 0 {
        text.push_str(&format!(", {not_run} not run"));
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
