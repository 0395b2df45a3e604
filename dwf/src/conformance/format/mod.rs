//! How the checks are told: for people, for harnesses, for machines.

pub mod json;
pub mod junit;
pub mod tap;
pub mod text;

use super::check::Done;
use super::conversation::Failure;
use super::spec;

/// A failure whole: what is wrong, what was said, and the sentence that is broken.
fn whole(done: &Done, failure: &Failure) -> Vec<String> {
    let mut lines = vec![failure.what.clone()];
    lines.extend(failure.said.iter().map(|said| {
        let arrow = if said.sent { "sent" } else { "came" };
        format!("{arrow}  {}", said.text)
    }));
    if !failure.stderr.is_empty() {
        lines.push("standard error:".to_owned());
        lines.extend(failure.stderr.iter().map(|line| format!("  {line}")));
    }
    if let Some(sentence) = spec::sentence(done.check.anchor) {
        lines.push(format!("SPEC.md:{} [{}] {}", sentence.line, done.check.anchor, sentence.text));
    }
    lines
}

#[cfg(test)]
mod tests;
