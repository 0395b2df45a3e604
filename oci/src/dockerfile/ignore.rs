//! What a `.dockerignore` leaves out of the context, as patterns.
//!
//! Invariant: nothing is left out that a builder would send.

use crate::fingerprint::{check, literal};

/// Patterns of what is left out for certain. A later line with `!` may take back what an earlier one leaves out, so only
/// those after the last of these count.
#[must_use]
pub fn exclusions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let taken_back = |line: &&str| line.trim().starts_with('!');
    let last = lines.iter().rposition(taken_back).map_or(0, |at| at + 1);
    lines[last..]
        .iter()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| pattern(line.trim()))
        .collect()
}

fn pattern(line: &str) -> Option<String> {
    let parts: Vec<&str> = line.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() || parts.contains(&"..") || line.contains(['\\', '[']) {
        return None;
    }
    // Braces are characters like any other there.
    let part = |part: &&str| match part.contains(['{', '}']) {
        true => part
            .split('*')
            .map(|piece| piece.split('?').map(literal).collect::<Vec<_>>().join("?"))
            .collect::<Vec<_>>()
            .join("*"),
        false => (*part).to_owned(),
    };
    let pattern = parts.iter().map(part).collect::<Vec<_>>().join("/");
    check(&pattern).is_ok().then_some(pattern)
}
