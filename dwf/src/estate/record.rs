//! What runs that are under way would leave, written down: a start-up has to ask no engine to find what a dead one left.
//!
//! Invariant: a record is there before the first container of its run, and goes when all is removed.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use devflow_oci::EngineKind;

use super::Estate;
use crate::files;
use crate::world::{World, WorldError};

/// Bytes of a record.
const MOST: u64 = 64 << 10;
/// Records that are looked at in one sweep.
const MANY: usize = 1000;
/// An engine itself is asked for what dead owners left when it was not for this long; records that were lost (a home
/// that was made anew, a disk that was not written) are the only reason.
const ASK: Duration = Duration::from_secs(3600);

/// One estate, written down.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    /// What it says.
    pub estate: Estate,
}

impl Record {
    /// That of an estate, which need not be written yet.
    pub fn of(estate: Estate, world: &World) -> Result<Self, WorldError> {
        Ok(Self { path: folder(world)?.join(format!("{}.json", estate.run)), estate })
    }

    /// Writes it, whole or not at all.
    pub fn write(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(&self.estate)?)?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }

    /// Removes it, when there is nothing left to remember.
    pub fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Those that are there. What cannot be read is not one of ours.
    pub fn all(world: &World) -> Vec<Self> {
        let Ok(folder) = folder(world) else { return Vec::new() };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MANY);
        let read = |path: PathBuf| {
            let estate = serde_json::from_slice(&files::read_here(&path, MOST).ok()?).ok()?;
            Some(Self { path, estate })
        };
        entries.map(|entry| entry.path()).filter(|path| is_record(path)).filter_map(read).collect()
    }
}

fn folder(world: &World) -> Result<PathBuf, WorldError> {
    Ok(world.state()?.join("runs"))
}

fn is_record(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// Whether an engine is to be asked for what is left; says yes once, and then not for a while.
pub fn sweep_is_due(kind: EngineKind, world: &World) -> bool {
    let Ok(folder) = folder(world) else { return false };
    let marker = folder.join(format!("{kind}.asked"));
    let now = SystemTime::now();
    let asked = marker.metadata().and_then(|meta| meta.modified());
    // A time to come is that of a clock that was set back.
    let recent = asked.is_ok_and(|asked| now.duration_since(asked).is_ok_and(|age| age < ASK));
    !recent && fs::write(marker, "").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_until_they_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::read().unwrap();
        world.env.insert("XDG_STATE_HOME".to_owned(), dir.path().to_string_lossy().into_owned());
        assert!(Record::all(&world).is_empty());
        assert!(!sweep_is_due(EngineKind::Docker, &world), "where nothing can be noted");
        let estate = |run: &str| Estate {
            owner: "m:b:1:2:3".to_owned(),
            run: run.to_owned(),
            kind: EngineKind::Docker,
            program: "/bin/client".into(),
            folders: vec!["/cache/tmp/x".into()],
            temporary: "/tmp/dwf-build-2-3-".into(),
        };
        let records = ["a", "b"].map(|run| Record::of(estate(run), &world).unwrap());
        records.iter().for_each(|record| record.write().unwrap());
        let folder = dir.path().join("devflow/runs");
        fs::write(folder.join("broken.json"), "{").unwrap();
        fs::write(folder.join("a.tmp"), "{}").unwrap();
        fs::create_dir(folder.join("folder.json")).unwrap();
        std::os::unix::fs::symlink(folder.join("a.json"), folder.join("link.json")).unwrap();
        let found = || {
            let mut runs: Vec<String> =
                Record::all(&world).into_iter().map(|record| record.estate.run).collect();
            runs.sort();
            runs
        };
        assert_eq!(found(), ["a", "b"]);
        records[0].remove();
        assert_eq!(found(), ["b"]);

        assert!(sweep_is_due(EngineKind::Docker, &world));
        assert!(!sweep_is_due(EngineKind::Docker, &world));
        assert!(sweep_is_due(EngineKind::Podman, &world));
        let marker = fs::File::options().write(true).open(folder.join("docker.asked")).unwrap();
        for (time, due) in [(SystemTime::now() - ASK, true), (SystemTime::now() + ASK, true)] {
            marker.set_modified(time).unwrap();
            assert_eq!(sweep_is_due(EngineKind::Docker, &world), due);
        }
    }
}
