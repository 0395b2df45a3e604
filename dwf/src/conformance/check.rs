//! What a check is, and how it can come out.

use std::time::Duration;

use devflow_protocol::client::Limits;
use futures_util::future::LocalBoxFuture;

use super::conversation::Failure;
use super::message::Breach;
use super::subject::Subject;
use super::tour::Tour;

/// One rule of SPEC.md, and how it is looked at.
pub struct Check {
    /// Its name, which stays.
    pub id: &'static str,
    /// What holds when it passes.
    pub title: &'static str,
    /// The sentence of SPEC.md that is broken when it fails.
    pub anchor: &'static str,
    /// Checks that must have passed for this one to say anything.
    pub after: &'static [&'static str],
    /// How.
    pub look: Look,
}

/// How a check is done.
pub enum Look {
    /// The tour must not have ended with this.
    Breach(Breach),
    /// Something the tour brought back must hold.
    At(fn(&Kit) -> Verdict),
    /// A conversation of its own must go well.
    Try(for<'a> fn(&'a Kit) -> LocalBoxFuture<'a, Verdict>),
}

/// What checks work with.
pub struct Kit {
    /// The extension, and where it is tried.
    pub subject: Subject,
    /// The first conversation.
    pub tour: Tour,
    /// What later conversations may cost.
    pub limits: Limits,
}

/// Warnings, none of them a failure; or why the check has not passed.
pub type Verdict = Result<Vec<String>, Unmet>;

/// Why a check has not passed.
#[derive(Debug)]
pub enum Unmet {
    /// The extension breaks the rule.
    Failed(Box<Failure>),
    /// It could not be tried, for this reason.
    Skipped(String),
}

impl From<Failure> for Unmet {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// The check has passed, and there is nothing to say.
pub const PASSED: Verdict = Ok(Vec::new());

/// A check that cannot be done.
pub fn skip<T>(reason: impl Into<String>) -> Result<T, Unmet> {
    Err(Unmet::Skipped(reason.into()))
}

/// How a check came out.
#[derive(Debug)]
pub enum Outcome {
    /// The rule holds.
    Passed,
    /// It holds, and this should be known.
    Warned(Vec<String>),
    /// It does not hold.
    Failed(Box<Failure>),
    /// It could not be tried, for this reason.
    Skipped(String),
}

impl Outcome {
    /// Whether the rule was tried and holds.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Passed | Self::Warned(_))
    }

    /// A word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned(_) => "warned",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A check that was done.
pub struct Done {
    /// The check.
    pub check: &'static Check,
    /// How it came out.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}
