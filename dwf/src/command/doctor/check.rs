//! What was looked at, and how it is.

use std::fmt::Write;

use serde::Serialize;

use crate::error::Error;

/// How it is with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Good,
    /// It works, with less than it could.
    Poor,
    /// Something will not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What kind of thing; these words stay.
    topic: &'static str,
    about: String,
    pub(super) state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    /// A thing that is called as its topic is.
    pub(super) fn new(topic: &'static str, state: State, found: impl Into<String>) -> Self {
        Self { topic, about: topic.to_owned(), state, found: found.into(), fix: None }
    }

    /// One of several things of a topic.
    pub(super) fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// What to do or to type.
    pub(super) fn fix(self, fix: impl Into<Option<String>>) -> Self {
        Self { fix: fix.into(), ..self }
    }

    /// What went wrong, with its own hint as the fix.
    pub(super) fn of(topic: &'static str, state: State, error: &Error) -> Self {
        let details = [Some(error.to_string()), error.causes().first().cloned(), error.detail()];
        let found: Vec<String> = details.into_iter().flatten().collect();
        Self::new(topic, state, found.join("\n")).fix(error.hint())
    }
}

/// The form that `dwf doctor --json` prints; it only grows.
pub(super) fn json(checks: &[Check]) -> String {
    format!("{:#}\n", serde_json::json!({ "good": good(checks), "checks": checks }))
}

/// Whether everything will work.
pub(super) fn good(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.state != State::Bad)
}

/// The same for a person: a line each, with what to do below it.
pub(super) fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.about.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { about, state, found, fix, .. } in checks {
        let state = match state {
            State::Good => "ok",
            State::Poor => "note",
            State::Bad => "NO",
        };
        let mut lines = found.lines();
        let _ = writeln!(text, "{about:<width$}  {state:<4}  {}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(text, "{:<width$}        {}", "", line.trim());
        }
        if let Some(fix) = fix {
            let _ = writeln!(text, "{:<width$}        fix: {fix}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_not_a_no() {
        let note = Check::new("a", State::Poor, "x\n  y").fix("do it".to_owned());
        let checks = [note, Check::new("long", State::Good, "z").about("long one")];
        assert!(good(&checks));
        assert_eq!(
            text(&checks),
            "a         note  x\n                y\n                fix: do it\nlong one  ok    z\n"
        );
        let value: serde_json::Value = serde_json::from_str(&json(&checks)).unwrap();
        assert_eq!(
            value["checks"][1],
            serde_json::json!({ "topic": "long", "about": "long one", "state": "good", "found": "z" })
        );
        assert_eq!(value["checks"][0]["fix"], "do it");
        assert!(!good(&[Check::new("a", State::Bad, "")]));
    }
}
