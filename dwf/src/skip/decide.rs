//! What has to run, and why.
//!
//! Invariant: pure. An action runs unless everything says that it need not.

use std::collections::BTreeMap;
use std::fmt;

use devflow_oci::fingerprint::Change;

use super::key::difference;
use super::record::{Left, State, Success, made};
use super::store::Earlier;
use crate::error::printable;
use crate::name::FullName;

/// What is known of one action.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) name: &'a FullName,
    /// Why it runs in any case.
    pub(super) must: Option<Because>,
    pub(super) earlier: &'a Earlier,
    pub(super) key: &'a BTreeMap<String, String>,
    /// The digest of its input files, or why there is none.
    pub(super) inputs: Result<&'a str, &'a str>,
    /// What is at the places of its outputs; `None` where that cannot be told.
    pub(super) outputs: &'a BTreeMap<String, Option<Left>>,
    /// What must have succeeded before, by place.
    pub(super) needs: Vec<usize>,
    /// What must have ended before, by place.
    pub(super) after: Vec<usize>,
}

/// Whether an action has to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No: nothing changed.
    Unchanged,
    /// Not if what it needs makes the same files again.
    Waits,
    /// Yes.
    Runs(Because),
}

/// Why an action runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Because {
    /// For a reason that holds for the whole run.
    All(String),
    /// It was asked for by name.
    Asked,
    /// It changes the sources.
    Writes,
    /// It asks what others publish.
    Published,
    /// It needs services, whose images nobody has looked at.
    Services,
    /// Another one changes the sources first.
    Writer(FullName),
    /// It never ran.
    NoRun,
    /// What is known of it cannot be read.
    Unreadable(String),
    /// Its latest run failed, or was stopped, or nobody saw its end.
    Latest(&'static str),
    /// Its inputs changed while it ran.
    During(String),
    /// A part of it, or of its environment, changed.
    Key(String),
    /// Its files changed; told by their digest before.
    Files(String),
    /// Its files cannot be told.
    NoFiles(String),
    /// An output is not what it was.
    Output(String),
    /// What it needs runs, or has run since.
    Need(FullName),
    /// What it reads may be made anew.
    After(FullName),
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(reason) => f.write_str(reason),
            Self::Asked => f.write_str("it was asked for by name"),
            Self::Writes => f.write_str("it changes the sources"),
            Self::Published => f.write_str("it asks what others publish, which changes by itself"),
            Self::Services => f.write_str("it needs services, and what they are is not known"),
            Self::Writer(name) => write!(f, "{name} may change its inputs"),
            Self::NoRun => f.write_str("there is no earlier run"),
            Self::Unreadable(reason) => write!(f, "the record of its last run is of no use: {reason}"),
            Self::Latest(how) => write!(f, "its last run {how}"),
            Self::During(path) => write!(f, "{} changed while it ran last", printable(path, 200)),
            Self::Key(what) => f.write_str(&printable(what, 200)),
            Self::Files(_) => f.write_str("its inputs changed"),
            Self::NoFiles(reason) => write!(f, "its inputs cannot be told: {}", printable(reason, 200)),
            Self::Output(name) => write!(f, "its output {} is not what it left", printable(name, 200)),
            Self::Need(name) => write!(f, "{name} runs before it, or has run since"),
            Self::After(name) => write!(f, "{name} runs before it and may make what it reads"),
        }
    }
}

/// Decides about a plan, which has no cycles.
pub(super) fn decide(all: &[Known<'_>]) -> Vec<Verdict> {
    let mut decided: Vec<Option<Verdict>> = vec![None; all.len()];
    while decided.contains(&None) {
        let before = decided.clone();
        for (at, known) in all.iter().enumerate().filter(|(at, _)| before[*at].is_none()) {
            let mut earlier = known.needs.iter().chain(&known.after);
            if earlier.all(|other| decided.get(*other).is_some_and(Option::is_some)) {
                decided[at] = Some(one(all, known, &decided));
            }
        }
        if decided == before {
            break;
        }
    }
    // What is left waits for itself; no such plan is made.
    decided.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Runs(Because::NoRun))).collect()
}

fn one(all: &[Known<'_>], known: &Known<'_>, decided: &[Option<Verdict>]) -> Verdict {
    let success = match alone(known) {
        Ok(success) => success,
        Err(because) => return Verdict::Runs(because),
    };
    let verdict = |at: usize| decided[at].as_ref();
    if let Some(after) = known.after.iter().find(|at| verdict(**at) != Some(&Verdict::Unchanged)) {
        return Verdict::Runs(Because::After(all[*after].name.clone()));
    }
    let mut waits = false;
    for &at in &known.needs {
        let need = &all[at];
        let before = success.needs.get(&need.name.to_string());
        let now = match (verdict(at), need.earlier) {
            (Some(Verdict::Unchanged), Earlier::Known(State::Passed(success))) => {
                Some(made(&success.outputs, &success.run))
            }
            _ => None,
        };
        match now {
            Some(now) if before == Some(&now) => {}
            None if before.is_some_and(|before| before.starts_with("files:")) => waits = true,
            _ => return Verdict::Runs(Because::Need(need.name.clone())),
        }
    }
    if waits { Verdict::Waits } else { Verdict::Unchanged }
}

/// Whether nothing of the action itself changed: then its success.
fn alone<'a>(known: &Known<'a>) -> Result<&'a Success, Because> {
    if let Some(must) = &known.must {
        return Err(must.clone());
    }
    let success = match known.earlier {
        Earlier::None => return Err(Because::NoRun),
        Earlier::Unreadable(reason) => return Err(Because::Unreadable(reason.clone())),
        Earlier::Known(State::Started) => return Err(Because::Latest("did not end")),
        Earlier::Known(State::Failed) => return Err(Because::Latest("failed")),
        Earlier::Known(State::Stopped) => return Err(Because::Latest("was stopped")),
        Earlier::Known(State::Changed(path)) => return Err(Because::During(path.clone())),
        Earlier::Known(State::Passed(success)) => success,
    };
    if let Some(what) = difference(&success.key, known.key) {
        return Err(Because::Key(what));
    }
    let inputs = known.inputs.map_err(|reason| Because::NoFiles(reason.to_owned()))?;
    if inputs != success.inputs {
        return Err(Because::Files(success.inputs.clone()));
    }
    for (name, now) in known.outputs {
        let left = success.outputs.get(name);
        if !left.zip(now.as_ref()).is_some_and(|(left, now)| left.still(now)) {
            return Err(Because::Output(name.clone()));
        }
    }
    Ok(success)
}

/// What changed among input files, as a sentence.
pub(super) fn told(changes: &[Change]) -> Option<String> {
    let (path, verb) = match changes.first()? {
        Change::Added(record) => (&record.path, "is new"),
        Change::Removed(record) => (&record.path, "is gone"),
        Change::Changed { to, .. } => (&to.path, "changed"),
    };
    let path = printable(path, 200);
    Some(match changes.len() {
        1 => format!("{path} {verb}"),
        count => format!("{path} {verb}, and {} more", count - 1),
    })
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
