//! Removing what containers wrote and the user may not.
//!
//! Invariant: what removes it sees the folder that it is in and nothing else, and has no network.

use std::path::Path;

use crate::csv;
use crate::engine::Engine;
use crate::image::ImageName;
use crate::invocation::Invocation;
use crate::source::{SourceError, check_path};

/// Where the folder is seen.
const PLACE: &str = "/trash";

/// Removes a folder within the user's own namespace, where the engine has one: no image is needed there.
#[must_use]
pub fn in_namespace(engine: &Engine, folder: &Path, name: &str) -> Option<Invocation> {
    let path = folder.join(name).to_string_lossy().into_owned();
    let rm = || engine.command(["unshare", "rm", "-rf", "--"]).arg(path);
    (engine.is_podman() && engine.rootless).then(rm)
}

/// Removes the folder of this name in `folder`, by the `rm` of an image: as root, with the powers to look into what is
/// others' and to remove it, and no further one.
pub fn in_container(
    engine: &Engine,
    image: &ImageName,
    folder: &Path,
    name: &str,
) -> Result<Option<Invocation>, SourceError> {
    let Some(image) = image.arg() else { return Ok(None) };
    let source = csv::field(&format!("src={}", check_path(folder)?)).into_owned();
    let run = engine
        .command(["run", "--rm", "--cap-drop=ALL", "--cap-add=DAC_OVERRIDE", "--cap-add=FOWNER"])
        .args(["--security-opt=no-new-privileges", "--security-opt=label=disable", "--pids-limit=64"])
        .args(["--network=none", "--log-driver=none", "--pull=never", "--user=0:0", "--workdir=/"])
        // A mount below it stays out of sight.
        .arg(format!("--mount=type=bind,{source},dst={PLACE},bind-nonrecursive"))
        .args(["--entrypoint=rm", "--", &image, "-rf", "--"])
        .arg(format!("{PLACE}/{name}"));
    Ok(Some(run))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{in_container, in_namespace};
    use crate::engine::{Engine, EngineKind};
    use crate::image::ImageName;
    use crate::version::Version;

    #[test]
    fn invocations() {
        let docker = Engine::new(EngineKind::Docker, "docker", Version::default());
        let podman =
            Engine { rootless: true, ..Engine::new(EngineKind::Podman, "podman", Version::default()) };
        let folder = Path::new("/c/a,b/trash");
        assert_eq!(in_namespace(&docker, folder, "x+1"), None);
        assert_eq!(
            in_namespace(&podman, folder, "x+1").unwrap().to_string(),
            "podman unshare rm -rf -- /c/a,b/trash/x+1"
        );
        let image = ImageName::Id(format!("sha256:{}", "a".repeat(64)));
        let run = in_container(&docker, &image, folder, "x+1").unwrap().unwrap().args.join(" ");
        for part in [
            "--cap-drop=ALL --cap-add=DAC_OVERRIDE --cap-add=FOWNER",
            "--network=none",
            "--mount=type=bind,\"src=/c/a,b/trash\",dst=/trash,bind-nonrecursive",
            "--entrypoint=rm -- ",
            " -rf -- /trash/x+1",
        ] {
            assert!(run.contains(part), "{part} in {run}");
        }
        assert!(in_container(&docker, &image, Path::new("relative"), "x").is_err());
    }
}
