//! SPEC.md, sentence by sentence: what a check stands on.

/// The text of the contract.
const SPEC: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/SPEC.md"));

/// A sentence of SPEC.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// Its line, from 1.
    pub line: usize,
    /// Its text.
    pub text: &'static str,
}

/// The sentence with an anchor.
pub fn sentence(anchor: &str) -> Option<Sentence> {
    let mark = format!("[{anchor}]");
    let (at, line) = SPEC.lines().enumerate().find(|(_, line)| line.contains(&mark))?;
    Some(Sentence { line: at + 1, text: line.trim() })
}
