//! What an action and its environment are, in parts that the user knows by name.
//!
//! Invariant: pure. Everything that a run is made from is in some part, but for its files; no value of a variable is.

use std::collections::BTreeMap;

use devflow_oci::hash::{sha256, sha256_framed};
use serde::Serialize;

use crate::plan::{Action, Plan};

/// Where actions run, as far as dwf decides it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// What it is made of: a phrase such as "the image", and what stands for it.
    pub parts: BTreeMap<String, String>,
    /// The variables of the host that actions see.
    pub seen: Seen,
}

/// Variables of the host that actions see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// All of them.
    pub all: BTreeMap<String, String>,
    /// Names of those that count only for actions that name them: they are of the terminal, not of the project.
    pub idle: &'static [&'static str],
}

/// Variables in which two terminals of one user differ.
pub(super) const OF_A_TERMINAL: &[&str] = &[
    "_",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "OLDPWD",
    "PWD",
    "SHLVL",
    "TERM",
    "TERM_SESSION_ID",
    "TMUX",
    "TMUX_PANE",
    "WINDOWID",
];

impl Seen {
    /// Exactly these: somebody chose to let them through.
    pub fn passed(all: BTreeMap<String, String>) -> Self {
        Self { all, idle: &[] }
    }

    /// All that a shell has.
    pub fn everything(all: BTreeMap<String, String>) -> Self {
        Self { all, idle: OF_A_TERMINAL }
    }
}

/// What one action is.
pub(super) fn key(plan: &Plan, action: &Action, environment: &Environment) -> BTreeMap<String, String> {
    let mut key = environment.parts.clone();
    let mut say = |name: &str, value: String| key.insert(name.to_owned(), value);
    say("dwf itself", env!("CARGO_PKG_VERSION").to_owned());
    let parts = |part: fn(&crate::plan::Choice) -> serde_json::Value| {
        digest(&action.choices.iter().map(part).collect::<Vec<_>>())
    };
    say("its steps", parts(|choice| serde_json::json!([choice.when, choice.steps, choice.cwd])));
    say("its variables", parts(|choice| serde_json::json!([choice.env, choice.path])));
    say("its needs", digest(&action.needs));
    say("its time limit", action.timeout_s.to_string());
    say("its network", action.fetches.to_string());
    say("its list of inputs", digest(&action.inputs));
    say("its list of outputs", digest(&action.outputs));
    if let Some(stack) = plan.stack_of(&action.name) {
        say("its stack's variables", digest(&stack.env));
        say("its stack's caches", digest(&stack.caches));
        if let Some(used) = plan.extensions.iter().find(|used| used.name == stack.stack) {
            let pinned = used.pinned.as_deref().unwrap_or("-");
            say(&format!("the extension {}", used.name), format!("{} {pinned}", used.version));
        }
    }
    let named = |name: &str| {
        action.inputs.iter().flat_map(|inputs| &inputs.env).any(|wanted| wanted.as_str() == name)
    };
    for (name, value) in &environment.seen.all {
        if named(name) || !environment.seen.idle.contains(&name.as_str()) {
            // Not to be guessed by comparing with the hashes of likely values of other variables.
            key.insert(format!("the variable {name}"), sha256_framed(["variable", name, value]));
        }
    }
    key
}

fn digest(value: &impl Serialize) -> String {
    // serde_json's own map is sorted by key, which makes its compact form canonical.
    sha256(serde_json::to_value(value).unwrap_or_default().to_string())
}

/// What of two keys differs, as a sentence.
pub(super) fn difference(
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Option<String> {
    let names = before.keys().chain(now.keys());
    let mut changed: Vec<&String> = names.filter(|name| before.get(*name) != now.get(*name)).collect();
    changed.sort();
    changed.dedup();
    let first = changed.first()?;
    let verb = match (before.contains_key(*first), now.contains_key(*first)) {
        (false, _) => "is new",
        (_, false) => "is gone",
        _ => "changed",
    };
    Some(match changed.len() {
        1 => format!("{first} {verb}"),
        count => format!("{first} {verb}, and {} more", count - 1),
    })
}
