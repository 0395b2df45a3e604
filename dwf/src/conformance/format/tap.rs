//! TAP 14, which a reader of TAP 13 understands too.

use crate::conformance::check::{Done, Outcome};

use super::whole;

/// All of it.
pub fn all(all: &[Done]) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", all.len());
    for (number, done) in (1..).zip(all) {
        let word = if matches!(done.outcome, Outcome::Failed(_)) { "not ok" } else { "ok" };
        let directive = match &done.outcome {
            Outcome::Skipped(reason) => format!(" # SKIP {}", escaped(&reason.replace('\n', " "))),
            _ => String::new(),
        };
        let name = escaped(&format!("{}: {}", done.check.id, done.check.title));
        text.push_str(&format!("{word} {number} - {name}{directive}\n"));
        match &done.outcome {
            Outcome::Failed(failure) => block(&mut text, "failure", &whole(done, failure)),
            Outcome::Warned(warnings) => block(&mut text, "warnings", warnings),
            _ => {}
        }
    }
    text
}

/// A YAML block of texts, each in the form that JSON has too.
fn block(text: &mut String, name: &str, lines: &[String]) {
    text.push_str(&format!("  ---\n  {name}:\n"));
    text.extend(lines.iter().map(|line| format!("    - {}\n", serde_json::Value::from(line.as_str()))));
    text.push_str("  ...\n");
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}
