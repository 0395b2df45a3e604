//! A shell in a container.

use std::collections::BTreeSet;

use devflow_oci::{Engine, EngineKind};

use super::attach::{Unended, attach};
use super::scope::ScopeError;
use super::{Room, code, tell};
use crate::command::Context;
use crate::command::stage::{self, Lone, StageError};
use crate::error::{Error, Exit, Explain};
use crate::image::Glance;
use crate::lower::{self, CachePlace, Places, Shell};
use crate::process::Terminal;
use crate::session::{SessionError, Target};

/// bash where the image has it. No login shell, which would set `PATH` anew.
const SHELL: [&str; 3] = ["/bin/sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash; exec sh"];
/// The exit code by which an engine's client says that there is no container, unless a program had it.
const NO_CONTAINER: i32 = 125;

/// The engine made no container, and its client has said why.
#[derive(Debug, thiserror::Error)]
#[error("{0} made no container")]
struct NoContainer(EngineKind);

impl Explain for NoContainer {
    fn exit(&self) -> Exit {
        Exit::Engine
    }

    fn hint(&self) -> Option<String> {
        Some("its own words are above".to_owned())
    }
}

pub(super) async fn run(
    context: &mut Context<'_>,
    room: &Room<'_>,
    engine: &Engine,
    seen: Option<Box<Glance>>,
) -> Result<u8, Error> {
    let argv = match room.program {
        [] => SHELL.map(str::to_owned).to_vec(),
        given => given.to_vec(),
    };
    let mut disputed = BTreeSet::new();
    let jobs = |places: &Places, caches: &[CachePlace<'_>]| {
        let shell = lower::shell(room.plan, places, caches, room.scope, &argv);
        let job = shell.map(|Shell { job, disputed: names }| {
            disputed = names;
            job
        });
        job.into_iter().collect()
    };
    let origin = &room.answered.origin;
    let lone = stage::lone(context, room.ground, room.plan, origin, engine, seen, jobs).await?;
    let Some(Lone { mut container, scratch, uses: _uses, reaper: _reaper, mark: _mark }) = lone else {
        return Err(ScopeError::Empty.into());
    };
    tell(context, &disputed);
    // A job in the background would be stopped for reading from the terminal.
    container.interactive = Terminal::of_input().is_none_or(|terminal| terminal.is_ours());
    container.tty = container.interactive && context.world.interactive;
    let id = scratch.path().join("shell.id");
    container.cidfile = Some(id.clone());
    let invocation = container.run(engine).map_err(StageError::Container)?;
    let target = Target { engine: engine.clone(), name: container.name };
    let ended = attach(&invocation, Some(&target), context).await;
    let made = id.metadata().is_ok_and(|meta| meta.len() > 0);
    drop(scratch);
    match ended {
        Ok(status) if status.code() == Some(NO_CONTAINER) && !made => Err(NoContainer(engine.kind).into()),
        Ok(status) => Ok(code(status)),
        Err(Unended::Stopped(error)) => Err(error),
        Err(Unended::NotStarted(source)) => {
            let program = invocation.program.display().to_string();
            Err(SessionError::Spawn { program, source }.into())
        }
    }
}
