//! What every command about the project's image begins with: its fingerprint, and an engine.

use devflow_oci::Engine;

use crate::cache;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::stage;
use crate::engine;
use crate::error::Error;
use crate::identity::Origin;
use crate::image::{Images, Wanted};
use crate::profile::engine_choice;
use crate::query::Request;
use crate::reaper::Reaper;
use crate::trust::check_owner;
use crate::world::World;

/// The project, its fingerprint, and the engine.
pub(super) struct Found {
    pub(super) ground: Ground,
    origin: Origin,
    pub(super) fingerprint: String,
    pub(super) engine: Engine,
}

impl Found {
    /// Asks the extensions for what belongs to the fingerprint, while the engine is being looked for.
    pub(super) async fn new(context: &mut Context<'_>) -> Result<Self, Error> {
        let ground = Ground::load(context)?;
        check_owner(&ground.project, context.world.uid)?;
        let choice = engine_choice(&ground.project, &ground.user, context.global.engine);
        let nothing = Request::Commands(Vec::new(), Vec::new());
        let (asked, engine) = context
            .signals
            .unless(async {
                tokio::join!(
                    ground.ask(context.world, &nothing, false),
                    engine::find(choice, &ground.project.root, context.world, engine::Belief::Remembered)
                )
            })
            .await?;
        let answered = asked?;
        answered.tell(context);
        let (origin, fingerprint) = (answered.origin, answered.fingerprint.hex);
        Ok(Self { ground, origin, fingerprint, engine: engine? })
    }

    /// Who ends what goes on when dwf is killed.
    pub(super) fn reaper(&self, world: &World) -> Result<Reaper, Error> {
        let cache_root = cache::root(&self.ground.project, world)?;
        Ok(Reaper::start(stage::estate(&self.engine, &cache_root), world))
    }

    /// The image of that fingerprint on that engine.
    pub(super) fn images<'a>(&'a self, context: &'a mut Context<'_>) -> Images<'a> {
        Images {
            engine: &self.engine,
            wanted: Wanted {
                project: &self.ground.project,
                origin: &self.origin,
                fingerprint: &self.fingerprint,
                network: &self.ground.user.network,
            },
            world: context.world,
            reporter: context.reporter,
            signals: context.signals,
        }
    }
}
