use std::time::Duration;

use super::*;
use crate::conformance::check::Outcome;
use crate::conformance::conversation::Said;
use crate::conformance::{all_good, checks};

fn done() -> Vec<Done> {
    let failure = Failure {
        said: vec![
            Said { sent: true, text: r#"{"id":"0"}"#.to_owned() },
            Said { sent: false, text: "<b>".to_owned() },
        ],
        stderr: vec!["last words".to_owned()],
        ..Failure::new("it wrote # and <b> & \u{1}")
    };
    let outcomes = [
        Outcome::Passed,
        Outcome::Warned(vec!["odd".to_owned()]),
        Outcome::Failed(Box::new(failure)),
        Outcome::Skipped("no # network".to_owned()),
    ];
    let rows = checks::all().zip(outcomes);
    rows.map(|(check, outcome)| Done { check, outcome, took: Duration::from_millis(1) }).collect()
}

#[test]
fn only_a_failure_is_not_good() {
    let mut done = done();
    assert!(!all_good(&done));
    done.remove(2);
    assert!(all_good(&done));
}

#[test]
fn people_read_a_line_for_each_and_failures_whole() {
    let done = done();
    let lines: Vec<String> = done.iter().map(text::line).collect();
    for (line, word) in lines.iter().zip(["PASS", "WARN", "FAIL", "SKIP"]) {
        assert!(line.starts_with(word), "{line}");
    }
    assert!(lines[3].ends_with("(no # network)\n"), "{}", lines[3]);
    let end = text::end(&done);
    for part in ["it wrote #", "sent  {\"id\":\"0\"}", "came  <b>", "last words", "SPEC.md:", "1 failed"] {
        assert!(end.contains(part), "{part}: {end}");
    }
}

#[test]
fn tap_is_tap() {
    let text = tap::all(&done());
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    assert_eq!(lines.next(), Some("1..4"));
    assert_eq!(text.matches("\nok ").count() + text.matches("\nnot ok ").count(), 4);
    assert!(text.contains("# SKIP no \\# network"), "{text}");
    assert!(text.contains("    - \"it wrote # and <b> & \\u0001\"\n"), "{text}");
}

#[test]
fn json_has_everything() {
    let value = json::all("x", &done());
    assert_eq!(value["good"], false);
    assert_eq!(value["checks"][2]["outcome"], "failed");
    assert_eq!(value["checks"][2]["said"][1]["came"], "<b>");
    assert!(value["checks"][2]["spec"]["line"].is_u64(), "{value}");
}

#[test]
fn junit_counts_and_escapes() {
    let text = junit::all("x", &done()).unwrap();
    for part in ["tests=\"4\"", "failures=\"1\"", "skipped=\"1\"", "&lt;b&gt; &amp;", "classname=\"wire\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1}'), "{text}");
}
