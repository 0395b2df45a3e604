//! What a client that needs no daemon said of itself, for as long as it would say it again.
//!
//! Invariant: it is believed only while the program, whoever starts it, its variables and its configuration are what they
//! were; a client with a daemon or a machine behind it is always asked.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use devflow_oci::Engine;
use devflow_oci::hash::sha256_framed;

use crate::files;
use crate::world::World;

/// Bytes of an answer that is kept.
const MOST: u64 = 16 << 10;
/// Beginnings of the names of variables that such a client heeds.
const VARIABLES: [&str; 5] = ["CONTAINER", "DOCKER_", "HOME", "PODMAN_", "XDG_"];
/// Where its configuration is: of the system, and below the user's own folder.
const SYSTEM: [&str; 2] = ["/usr/share/containers", "/etc/containers"];

/// The memory of one client.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
}

impl Memory {
    /// That of the client at this path, as it is now; `None` where nothing can be remembered.
    pub fn of(program: &Path, world: &World) -> Option<Self> {
        let real = program.canonicalize().ok()?;
        let mut parts = vec![real.to_string_lossy().into_owned(), look(&real), world.uid.to_string()];
        let heeded = |name: &str| VARIABLES.iter().any(|start| name.starts_with(start));
        for (name, value) in world.env.iter().filter(|(name, _)| heeded(name)) {
            parts.extend([name.clone(), value.clone()]);
        }
        let own = world.var("XDG_CONFIG_HOME").map(PathBuf::from);
        let own = own.or_else(|| Some(world.home().ok()?.join(".config")))?.join("containers");
        for folder in SYSTEM.map(PathBuf::from).into_iter().chain([own]) {
            let drop_ins = fs::read_dir(folder.join("containers.conf.d")).into_iter().flatten().flatten();
            let mut drop_ins: Vec<PathBuf> = drop_ins.map(|entry| entry.path()).collect();
            drop_ins.sort();
            let written = ["containers.conf", "podman-connections.json"].map(|name| folder.join(name));
            for file in written.into_iter().chain(drop_ins) {
                parts.extend([file.to_string_lossy().into_owned(), look(&file)]);
            }
        }
        let name = format!("{}.json", sha256_framed(&parts));
        Some(Self { path: world.state().ok()?.join("engines").join(name) })
    }

    /// What it said, if it was this very client.
    pub fn recall(&self) -> Option<String> {
        String::from_utf8(files::read_here(&self.path, MOST).ok()?).ok()
    }

    /// Remembers what it said, if nobody else stands behind it, and nothing else.
    pub fn keep(&self, engine: &Engine, said: &str) -> io::Result<()> {
        let Some(folder) = self.path.parent().filter(|_| engine.is_podman() && !engine.remote) else {
            return Ok(());
        };
        if fs::symlink_metadata(folder).is_ok() {
            fs::remove_dir_all(folder)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(said.as_bytes())?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// What changes whenever a file does.
fn look(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(meta) => format!(
            "{} {} {} {}.{} {}.{}",
            meta.dev(),
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec()
        ),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use devflow_oci::{EngineKind, Version};

    use super::*;

    #[test]
    fn it_is_believed_until_something_changes() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("client");
        fs::write(&program, "1").unwrap();
        let mut world = World::read().unwrap();
        for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
            let folder = dir.path().join(name.to_lowercase());
            world.env.insert(name.to_owned(), folder.to_string_lossy().into_owned());
        }
        let recall = |world: &World| Memory::of(&program, world).unwrap().recall();
        let engine = Engine::new(EngineKind::Podman, &program, Version::default());
        let keep = |engine: &Engine| Memory::of(&program, &world).unwrap().keep(engine, "said").unwrap();
        assert_eq!(recall(&world), None);
        keep(&Engine { remote: true, ..engine.clone() });
        keep(&Engine { kind: EngineKind::Docker, ..engine.clone() });
        assert_eq!(recall(&world), None);
        keep(&engine);
        assert_eq!(recall(&world).as_deref(), Some("said"));

        let mut other = world.clone();
        other.env.insert("CONTAINER_HOST".to_owned(), "ssh://there".to_owned());
        assert_eq!(recall(&other), None);
        let config = dir.path().join("xdg_config_home/containers");
        fs::create_dir_all(config.join("containers.conf.d")).unwrap();
        for name in ["containers.conf", "containers.conf.d/x.conf"] {
            fs::write(config.join(name), "[engine]\nremote = true\n").unwrap();
            assert_eq!(recall(&world), None, "{name}");
            keep(&engine);
            assert!(recall(&world).is_some(), "{name}");
        }
        fs::write(&program, "2").unwrap();
        assert_eq!(recall(&world), None);
    }
}
