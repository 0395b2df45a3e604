//! What was moved aside and is not the user's to remove: containers' other users wrote it, so their engine removes it.

use std::time::Duration;

use devflow_oci::{Engine, ImageName, Invocation, cleaner, usage};

use crate::cache::{Index, Stuck, Trouble};
use crate::command::Context;
use crate::command::ask::Ground;
use crate::engine;
use crate::error::Error;
use crate::profile::engine_choice;
use crate::world::World;

/// For a list of images.
const ASK: Duration = Duration::from_secs(20);
/// For a removal.
const PATIENCE: Duration = Duration::from_secs(600);
/// Images whose `rm` is tried.
const TRIES: usize = 8;

/// Has the engine remove what it can; gives what stays.
pub(super) async fn remove(
    context: &mut Context<'_>,
    ground: &Ground,
    index: &Index,
    stuck: Vec<Stuck>,
) -> Result<Vec<Stuck>, Error> {
    if !stuck.iter().any(is_foreign) {
        return Ok(stuck);
    }
    let (world, root) = (context.world, &ground.project.root);
    let choice = engine_choice(&ground.project, &ground.user, context.global.engine);
    let work = async {
        let engine = engine::find(choice, root, world, engine::Belief::Asked)
            .await
            .map_err(|error| error.to_string())?;
        let mut left = Vec::new();
        for item in stuck.iter() {
            if !is_foreign(item) || !by_engine(&engine, index, item, world).await {
                left.push(item.clone());
            }
        }
        Ok::<_, String>(left)
    };
    match context.signals.unless(work).await? {
        Ok(left) => Ok(left),
        Err(reason) => {
            context.reporter.note(&format!("note: no engine can remove what is others': {reason}"));
            Ok(stuck)
        }
    }
}

/// A mount point in it is nobody's to go through.
fn is_foreign(stuck: &Stuck) -> bool {
    matches!(&stuck.trouble, Trouble::Refused(refused) if refused.permission && !refused.mount)
}

/// Whether it is gone.
async fn by_engine(engine: &Engine, index: &Index, stuck: &Stuck, world: &World) -> bool {
    let Some(name) = stuck.path.file_name().and_then(|name| name.to_str()) else { return false };
    let trash = index.trash();
    let mut ways: Vec<Invocation> = cleaner::in_namespace(engine, &trash, name).into_iter().collect();
    if ways.is_empty() {
        let listed = engine::run(&usage::ids(engine), world, ASK).await;
        let ids = listed.map(|listed| usage::parse_ids(&listed.stdout)).unwrap_or_default();
        let ids = ids.into_iter().take(TRIES).map(ImageName::Id);
        ways.extend(ids.filter_map(|id| cleaner::in_container(engine, &id, &trash, name).ok().flatten()));
    }
    for way in ways {
        if let Err(error) = engine::run(&way, world, PATIENCE).await {
            tracing::debug!(target: "devflow::cache", "{error}");
        }
        if stuck.path.symlink_metadata().is_err() {
            return true;
        }
    }
    false
}
