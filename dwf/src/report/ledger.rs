//! What became of every action, for the reports and the end of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::event::{Outcome, Used};
use super::junit::Taken;
use super::kept::Kept;
use super::source::Source;
use crate::name::FullName;

/// How an action came out, as reports tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Told {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// Its time was over.
    TimedOut,
    /// It was ended.
    Cancelled,
    /// It never started.
    #[default]
    NotRun,
    /// There was nothing to do.
    Skipped,
}

impl Told {
    /// As it stands in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::NotRun => "not run",
            Self::Skipped => "skipped",
        }
    }
}

/// One action.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: FullName,
    /// How it came out.
    pub told: Told,
    /// Why.
    pub reason: Option<String>,
    /// When it started, from the run's beginning.
    pub start: Option<Duration>,
    /// What it took.
    pub used: Option<Used>,
    /// The line that runs it again.
    pub reproduce: Option<String>,
    /// What it wrote, where that is still of use.
    pub output: Option<Kept>,
    /// Where its tools' reports are.
    pub sources: Vec<Source>,
    /// What was in them.
    pub taken: Vec<Taken>,
}

impl Entry {
    /// An action of which nothing has been heard.
    pub fn new(name: FullName) -> Self {
        Self {
            name,
            told: Told::default(),
            reason: None,
            start: None,
            used: None,
            reproduce: None,
            output: None,
            sources: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Whether it failed by itself.
    pub fn has_failed(&self) -> bool {
        matches!(self.told, Told::Failed | Told::TimedOut)
    }
}

/// What is known of the run as a whole.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The project's name.
    pub project: Option<String>,
    /// The project's root.
    pub root: Option<PathBuf>,
    /// The project's root as actions see it.
    pub workspace: Option<String>,
    /// The plan's digest.
    pub plan: Option<String>,
    /// The image's identity.
    pub fingerprint: Option<String>,
    /// Where actions run.
    pub profile: Option<String>,
    /// The engine's name and version.
    pub engine: Option<(String, String)>,
    /// What went wrong with the run itself.
    pub error: Option<String>,
}

/// The whole run.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What is known of it.
    pub facts: Facts,
    /// Its actions, by name.
    pub entries: BTreeMap<FullName, Entry>,
}

impl Ledger {
    /// The entry of an action, which is made when there is none.
    pub fn entry(&mut self, name: &FullName) -> &mut Entry {
        self.entries.entry(name.clone()).or_insert_with(|| Entry::new(name.clone()))
    }

    /// Notes how an action ended.
    pub fn finished(&mut self, name: &FullName, outcome: &Outcome, used: Used) {
        let entry = self.entry(name);
        entry.told = match outcome {
            Outcome::Passed => Told::Passed,
            Outcome::Failed(_) => Told::Failed,
            Outcome::TimedOut(_) => Told::TimedOut,
            Outcome::Cancelled(_) => Told::Cancelled,
        };
        entry.reason = match outcome {
            Outcome::Failed(reason) | Outcome::TimedOut(reason) | Outcome::Cancelled(reason) => {
                Some(reason.clone())
            }
            Outcome::Passed => None,
        };
        entry.used = Some(used);
    }

    /// Notes that an action did not run, or had nothing to do.
    pub fn left(&mut self, name: &FullName, told: Told, because: &str) {
        let entry = self.entry(name);
        entry.told = told;
        // The outcome says that already.
        entry.reason = Some(because.strip_prefix("not run: ").unwrap_or(because).to_owned());
    }

    /// Whether everything that was there came out well.
    pub fn is_good(&self) -> bool {
        let good = |entry: &Entry| matches!(entry.told, Told::Passed | Told::Skipped);
        self.facts.error.is_none() && self.entries.values().all(good)
    }
}
