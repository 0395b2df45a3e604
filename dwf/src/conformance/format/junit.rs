//! JUnit's XML.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::conformance::check::{Done, Outcome};

use super::whole;

/// All of it; `name` is the extension's.
pub fn all(name: &str, all: &[Done]) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(format!("devflow-ext-{name}"));
    suite.add_test_cases(all.iter().map(case));
    let mut report = Report::new("dwf ext check");
    report.add_test_suite(suite);
    report.to_string()
}

fn case(done: &Done) -> TestCase {
    let status = match &done.outcome {
        Outcome::Passed | Outcome::Warned(_) => TestCaseStatus::success(),
        Outcome::Failed(failure) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(failure.what.as_str());
            status.set_description(whole(done, failure).join("\n"));
            status
        }
        Outcome::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    let mut case = TestCase::new(done.check.id, status);
    let (topic, _) = done.check.id.split_once('/').unwrap_or((done.check.id, ""));
    case.set_classname(topic);
    case.set_time(done.took);
    if let Outcome::Warned(warnings) = &done.outcome {
        case.set_system_out(warnings.join("\n"));
    }
    case
}
