//! `--expect-plan`: only the plan that somebody has seen is run.

use devflow_oci::Invocation;

use crate::cli::PlanDigest;
use crate::error::{Exit, Explain};
use crate::plan::Plan;
use crate::query::Request;

/// The plan is not the one that was expected.
#[derive(Debug, thiserror::Error)]
#[error("this is not the plan that was expected; nothing was run")]
pub(super) struct Unexpected {
    expected: String,
    found: String,
    show: String,
}

impl Explain for Unexpected {
    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn detail(&self) -> Option<String> {
        Some(format!("  expected  {}\n  found     {}", self.expected, self.found))
    }

    fn hint(&self) -> Option<String> {
        Some(format!("compare what this prints here and where the digest comes from: {}", self.show))
    }
}

/// Refuses any other plan than the one that was expected.
pub(super) fn check(expected: Option<&PlanDigest>, plan: &Plan, request: &Request) -> Result<(), Unexpected> {
    let found = plan.digest();
    match expected.map(PlanDigest::to_string) {
        Some(expected) if expected != found => Err(Unexpected { expected, found, show: show(request) }),
        _ => Ok(()),
    }
}

/// The line that prints everything that is in the digest.
fn show(request: &Request) -> String {
    let line = Invocation::new("dwf").args(["plan", "--json"]);
    let line = match request {
        Request::Target(target) => line.arg(target),
        Request::Commands(names, args) if args.is_empty() => line.args(names),
        Request::Commands(names, args) => line.args(names).arg("--").args(args),
    };
    line.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_asks_for_the_same_plan() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(show(&Request::Target("main".to_owned())), "dwf plan --json main");
        assert_eq!(
            show(&Request::Commands(words(&["a/test"]), words(&["-k", "a b"]))),
            "dwf plan --json a/test -- -k 'a b'"
        );
        assert_eq!(show(&Request::Commands(words(&["fmt", "test"]), Vec::new())), "dwf plan --json fmt test");
    }
}
