//! What is left when dwf is killed: its containers, what it had started, its folders; and how that is removed.
//!
//! Invariant: only what carries an owner's own label, name or mark is touched, and nothing is called gone before several
//! looks in a row have found none of it.

mod containers;
mod folder;
mod record;

use std::path::PathBuf;
use std::time::Duration;

use devflow_oci::{Engine, EngineKind, Version, lifecycle};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::engine::run;
use crate::owner::{MARK, Owner};
use crate::process::{Marked, marked};
use crate::world::World;

pub use containers::{Found, containers};
pub use folder::remove_layers;
pub use record::{Record, sweep_is_due};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(60);
/// Looks in a row that have to find nothing: an engine may still make what a client that is gone had asked for.
const LOOKS: u8 = 3;
/// How often a folder is tried that cannot be removed.
const REMOVALS: u8 = 30;
/// For one call of the engine's client.
const CALL: Duration = Duration::from_secs(10);
/// How long what was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(3);
/// For the whole; an engine that does not answer by then is somebody else's to repair.
const WHOLE: Duration = Duration::from_secs(30);
/// The first word of an engine's client that builds an image.
const BUILD: &str = "build";

/// All that a run of dwf could leave on one engine and on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estate {
    /// Whose it is.
    pub owner: String,
    /// The run's id, which its containers' names hold.
    pub run: String,
    /// Whose command line the engine's client understands.
    pub kind: EngineKind,
    /// The engine's client.
    pub program: PathBuf,
    /// The folders of the run.
    pub folders: Vec<PathBuf>,
    /// How its temporary folders begin.
    pub temporary: PathBuf,
}

impl Estate {
    /// The engine, as far as removing needs to know it.
    pub fn engine(&self) -> Engine {
        Engine::new(self.kind, &self.program, Version::default())
    }

    /// Its owner; `None` when nobody can say who that was.
    pub fn owner(&self) -> Option<Owner> {
        self.owner.parse().ok()
    }

    /// Whether a container is of this run. One that Podman has half made has lost its labels, and only its name tells.
    fn has(&self, found: &Found) -> bool {
        match &found.owner {
            Some(owner) => *owner == self.owner,
            None => found.name.starts_with(&self.prefix()),
        }
    }

    /// How its containers' names begin.
    pub fn prefix(&self) -> String {
        format!("dwf-{}-", self.run)
    }

    /// Ends and removes all of it; whether that was done.
    pub async fn settle(&self, world: &World) -> bool {
        let (mark, name) = (format!("{MARK}={}", self.owner), format!("--name={}", self.prefix()));
        let begun = Instant::now();
        let mut asked = Vec::new();
        let mut quiet = 0;
        while quiet < LOOKS {
            if begun.elapsed() > WHOLE {
                return false;
            }
            let clients = marked(&mark, &name);
            for client in &clients {
                self.end(*client, begun.elapsed() > GRACE, &mut asked);
            }
            let gone = self.remove_containers(world).await && clients.is_empty();
            quiet = if gone { quiet + 1 } else { 0 };
            sleep(LOOK).await;
        }
        self.folders.iter().for_each(|folder| remove_layers(folder));
        // What was built in may still be mounted for a moment after its client has gone.
        for _ in 0..REMOVALS {
            let left = folder::beginning(&self.temporary, world.uid);
            if left.is_empty() {
                break;
            }
            left.iter().for_each(|folder| folder::remove(folder));
            sleep(LOOK).await;
        }
        true
    }

    /// Its folders that are there.
    pub fn on_disk(&self, uid: u32) -> Vec<PathBuf> {
        let own = self.folders.iter().filter(|folder| folder.is_dir()).cloned();
        own.chain(folder::beginning(&self.temporary, uid)).collect()
    }

    /// A client that is killed may have asked for a container that is not there yet, so it may end by itself first; one
    /// that is asked several times gives up.
    fn end(&self, client: Marked, kill: bool, asked: &mut Vec<Marked>) {
        if kill {
            client.kill();
        } else if self.kind == EngineKind::Podman && client.begins(BUILD) {
            // Asked itself, it would leave the containers that it builds in.
            client.ask_workers();
        } else if !asked.contains(&client) {
            client.ask();
            asked.push(client);
        }
    }

    /// Removes the containers; whether there were none.
    async fn remove_containers(&self, world: &World) -> bool {
        let engine = self.engine();
        let Ok(found) = containers(&engine, world).await else { return false };
        let own: Vec<Found> = found.into_iter().filter(|found| self.has(found)).collect();
        for container in &own {
            // The next look says whether it is gone.
            let _ = run(&lifecycle::remove(&engine, &container.name), world, CALL).await;
        }
        own.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_whose_it_is_and_a_name_only_where_there_is_none() {
        let estate = Estate {
            owner: "m:b:1:2:3".to_owned(),
            run: "0123456789ab".to_owned(),
            kind: EngineKind::Podman,
            program: "/usr/bin/client".into(),
            folders: Vec::new(),
            temporary: "/tmp/dwf-build-2-3-".into(),
        };
        let check = |name: &str, owner: Option<&str>| {
            estate.has(&Found { name: name.to_owned(), owner: owner.map(str::to_owned) })
        };
        assert!(check("dwf-0123456789ab-check", Some("m:b:1:2:3")));
        assert!(check("dwf-scan-x", Some("m:b:1:2:3")));
        assert!(check("dwf-0123456789ab-check-2", None));
        assert!(!check("dwf-0123456789ab-check", Some("m:b:1:2:4")));
        assert!(!check("dwf-0123456789ac-check", None));
        assert!(!check("dwf-0123456789ab", None));
        let json = serde_json::to_string(&estate).unwrap();
        assert_eq!(serde_json::from_str::<Estate>(&json).unwrap(), estate);
    }
}
