//! What a build from a Dockerfile reads of its context.
//!
//! Invariant: never too little. What is not understood for certain takes the whole context.

mod copy;
mod ignore;
mod lines;
mod run;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use ignore::exclusions;

/// What of the context can come into the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// What these patterns match, as a fingerprint takes them.
    Some(BTreeSet<String>),
    /// All of it, for this reason.
    Whole(String),
}

/// A source that cannot be told from the text.
struct Unclear(String);

impl From<&str> for Unclear {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// Reads a Dockerfile. Stages that no target needs count as well.
#[must_use]
pub fn sources(text: &str) -> Sources {
    match read(text) {
        Ok(patterns) => Sources::Some(patterns),
        Err(Unclear(reason)) => Sources::Whole(reason),
    }
}

fn read(text: &str) -> Result<BTreeSet<String>, Unclear> {
    let mut patterns = BTreeSet::new();
    for line in lines::logical(text)? {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match word.to_ascii_uppercase().as_str() {
            "COPY" | "ADD" => patterns.extend(copy::sources(rest.trim())?),
            "RUN" => run::check(rest.trim())?,
            "FROM" | "ARG" | "ENV" | "LABEL" | "CMD" | "ENTRYPOINT" | "USER" | "WORKDIR" | "EXPOSE"
            | "VOLUME" | "STOPSIGNAL" | "HEALTHCHECK" | "SHELL" | "MAINTAINER" => {}
            other => return Err(Unclear(format!("it has the instruction {other}"))),
        }
    }
    Ok(patterns)
}

/// The flags before the arguments of an instruction, and the rest.
fn flags(mut text: &str) -> (Vec<&str>, &str) {
    let mut flags = Vec::new();
    while text.starts_with("--") {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        flags.push(&text[2..end]);
        text = text[end..].trim_start();
    }
    (flags, text)
}
