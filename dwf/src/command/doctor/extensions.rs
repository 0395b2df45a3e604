//! The extensions: where each is, whether it may be started, and which bytes it has to be.

use super::check::{Check, State};
use crate::command::ask::Ground;
use crate::discover::Found;
use crate::error::Error;
use crate::launch::Launcher;
use crate::query::Questions;
use crate::world::World;

/// A check of each extension of the project; none of them is started.
pub(super) async fn checks(ground: &Ground, world: &World, launcher: &Launcher) -> Result<Vec<Check>, Error> {
    let places = ground.places(world);
    let wanted = Questions::new(&ground.project, places.own())?.folders;
    let mut checks = Vec::new();
    for name in wanted.keys() {
        let check = match places.find(name) {
            Ok(found) => extension(ground, launcher, &found).await,
            Err(error) => Check::of("extension", State::Bad, &error.into()),
        };
        checks.push(check.about(format!("extension {name}")));
    }
    for refused in &places.refused {
        let text = format!("{} {}: nothing is taken from it", refused.path.display(), refused.reason);
        let fix = format!("take it out of PATH, or change it: ls -ld {}", refused.path.display());
        checks.push(Check::new("path", State::Poor, text).about("PATH").fix(fix));
    }
    Ok(checks)
}

async fn extension(ground: &Ground, launcher: &Launcher, found: &Found) -> Check {
    if let Err(error) = launcher.may_start(found).await {
        return Check::of("extension", State::Bad, &error);
    }
    let path = found.path.strip_prefix(&ground.project.root).unwrap_or(&found.path);
    let mut text = format!("{} ({})", path.display(), found.origin);
    if let Some(pin) = &found.pin {
        text.push_str(&format!("\nsha256:{}", pin.sha256));
    }
    for shadowed in &found.shadows {
        text.push_str(&format!("\nin front of {}", shadowed.display()));
    }
    Check::new("extension", State::Good, text)
}
