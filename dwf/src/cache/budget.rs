//! Which entries may go.

use std::cmp::Reverse;
use std::time::Duration;

use super::slot::Slot;
use super::survey::Entry;

/// What a cache root may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// What was not used for longer goes.
    pub max_age: Option<Duration>,
    /// Where there is more, the longest unused goes.
    pub max_size: Option<u64>,
    /// Whether what belonged to a workspace that is gone goes in any case; it is always the first to go.
    pub gone: bool,
    /// Whether caches that their tools keep small are counted, and go, as others do.
    pub managed: bool,
}

/// Why something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is within the budget.
    Fits,
    /// A run uses it.
    InUse,
    /// Its tool keeps it small.
    Managed,
    /// A newer dwf knows what it is.
    Newer,
    /// It cannot be removed.
    Refused,
    /// It would have gone, had there been the time.
    Later,
}

/// Why something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remove {
    /// Its run is over.
    Over,
    /// Its workspace is gone.
    Gone,
    /// It was not used for too long.
    Age,
    /// All together are too large.
    Size,
}

/// What is to be done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep(Keep),
    /// It goes.
    Remove(Remove),
}

impl Keep {
    /// In a few words.
    pub fn because(self) -> &'static str {
        match self {
            Self::Fits => "",
            Self::InUse => "in use",
            Self::Managed => "its tool keeps it small",
            Self::Newer => "a newer dwf wrote about it",
            Self::Refused => "it cannot be removed",
            Self::Later => "the next time",
        }
    }
}

impl Remove {
    /// In a few words.
    pub fn because(self) -> &'static str {
        match self {
            Self::Over => "its run is over",
            Self::Gone => "its workspace is gone",
            Self::Age => "too long unused",
            Self::Size => "the longest unused, and too much in all",
        }
    }
}

/// Judges every entry, in the order of the entries.
pub fn judge(entries: &[Entry], budget: &Budget, now: u64) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = entries.iter().map(|entry| alone(entry, budget, now)).collect();
    let Some(most) = budget.max_size else { return verdicts };
    let counts = |entry: &Entry, verdict: &Verdict| {
        matches!(verdict, Verdict::Keep(keep) if *keep != Keep::Managed)
            && (budget.managed || !is_managed(entry))
    };
    let pairs = || entries.iter().zip(&verdicts);
    let mut total: u64 = pairs().filter(|(e, v)| counts(e, v)).map(|(entry, _)| entry.size.bytes).sum();
    let fits = |(_, (entry, verdict)): &(usize, (&Entry, &Verdict))| {
        **verdict == Verdict::Keep(Keep::Fits) && entry.size.bytes > 0
    };
    let mut order: Vec<usize> = pairs().enumerate().filter(fits).map(|(at, _)| at).collect();
    // What was used in a time to come was just used, like everything else of that kind.
    order.sort_by_key(|at| (Reverse(entries[*at].gone), entries[*at].used.min(now), &entries[*at].slot));
    for at in order {
        if total <= most {
            break;
        }
        total = total.saturating_sub(entries[at].size.bytes);
        verdicts[at] = Verdict::Remove(Remove::Size);
    }
    verdicts
}

/// Judges an entry whatever the others are.
fn alone(entry: &Entry, budget: &Budget, now: u64) -> Verdict {
    let age = Duration::from_secs(now.saturating_sub(entry.used));
    if entry.in_use {
        Verdict::Keep(Keep::InUse)
    } else if entry.newer {
        Verdict::Keep(Keep::Newer)
    } else if matches!(entry.slot, Slot::Layers(_)) {
        Verdict::Remove(Remove::Over)
    } else if budget.gone && entry.gone {
        Verdict::Remove(Remove::Gone)
    } else if is_managed(entry) && !budget.managed {
        Verdict::Keep(Keep::Managed)
    } else if budget.max_age.is_some_and(|most| age > most) {
        Verdict::Remove(Remove::Age)
    } else {
        Verdict::Keep(Keep::Fits)
    }
}

fn is_managed(entry: &Entry) -> bool {
    entry.owner.as_ref().is_some_and(|owner| owner.managed)
}
