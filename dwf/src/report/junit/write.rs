//! One JUnit report of the whole run.
//!
//! Every action is a testcase of the first suite, whatever its tools reported; what they reported
//! follows, a suite for each, named for the action.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Case, CaseResult, Taken};
use crate::report::ledger::{Entry, Ledger, Told};
use crate::report::text::plain;

/// Bytes of a failed action's output.
const OUTPUT: u64 = 64 << 10;
/// Tests in the whole report.
const CASES: usize = 200_000;

/// The report of a run that took this long.
pub fn whole(ledger: &mut Ledger, elapsed: Duration) -> Result<String, SerializeError> {
    let mut report = Report::new("dwf");
    report.set_time(elapsed);
    let project = ledger.facts.project.as_deref().unwrap_or("project");
    let mut gate = TestSuite::new(format!("dwf: {}", clean(project)));
    if let Some(error) = &ledger.facts.error {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(clean(error));
        let mut case = TestCase::new("the run", status);
        case.set_classname("dwf");
        gate.add_test_case(case);
    }
    let mut left = CASES;
    let mut suites = Vec::new();
    for entry in ledger.entries.values_mut() {
        gate.add_test_case(action(entry));
        for taken in &entry.taken {
            suites.extend(self::suites(&entry.name.to_string(), taken, &mut left));
        }
    }
    report.add_test_suite(gate);
    report.add_test_suites(suites);
    report.to_string()
}

fn action(entry: &mut Entry) -> TestCase {
    let reason = entry.reason.clone().unwrap_or_else(|| entry.told.word().to_owned());
    let mut status = match entry.told {
        Told::Passed => TestCaseStatus::success(),
        Told::Failed | Told::TimedOut => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(entry.told.word());
            status
        }
        Told::Cancelled | Told::NotRun | Told::Skipped => TestCaseStatus::skipped(),
    };
    if entry.told != Told::Passed {
        status.set_message(clean(&reason));
    }
    if let (Told::Failed | Told::TimedOut, Some(line)) = (entry.told, &entry.reproduce) {
        status.set_description(clean(&format!("reproduce: {line}")));
    }
    let name = entry.name.to_string();
    let class = name.rsplit_once('/').map_or("dwf", |(stack, _)| stack);
    let mut case = TestCase::new(clean(&name), status);
    case.set_classname(clean(class));
    if let Some(used) = entry.used {
        case.set_time(used.elapsed);
    }
    let problems = entry
        .taken
        .iter()
        .filter_map(|taken| Some(format!("[dwf: the report {}: {}]\n", taken.path, taken.problem.as_ref()?)));
    let mut out: String = problems.collect();
    if let Some(kept) = &mut entry.output {
        out.push_str(&plain(&kept.end(OUTPUT)));
    }
    if !out.is_empty() {
        case.set_system_out(clean(&out));
    }
    case
}

/// The suites of one report, in their order; tests of one suite that are apart come together.
fn suites(action: &str, taken: &Taken, left: &mut usize) -> Vec<TestSuite> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut suites: Vec<TestSuite> = Vec::new();
    for case in &taken.cases {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let at = *places.entry(&case.suite).or_insert_with(|| {
            let name = format!("{action} {}", case.suite);
            suites.push(TestSuite::new(clean(name.trim_end())));
            suites.len() - 1
        });
        suites[at].add_test_case(test(case));
    }
    suites
}

fn test(case: &Case) -> TestCase {
    let status = match &case.result {
        CaseResult::Passed => TestCaseStatus::success(),
        CaseResult::Failed { error, message, text } => {
            let kind = if *error { NonSuccessKind::Error } else { NonSuccessKind::Failure };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(clean(message));
            status.set_description(clean(text));
            status
        }
        CaseResult::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(clean(reason));
            status
        }
    };
    let mut out = TestCase::new(clean(&case.name), status);
    out.set_classname(clean(&case.class));
    if let Some(time) = case.time {
        out.set_time(time);
    }
    out
}

/// Text that XML can hold, without colours.
fn clean(text: &str) -> String {
    let text = plain(text.as_bytes()).replace('\t', "    ");
    let held =
        |c: &char| *c == '\n' || (*c >= ' ' && !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}'));
    text.chars().filter(held).collect()
}
