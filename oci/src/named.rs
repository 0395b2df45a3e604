//! Named volumes: caches that an engine keeps, where the folders of this machine are slow to see from a container.
//!
//! Invariant: only volumes with dwf's label are listed, and no volume is filled or re-owned: the engine, or the owner of
//! an empty volume, gives it its mode.

use std::collections::BTreeMap;

use crate::container::{Container, ContainerError};
use crate::engine::{Engine, EngineKind};
use crate::image::{Entrypoint, ImageName};
use crate::invocation::Invocation;
use crate::mount::Mount;
use crate::user::UserMapping;

/// The label of a cache's volume; its value is the cache's place below its root.
pub const CACHE: &str = "dwf.cache";
/// The label with that root.
pub const ROOT: &str = "dwf.root";

/// Makes a volume.
#[must_use]
pub fn create(engine: &Engine, name: &str, labels: &BTreeMap<String, String>) -> Invocation {
    let labels = labels.iter().map(|(key, value)| format!("--label={key}={value}"));
    engine.command(["volume", "create"]).args(labels).args(["--", name])
}

/// Asks for the names of all volumes of caches.
#[must_use]
pub fn list(engine: &Engine) -> Invocation {
    engine.command(["volume", "ls", "--format={{.Name}}"]).arg(format!("--filter=label={CACHE}"))
}

/// Removes a volume that no container uses.
#[must_use]
pub fn remove(engine: &Engine, name: &str) -> Invocation {
    engine.command(["volume", "rm", "--", name])
}

/// Whether a failed [`remove`] failed only because there is none of that name.
#[must_use]
pub fn is_no_such_volume(stderr: &str) -> bool {
    stderr.to_ascii_lowercase().contains("no such volume")
}

/// Asks where a volume is on the engine's machine.
#[must_use]
pub fn place(engine: &Engine, name: &str) -> Invocation {
    engine.command(["volume", "inspect", "--format={{.Mountpoint}}", "--", name])
}

/// A container that lets every user write to new volumes, where the engine does not give them to their first user. They
/// belong to root, so root needs no power for it.
pub fn open(
    engine: &Engine,
    run: &str,
    image: &ImageName,
    names: &[String],
) -> Result<Option<Invocation>, ContainerError> {
    if engine.kind == EngineKind::Podman || names.is_empty() {
        return Ok(None);
    }
    let user = UserMapping { args: vec!["--user=0:0".to_owned()], ..UserMapping::default() };
    let places: Vec<String> = (0..names.len()).map(|at| format!("/volumes/{at}")).collect();
    let argv = ["chmod", "0777"].into_iter().chain(places.iter().map(String::as_str));
    let mut container = Container::new(format!("dwf-{run}-volumes"), image.clone(), user, argv);
    container.entrypoint = Entrypoint::None;
    container.network = crate::container::Network::None;
    let mount = |(name, target): (&String, &String)| Mount::Volume {
        name: name.clone(),
        target: target.clone(),
        readonly: false,
    };
    container.mounts = names.iter().zip(&places).map(mount).collect();
    container.run(engine).map(Some)
}

#[cfg(test)]
mod tests {
    use super::{create, list, open, remove};
    use crate::engine::{Engine, EngineKind};
    use crate::image::ImageName;
    use crate::version::Version;

    #[test]
    fn invocations() {
        let engine = |kind: EngineKind| Engine::new(kind, kind.to_string(), Version::default());
        let (docker, podman) = (engine(EngineKind::Docker), engine(EngineKind::Podman));
        let labels = [("dwf.cache".to_owned(), "a b".to_owned())].into();
        assert_eq!(
            create(&docker, "v", &labels).to_string(),
            "docker volume create '--label=dwf.cache=a b' -- v"
        );
        assert_eq!(
            list(&podman).to_string(),
            "podman volume ls '--format={{.Name}}' --filter=label=dwf.cache"
        );
        assert_eq!(remove(&podman, "v").to_string(), "podman volume rm -- v");
        let image = ImageName::Id(format!("sha256:{}", "a".repeat(64)));
        let names = ["dwf-1".to_owned(), "dwf-2".to_owned()];
        assert_eq!(open(&podman, "r", &image, &names), Ok(None));
        assert_eq!(open(&docker, "r", &image, &[]), Ok(None));
        let run = open(&docker, "r", &image, &names).unwrap().unwrap().args.join(" ");
        for part in [
            "--cap-drop=ALL",
            "--network=none",
            "--user=0:0",
            "--mount=type=volume,src=dwf-2,dst=/volumes/1,volume-nocopy",
            "--entrypoint=chmod",
            " 0777 /volumes/0 /volumes/1",
        ] {
            assert!(run.contains(part), "{part} in {run}");
        }
    }
}
