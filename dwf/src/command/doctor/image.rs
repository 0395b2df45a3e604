//! The project's image, and the runner that fits it.

use devflow_oci::{Engine, Image, inspect};

use super::check::{Check, State};
use crate::command::ask::{Answered, Ground};
use crate::command::stage::runner_for;
use crate::engine::{self, run};
use crate::image;
use crate::world::World;

/// The image as the engine has it, with what is to be said of it; nothing is pulled or built.
pub(super) async fn look(
    ground: &Ground,
    answered: &Answered,
    engine: &Engine,
    world: &World,
) -> (Option<Image>, Vec<Check>) {
    let name = match image::name(&ground.project, &answered.fingerprint.hex) {
        Ok(name) => name,
        Err(error) => return (None, vec![Check::of("image", State::Bad, &error.into())]),
    };
    let broken = |reason: String| vec![Check::new("image", State::Bad, format!("{name}: {reason}"))];
    let said = match run(&inspect::inspect(engine, &name), world, engine::LOOK * 5).await {
        Ok(said) => said,
        Err(error) => return (None, broken(error.to_string())),
    };
    match inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr) {
        Ok(Some(image)) => {
            let mib = image.size >> 20;
            let text = format!("{name}\n{}, {}, {mib} MiB", image.id, image.architecture);
            let checks = vec![Check::new("image", State::Good, text), runner(&image, ground, world)];
            (Some(image), checks)
        }
        Ok(None) => (None, vec![absent(ground, &name.to_string())]),
        Err(error) => (None, broken(error.to_string())),
    }
}

/// What would happen.
fn absent(ground: &Ground, name: &str) -> Check {
    let from = match crate::identity::dockerfile(&ground.project) {
        Some(file) => format!("built from {file}"),
        None => "composed of what the stacks need, and built".to_owned(),
    };
    let shared = ground.project.config.file.container.image.is_some();
    let text = match (shared, image::is_ours(&ground.project)) {
        (true, true) => format!("{name} is not there yet: it would be pulled, else {from}"),
        (false, true) => format!("{name} is not there yet: it would be {from}"),
        (_, false) => format!("{name} is not there yet: it would be pulled"),
    };
    Check::new("image", State::Poor, text).fix("dwf image build".to_owned())
}

fn runner(image: &Image, ground: &Ground, world: &World) -> Check {
    if !ground.project.config.file.container.session {
        return Check::new("runner", State::Good, "not used: `session = false` in [container]");
    }
    match runner_for(image, world) {
        Some(path) => Check::new("runner", State::Good, path.display().to_string()),
        None => {
            let text = format!("none for {}: every action gets a container of its own", image.architecture);
            let fix =
                format!("install the runner for {} in {}", image.architecture, world.install_dir().display());
            Check::new("runner", State::Poor, text).fix(fix)
        }
    }
}
