//! For people: a line for each check, then every failure whole.

use crate::conformance::check::{Done, Outcome};
use crate::conformance::{checks, total};

use super::whole;

/// A check's line.
pub fn line(done: &Done) -> String {
    let width = checks::all().map(|check| check.id.len()).max().unwrap_or(0);
    let (word, note) = match &done.outcome {
        Outcome::Passed => ("PASS", String::new()),
        Outcome::Warned(_) => ("WARN", String::new()),
        Outcome::Failed(_) => ("FAIL", String::new()),
        Outcome::Skipped(reason) => ("SKIP", format!("  ({})", reason.replace('\n', " "))),
    };
    let mut text = format!("{word}  {:<width$}  {}{note}\n", done.check.id, done.check.title);
    if let Outcome::Warned(warnings) = &done.outcome {
        text.extend(warnings.iter().map(|warning| format!("      {:<width$}  {warning}\n", "")));
    }
    text
}

/// The failures, and how it went as a whole.
pub fn end(all: &[Done]) -> String {
    let mut text = String::new();
    for done in all {
        if let Outcome::Failed(failure) = &done.outcome {
            text.push_str(&format!("\n━━ {} failed: {}\n", done.check.id, done.check.title));
            text.extend(whole(done, failure).iter().map(|line| format!("   {line}\n")));
        }
    }
    let count = |word: &str| all.iter().filter(|done| done.outcome.word() == word).count();
    let counts = ["passed", "warned", "failed", "skipped"].map(|word| format!("{} {word}", count(word)));
    text.push_str(&format!("\n{}  in {:.1} s\n", counts.join(", "), total(all).as_secs_f64()));
    text
}
