//! What a run uses, for as long as it lives.

use std::fs::File;
use std::path::Path;

use nix::fcntl::Flock;

use devflow_protocol::message::ManagedBy;

use super::index::Index;
use super::now;
use super::record::{Known, Owner, Record, Volumes};
use super::root::CacheError;
use super::slot::Slot;
use crate::lower::CachePlace;

/// An entry that a run is about to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Where it is.
    pub slot: Slot,
    /// Who uses it.
    pub owner: Owner,
    /// Its volumes, where it is no folder.
    pub volumes: Option<Volumes>,
}

impl Claim {
    /// What the action of a stack uses of a root, in an environment.
    pub fn of(place: &CachePlace<'_>, root: &Path, workspace: &Path, environment: &str) -> Option<Self> {
        let slot = Slot::at(place.disk.strip_prefix(root).ok()?)?;
        let owner = Owner {
            workspace: workspace.to_str().map(str::to_owned),
            member: Some(place.stack.member.to_string()),
            stack: Some(place.stack.stack.to_string()),
            environment: matches!(slot, Slot::Environment(..)).then(|| environment.to_owned()),
            managed: place.cache.managed == Some(ManagedBy::Tool),
        };
        Some(Self { slot, owner, volumes: None })
    }

    /// What a run writes over read-only downloads.
    pub fn layers(run: &str, workspace: &Path) -> Self {
        let workspace = workspace.to_str().map(str::to_owned);
        let owner = Owner { workspace, ..Owner::default() };
        Self { slot: Slot::Layers(run.to_owned()), owner, volumes: None }
    }
}

/// The entries of a run. They are in use until this value is dropped, or its process is gone.
#[derive(Debug)]
pub struct Uses {
    index: Index,
    held: Vec<(Slot, Record, Option<Flock<File>>)>,
    fresh: bool,
}

impl Uses {
    /// Says that these are in use, before they are made.
    pub fn take(index: Index, mut claims: Vec<Claim>) -> Result<Self, CacheError> {
        claims.sort_by(|a, b| a.slot.cmp(&b.slot));
        claims.dedup_by(|a, b| a.slot == b.slot);
        let mut uses = Self { index, held: Vec::new(), fresh: false };
        for Claim { slot, owner, volumes } in claims {
            let lock = uses.index.share(&slot)?;
            let before = match uses.index.read(&slot) {
                Known::Record(record) => record.volumes,
                Known::Nothing => {
                    uses.fresh |= !matches!(slot, Slot::Layers(_));
                    None
                }
                Known::Newer | Known::Broken(_) => None,
            };
            // What an earlier backend left is still this entry's.
            let record = Record::new(owner, volumes.or(before), now());
            uses.write(&slot, &record);
            uses.held.push((slot, record, lock));
        }
        Ok(uses)
    }

    /// Whether an entry is new.
    pub fn fresh(&self) -> bool {
        self.fresh
    }

    /// The index they are in.
    pub fn index(&self) -> &Index {
        &self.index
    }

    // Not knowing who used a cache is no reason not to run.
    fn write(&self, slot: &Slot, record: &Record) {
        if let Err(error) = self.index.write(slot, record) {
            tracing::debug!(target: "devflow::cache", "{slot}: {error}");
        }
    }
}

impl Drop for Uses {
    fn drop(&mut self) {
        for (slot, mut record, lock) in std::mem::take(&mut self.held) {
            match slot {
                // These went with their run, unless something kept them.
                Slot::Layers(_) if self.index.below(&slot.parts()).is_err() => self.index.forget(&slot),
                _ => {
                    record.used = now();
                    self.write(&slot, &record);
                }
            }
            drop(lock);
        }
    }
}
