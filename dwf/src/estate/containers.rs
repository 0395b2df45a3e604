//! The containers that an engine knows of, and whose they say they are.

use devflow_oci::lifecycle::{self, Filter, Listed};
use devflow_oci::{Engine, EngineKind};

use super::CALL;
use crate::engine::{last_line, run};
use crate::error::{Exit, Explain};
use crate::owner::LABEL;
use crate::process;
use crate::world::World;

/// A list fails when a container that is about to be looked at goes away.
const TRIES: u8 = 5;

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// What its label says of who made it.
    pub owner: Option<String>,
}

/// An engine does not say which containers it has.
#[derive(Debug, thiserror::Error)]
#[error("{kind} does not say which containers it has: {reason}")]
pub struct ListError {
    kind: EngineKind,
    reason: String,
}

impl Explain for ListError {
    fn exit(&self) -> Exit {
        Exit::Engine
    }
}

/// All containers of an engine, whatever their state.
pub async fn containers(engine: &Engine, world: &World) -> Result<Vec<Found>, ListError> {
    let wrong = |reason: String| ListError { kind: engine.kind, reason };
    let every = Filter::NamePrefix(String::new());
    let question = lifecycle::list(engine, &every, &[LABEL]);
    let mut said = run(&question, world, CALL).await.map_err(|error| wrong(error.to_string()))?;
    for _ in 1..TRIES {
        if !said.status.success() {
            said = run(&question, world, CALL).await.map_err(|error| wrong(error.to_string()))?;
        }
    }
    if !said.status.success() {
        let reason = last_line(&said.stderr).unwrap_or_else(|| process::ending(said.status));
        return Err(wrong(reason));
    }
    let listed = lifecycle::parse_list(engine, &said.stdout, &every, &[LABEL]);
    let listed = listed.map_err(|error| wrong(error.to_string()))?;
    let found = |mut container: Listed| Found { owner: container.labels.remove(LABEL), name: container.name };
    Ok(listed.into_iter().map(found).collect())
}
