//! The cache root: where it is, what is in it and whose, and what may go.
//!
//! Invariant: an entry that a run uses is never taken away, and what is taken away is never half there: it is moved
//! aside in one step, then removed.

mod budget;
mod index;
mod prune;
mod record;
mod root;
mod sizes;
mod slot;
mod survey;
mod tree;
mod uses;

#[cfg(test)]
mod tests;

pub use budget::{Budget, Keep, Verdict, judge};
pub use index::Index;
pub use prune::{Stuck, Swept, empty, sweep};
pub use record::Volumes;
pub use root::{DEFAULT, existing, open, root};
pub use sizes::Sizes;
pub use slot::Slot;
pub use survey::measure_at;
pub use survey::{Entry, Look, survey};
pub use tree::{Limit, Trouble};
pub use uses::{Claim, Uses};

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
