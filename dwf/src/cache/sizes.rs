//! What entries took when they were last measured, so that not every run measures them again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::index::Index;
use super::slot::Slot;
use super::tree::Size;
use crate::files;

const FILE: &str = "sizes.json";
const MOST: u64 = 16 << 20;
/// Seconds after which the budgets are looked at again.
const CHECK: u64 = 24 * 60 * 60;

/// The sizes of a root's entries. They are worth a measurement, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// When the budgets were last looked at.
    #[serde(default)]
    checked: u64,
    #[serde(default)]
    entries: BTreeMap<String, Measured>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Measured {
    bytes: u64,
    whole: bool,
    at: u64,
}

impl Sizes {
    /// What is known; nothing where it cannot be read.
    pub fn read(index: &Index) -> Self {
        let bytes = files::read_here(&index.whole(FILE), MOST).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Keeps it for the next time.
    pub fn write(&self, index: &Index) {
        let json = serde_json::to_vec(self).unwrap_or_default();
        if let Err(error) = index.replace(&index.whole(FILE), &json) {
            tracing::debug!(target: "devflow::cache", "sizes are not kept: {error}");
        }
    }

    /// Whether the budgets were not looked at for a day; a time to come counts as none.
    pub fn due(&self, now: u64) -> bool {
        self.checked > now || now - self.checked >= CHECK
    }

    /// The budgets were looked at.
    pub fn check(&mut self, now: u64) {
        self.checked = now;
    }

    /// The size of an entry that was not used since it was measured.
    pub(super) fn current(&self, slot: &Slot, used: u64, now: u64) -> Option<Size> {
        let Measured { bytes, whole, at } = *self.entries.get(&slot.id())?;
        (used < at && at <= now).then_some(Size { bytes, whole })
    }

    pub(super) fn set(&mut self, slot: &Slot, size: Size, at: u64) {
        self.entries.insert(slot.id(), Measured { bytes: size.bytes, whole: size.whole, at });
    }

    /// Keeps what is about these entries.
    pub(super) fn retain<'a>(&mut self, slots: impl Iterator<Item = &'a Slot>) {
        let ids: std::collections::BTreeSet<String> = slots.map(Slot::id).collect();
        self.entries.retain(|id, _| ids.contains(id));
    }
}
