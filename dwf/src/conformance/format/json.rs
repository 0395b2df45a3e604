//! JSON.

use serde_json::{Value, json};

use crate::conformance::check::{Done, Outcome};
use crate::conformance::{all_good, spec};

/// All of it; `name` is the extension's.
pub fn all(name: &str, all: &[Done]) -> Value {
    let checks: Vec<Value> = all.iter().map(check).collect();
    json!({ "extension": name, "good": all_good(all), "checks": checks })
}

fn check(done: &Done) -> Value {
    let check = done.check;
    let mut value = json!({
        "id": check.id,
        "title": check.title,
        "outcome": done.outcome.word(),
        "seconds": done.took.as_secs_f64(),
        "spec": { "anchor": check.anchor },
    });
    if let Some(sentence) = spec::sentence(check.anchor) {
        value["spec"]["line"] = sentence.line.into();
        value["spec"]["text"] = sentence.text.into();
    }
    match &done.outcome {
        Outcome::Passed => {}
        Outcome::Warned(warnings) => value["warnings"] = json!(warnings),
        Outcome::Skipped(reason) => value["because"] = json!(reason),
        Outcome::Failed(failure) => {
            let said = failure
                .said
                .iter()
                .map(|said| json!({ (if said.sent { "sent" } else { "came" }): said.text }));
            value["because"] = json!(failure.what);
            value["said"] = said.collect();
            value["stderr"] = json!(failure.stderr);
        }
    }
    value
}
