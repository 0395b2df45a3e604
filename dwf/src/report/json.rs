//! The run as JSON, for programs. `dwf/schema/report-1.schema.json` says what is in it.
//!
//! Invariant: within a version, members are added only.

use std::time::Duration;

use serde::Serialize;

use super::junit::{CaseResult, Taken};
use super::ledger::{Entry, Ledger, Told};

/// The version of the schema.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Run<'a> {
    version: u32,
    dwf: &'static str,
    project: Option<&'a str>,
    plan: Option<&'a str>,
    fingerprint: Option<&'a str>,
    profile: Option<&'a str>,
    engine: Option<Engine<'a>>,
    outcome: &'static str,
    error: Option<&'a str>,
    elapsed_s: f64,
    actions: Vec<Action<'a>>,
}

#[derive(Serialize)]
struct Engine<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Action<'a> {
    name: String,
    member: &'a str,
    stack: Option<&'a str>,
    command: &'a str,
    outcome: &'static str,
    reason: Option<&'a str>,
    start_s: Option<f64>,
    elapsed_s: Option<f64>,
    cpu_s: Option<f64>,
    peak_kib: Option<u64>,
    reproduce: Option<&'a str>,
    reports: Vec<Report<'a>>,
}

#[derive(Serialize)]
struct Report<'a> {
    format: &'static str,
    path: &'a str,
    tests: usize,
    failed: usize,
    skipped: usize,
    problem: Option<&'a str>,
}

/// The JSON of a run that took this long.
pub fn whole(ledger: &Ledger, elapsed: Duration) -> serde_json::Result<String> {
    let facts = &ledger.facts;
    let run = Run {
        version: VERSION,
        dwf: env!("CARGO_PKG_VERSION"),
        project: facts.project.as_deref(),
        plan: facts.plan.as_deref(),
        fingerprint: facts.fingerprint.as_deref(),
        profile: facts.profile.as_deref(),
        engine: facts.engine.as_ref().map(|(name, version)| Engine { name, version }),
        outcome: if ledger.is_good() { "passed" } else { "failed" },
        error: facts.error.as_deref(),
        elapsed_s: seconds(elapsed),
        actions: ledger.entries.values().map(action).collect(),
    };
    serde_json::to_string_pretty(&run).map(|text| text + "\n")
}

fn action(entry: &Entry) -> Action<'_> {
    let name = &entry.name;
    // A session that was lost tells no numbers.
    let used = entry.used.filter(|_| entry.told != Told::NotRun);
    Action {
        name: name.to_string(),
        member: name.member.as_str(),
        stack: name.stack.as_ref().map(|stack| stack.as_str()),
        command: name.command.as_str(),
        outcome: entry.told.word(),
        reason: entry.reason.as_deref(),
        start_s: entry.start.map(seconds),
        elapsed_s: used.map(|used| seconds(used.elapsed)),
        cpu_s: used.map(|used| seconds(used.cpu)),
        peak_kib: used.map(|used| used.peak_kib),
        reproduce: entry.reproduce.as_deref(),
        reports: entry.taken.iter().map(report).collect(),
    }
}

fn report(taken: &Taken) -> Report<'_> {
    let count =
        |wanted: fn(&CaseResult) -> bool| taken.cases.iter().filter(|case| wanted(&case.result)).count();
    Report {
        format: "junit",
        path: &taken.path,
        tests: taken.cases.len(),
        failed: count(|result| matches!(result, CaseResult::Failed { .. })),
        skipped: count(|result| matches!(result, CaseResult::Skipped(_))),
        problem: taken.problem.as_deref(),
    }
}

/// Seconds with three digits behind the point.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
