//! A message about a place in a text file, with the line underlined.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A text file that messages can point into.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path, as it is shown.
    pub path: PathBuf,
    /// Its text.
    pub text: Arc<str>,
}

/// What is wrong, and where.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    source: Source,
    span: Range<usize>,
    message: String,
    help: Option<String>,
}

impl Diagnostic {
    /// A message about a span of bytes.
    pub fn new(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { source: source.clone(), span, message: message.into(), help: None }
    }

    /// Adds what was probably meant.
    pub fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Line and column, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let start = floor(&self.source.text, self.span.start);
        let before = &self.source.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The place: path, line and column, and the line underlined.
    pub fn shown(&self) -> String {
        let (line, column) = self.position();
        let text = self.source.text.lines().nth(line - 1).unwrap_or("").replace('\t', " ");
        let shown = crate::error::printable(&text, 160);
        let end = floor(&self.source.text, self.span.end.max(self.span.start));
        let start = floor(&self.source.text, self.span.start);
        let first_line = self.source.text[start..end].lines().next().unwrap_or("");
        let width = first_line.chars().count().clamp(1, 160);
        let gutter = line.to_string().len();
        let blank = " ".repeat(gutter);
        let path = self.source.path.display();
        let marks = "^".repeat(width);
        let indent = " ".repeat(column - 1);
        let help = self.help.as_ref().map(|help| format!(" {help}")).unwrap_or_default();
        format!(
            "{blank}--> {path}:{line}:{column}\n{blank} |\n{line} | {shown}\n{blank} | {indent}{marks}{help}"
        )
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        write!(f, "{}:{line}:{column}: {}", self.source.path.display(), self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, span: Range<usize>, expected: &str) {
        let source = Source { path: "devflow.toml".into(), text: text.into() };
        let diagnostic = Diagnostic::new(&source, span, "wrong").help(Some("did you mean `b`?".to_owned()));
        assert_eq!(diagnostic.shown(), expected);
    }

    #[test]
    fn the_line_is_underlined() {
        check(
            "[project]\nstak = 1\n",
            10..14,
            " --> devflow.toml:2:1\n  |\n2 | stak = 1\n  | ^^^^ did you mean `b`?",
        );
    }

    #[test]
    fn odd_spans_do_not_break() {
        check("ä", 1..99, " --> devflow.toml:1:1\n  |\n1 | ä\n  | ^ did you mean `b`?");
        check("", 0..0, " --> devflow.toml:1:1\n  |\n1 | \n  | ^ did you mean `b`?");
        check("a\n", 2..2, " --> devflow.toml:2:1\n  |\n2 | \n  | ^ did you mean `b`?");
    }
}
