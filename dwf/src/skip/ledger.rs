//! What is decided about a plan, and what its run writes down.
//!
//! Invariant: an action is forgotten before it starts, and a success is written down only when its inputs are at the
//! end what they were before it began.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use devflow_oci::Fingerprint;
use devflow_oci::fingerprint::{Inputs, diff};
use devflow_oci::hash::sha256_framed;

use super::SkipError;
use super::decide::{Because, Known, Verdict, decide, told};
use super::outputs::{Place, look};
use super::record::{Left, State, Success, made};
use super::store::{Earlier, Store};
use super::survey::{Files, Seen, SeenAction, Survey};
use crate::identity::apart;
use crate::name::FullName;
use crate::plan::{Action, Plan};
use crate::report::Outcome;

/// What is known of the actions of one run, in the plan's order.
#[derive(Debug, Clone)]
pub struct Ledger {
    entries: Vec<Entry>,
    lists: Vec<Inputs>,
    found: Vec<Fingerprint>,
    store: Store,
    root: PathBuf,
    run: String,
}

#[derive(Debug, Clone)]
struct Entry {
    name: FullName,
    verdict: Verdict,
    key: BTreeMap<String, String>,
    files: Files,
    places: BTreeMap<String, Place>,
    needs: Vec<usize>,
    earlier: Earlier,
    /// Its success in this run.
    success: Option<Success>,
}

impl Entry {
    fn earlier(&self) -> Option<&Success> {
        match &self.earlier {
            Earlier::Known(State::Passed(success)) => Some(success),
            _ => None,
        }
    }

    /// What those that need it compare.
    fn made(&self) -> Option<String> {
        let earlier = || self.earlier().filter(|_| self.verdict == Verdict::Unchanged);
        self.success.as_ref().or_else(earlier).map(|success| made(&success.outputs, &success.run))
    }
}

impl Ledger {
    pub(super) fn new(survey: &Survey, seen: Seen) -> Self {
        let verdicts = verdicts(survey, &seen);
        let plan = &survey.plan;
        let entry = |((action, seen), verdict): ((&Action, SeenAction), Verdict)| Entry {
            name: action.name.clone(),
            verdict,
            key: seen.key,
            files: seen.files,
            places: seen.places,
            needs: indices(plan, &action.needs),
            earlier: seen.earlier,
            success: None,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self {
            entries: plan.actions.iter().zip(seen.actions).zip(verdicts).map(entry).collect(),
            lists: seen.lists,
            found: seen.found,
            store: survey.store.clone(),
            root: survey.root.clone(),
            run: sha256_framed([now.to_be_bytes().as_slice(), &std::process::id().to_be_bytes()]),
        }
    }

    /// The actions that need not run, whatever the others do.
    pub fn unchanged(&self) -> impl Iterator<Item = usize> {
        let unchanged = |at: &usize| self.entries[*at].verdict == Verdict::Unchanged;
        (0..self.entries.len()).filter(unchanged)
    }

    /// Why an action runs, if it does.
    pub fn because(&self, at: usize) -> Option<String> {
        let entry = self.entries.get(at)?;
        match &entry.verdict {
            Verdict::Unchanged => None,
            Verdict::Waits => Some("what it needs runs, unless that makes the same again".to_owned()),
            Verdict::Runs(because) => Some(self.changes(entry, because).unwrap_or(because.to_string())),
        }
    }

    /// The input files that changed.
    fn changes(&self, entry: &Entry, because: &Because) -> Option<String> {
        let Because::Files(before) = because else { return None };
        let now = self.found.get(*entry.files.as_ref().ok()?)?;
        told(&diff(&self.store.lists().recall(before).ok()?.records, &now.records))
    }

    /// Whether an action that may start now need not, because what it needs has made the same again.
    pub async fn settles(&mut self, at: usize) -> bool {
        let Some(entry) = self.entries.get(at).filter(|entry| entry.verdict == Verdict::Waits) else {
            return false;
        };
        let other = entry.needs.iter().map(|need| &self.entries[*need]).find(|need| {
            let before = entry.earlier().and_then(|success| success.needs.get(&need.name.to_string()));
            need.made().is_none_or(|made| before != Some(&made))
        });
        let verdict = match other {
            Some(need) => Verdict::Runs(Because::Need(need.name.clone())),
            None => self.look_again(entry).await,
        };
        let settled = verdict == Verdict::Unchanged;
        self.entries[at].verdict = verdict;
        settled
    }

    /// What was needed ran in between, and may have done more than it says.
    async fn look_again(&self, entry: &Entry) -> Verdict {
        let (Some(success), Ok(list)) = (entry.earlier(), &entry.files) else {
            return Verdict::Runs(Because::NoRun);
        };
        let (root, list, places) = (self.root.clone(), self.lists[*list].clone(), entry.places.clone());
        let (found, outputs) =
            apart(move || (Fingerprint::compute(&root, &list), super::survey::seen(&places))).await;
        if !found.is_ok_and(|found| found.hex == success.inputs) {
            return Verdict::Runs(Because::Files(success.inputs.clone()));
        }
        let still = |(name, now): (&String, &Option<Left>)| {
            success.outputs.get(name).zip(now.as_ref()).is_some_and(|(left, now)| left.still(now))
        };
        match outputs.iter().find(|output| !still(*output)) {
            Some((name, _)) => Verdict::Runs(Because::Output(name.clone())),
            None => Verdict::Unchanged,
        }
    }

    /// Forgets what was known of an action that is about to start.
    pub fn begin(&mut self, at: usize) -> Result<(), SkipError> {
        match self.entries.get(at) {
            Some(entry) => self.store.write(&entry.name, State::Started),
            None => Ok(()),
        }
    }

    /// Hears how an action ended.
    pub async fn ended(&mut self, at: usize, outcome: &Outcome) -> Result<(), SkipError> {
        let Some(entry) = self.entries.get(at) else { return Ok(()) };
        match outcome {
            Outcome::Failed(_) | Outcome::TimedOut(_) => return self.store.write(&entry.name, State::Failed),
            Outcome::Cancelled(_) => return self.store.write(&entry.name, State::Stopped),
            Outcome::Passed => {}
        }
        let places = entry.places.clone();
        let outputs = apart(move || {
            let left = |(name, place): (&String, &Place)| Some((name.clone(), look(place)?));
            places.iter().filter_map(left).collect::<BTreeMap<_, _>>()
        })
        .await;
        let entry = &self.entries[at];
        let made = |need: &usize| {
            let need = self.entries.get(*need)?;
            Some((need.name.to_string(), need.made()?))
        };
        let success = Success {
            run: self.run.clone(),
            key: entry.key.clone(),
            inputs: self.digest(entry).unwrap_or_default(),
            needs: entry.needs.iter().filter_map(made).collect(),
            outputs,
        };
        self.entries[at].success = Some(success);
        Ok(())
    }

    fn digest(&self, entry: &Entry) -> Option<String> {
        self.found.get(*entry.files.as_ref().ok()?).map(|found| found.hex.clone())
    }

    /// Writes down what succeeded.
    pub async fn finish(&mut self) {
        if self.entries.iter().all(|entry| entry.success.is_none()) {
            return;
        }
        let (root, lists) = (self.root.clone(), self.lists.clone());
        let now = apart(move || Fingerprint::compute_each(&root, &lists)).await;
        for entry in &mut self.entries {
            let Some(success) = entry.success.take() else { continue };
            let list = entry.files.as_ref().ok();
            let found = list.and_then(|at| self.found.get(*at));
            let state = match (&now, list.zip(found)) {
                (Err(error), _) => State::Changed(error.to_string()),
                // That it has none is found out again.
                (Ok(_), None) => State::Passed(Box::new(success)),
                (Ok(now), Some((at, found))) => match diff(&found.records, &now[*at].records).first() {
                    Some(change) => State::Changed(path(change).to_owned()),
                    None => {
                        // It is for the explanation only.
                        let _ = self.store.lists().keep(found);
                        State::Passed(Box::new(success))
                    }
                },
            };
            if let Err(error) = self.store.write(&entry.name, state) {
                tracing::debug!(target: "devflow::skip", "{error}");
            }
        }
    }
}

fn path(change: &devflow_oci::fingerprint::Change) -> &str {
    use devflow_oci::fingerprint::Change;

    match change {
        Change::Added(record) | Change::Removed(record) | Change::Changed { to: record, .. } => &record.path,
    }
}

fn verdicts(survey: &Survey, seen: &Seen) -> Vec<Verdict> {
    let plan = &survey.plan;
    let writers: Vec<(&FullName, Vec<usize>)> = plan
        .actions
        .iter()
        .filter(|action| action.writes)
        .map(|action| (&action.name, before(plan, action)))
        .collect();
    let must = |at: usize, action: &Action| {
        let writer = writers.iter().find(|(_, before)| !before.contains(&at));
        match writer {
            _ if survey.all.is_some() => survey.all.clone().map(Because::All),
            _ if survey.asked && action.requested => Some(Because::Asked),
            _ if action.writes => Some(Because::Writes),
            _ if !action.services.is_empty() => Some(Because::Services),
            _ if asks(action) => Some(Because::Published),
            Some((name, _)) => Some(Because::Writer((*name).clone())),
            None => None,
        }
    };
    let mut all: Vec<Known<'_>> = Vec::new();
    for (at, (action, own)) in plan.actions.iter().zip(&seen.actions).enumerate() {
        all.push(Known {
            name: &action.name,
            must: must(at, action),
            earlier: &own.earlier,
            key: &own.key,
            inputs: match &own.files {
                Ok(list) => seen.found.get(*list).map(|found| found.hex.as_str()).ok_or("they were not read"),
                Err(reason) => Err(reason.as_str()),
            },
            outputs: &own.outputs,
            needs: indices(plan, &action.needs),
            after: indices(plan, &action.after),
        });
    }
    decide(&all)
}

/// Whether an outcome depends on what others publish: known vulnerabilities, or what is downloaded and leaves nothing
/// behind that could be looked at.
fn asks(action: &Action) -> bool {
    action.name.command.as_str() == "lint:security" || (action.fetches && action.outputs.is_empty())
}

/// The places of actions.
fn indices(plan: &Plan, names: &[FullName]) -> Vec<usize> {
    names.iter().filter_map(|name| plan.actions.iter().position(|action| action.name == *name)).collect()
}

/// All that has ended before an action starts.
fn before(plan: &Plan, action: &Action) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = indices(plan, &action.needs);
    while let Some(at) = open.pop() {
        if !found.contains(&at) {
            found.push(at);
            open.extend(indices(plan, &plan.actions[at].needs));
        }
    }
    found
}
