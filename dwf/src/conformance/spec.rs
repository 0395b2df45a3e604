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

/// The sentence with an anchor; in a table, the row.
pub fn sentence(anchor: &str) -> Option<Sentence> {
    let mark = format!("[{anchor}]");
    let (above, line) = SPEC.lines().enumerate().find(|(_, line)| line.contains(&mark))?;
    let line = line.trim();
    let at = line.find(&mark)?;
    let text = match line.starts_with('|') {
        true => line,
        false => {
            let start = line[..at].rfind(". ").map_or(0, |dot| dot + 2);
            let end = line[at..].find(". ").map_or(line.len(), |dot| at + dot + 1);
            line[start..end].trim_start_matches("- ")
        }
    };
    Some(Sentence { line: above + 1, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_leads_to_its_sentence() {
        let known = |anchor| sentence(anchor).unwrap().text;
        assert!(known("X2").starts_with("The extension must then exit with status 0"), "{}", known("X2"));
        assert!(known("X2").ends_with("[X3]."), "{}", known("X2"));
        assert!(known("I7").starts_with("| `extension` |"), "{}", known("I7"));
        assert_eq!(sentence("Z99"), None);
    }
}
