//! A message about a place in a text file, with the line underlined.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Characters that are shown of a line.
const WIDTH: usize = 120;

/// A text file that messages can point into.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path, as it is shown.
    pub path: PathBuf,
    /// Its text.
    pub text: Arc<str>,
}

impl Source {
    /// The line that a byte is in, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.text[..floor(&self.text, at)].matches('\n').count() + 1
    }
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

    /// A message of serde's about a span: it says "unknown field `a`, expected one of `b`, `c`", and
    /// a person wants "unknown key `a`" and the one that is near. Any other is taken as it is.
    pub fn unknown_name(source: &Source, span: Range<usize>, message: &str) -> Self {
        match split_unknown_name(message) {
            Some((message, help)) => Self::new(source, span, message).help(help),
            None => Self::new(source, span, message),
        }
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

    /// The same place, with other words.
    pub fn says(self, message: &str, help: &str) -> Self {
        Self { message: message.to_owned(), help: Some(help.to_owned()), ..self }
    }

    /// The key that the line of the place sets, without the tables it is in.
    pub fn key(&self) -> &str {
        let (line, _) = self.position();
        let line = self.source.text.lines().nth(line - 1).unwrap_or_default();
        let key = line.split('=').next().unwrap_or_default();
        key.rsplit('.').next().unwrap_or_default().trim().trim_matches(['"', '\''])
    }

    /// Line and column, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let start = floor(&self.source.text, self.span.start);
        let before = &self.source.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (self.source.line(start), before[line_start..].chars().count() + 1)
    }

    /// The place: path, line and column, and the line underlined.
    pub fn shown(&self) -> String {
        let (line, column) = self.position();
        let text = self.source.text.lines().nth(line - 1).unwrap_or("").replace('\t', " ");
        // Of a long line, the part that it is about.
        let skipped = if column > WIDTH { column - WIDTH / 2 } else { 0 };
        let from = if skipped > 0 { "…" } else { "" };
        let rest: String = text.chars().skip(skipped).collect();
        let shown = format!("{from}{}", crate::error::printable(&rest, WIDTH));
        let end = floor(&self.source.text, self.span.end.max(self.span.start));
        let start = floor(&self.source.text, self.span.start);
        let first_line = self.source.text[start..end].lines().next().unwrap_or("");
        let indent = column - 1 - skipped + from.chars().count();
        let width = first_line.chars().count().min(shown.chars().count().saturating_sub(indent)).max(1);
        let gutter = line.to_string().len();
        let blank = " ".repeat(gutter);
        let path = self.source.path.display();
        let marks = "^".repeat(width);
        let indent = " ".repeat(indent);
        let help = self.help.as_ref().map(|help| format!(" {help}")).unwrap_or_default();
        format!(
            "{blank}--> {path}:{line}:{column}\n{blank} |\n{line} | {shown}\n{blank} | {indent}{marks}{help}"
        )
    }
}

/// What was written, and what was probably meant.
fn split_unknown_name(message: &str) -> Option<(String, Option<String>)> {
    let (what, at) = [("key", "unknown field `"), ("value", "unknown variant `")]
        .into_iter()
        .find_map(|(what, words)| Some((what, message.find(words)?)))?;
    let (before, rest) = message.split_at(at);
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let name = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    let help = match crate::error::nearest(name, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", known.join(", "))),
    };
    Some((format!("{before}unknown {what} `{name}`"), help))
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
    fn of_a_long_line_the_part_in_question() {
        let text = format!("a = \"{}\" b = \"{}\"", "x".repeat(200), "y".repeat(200));
        let source = Source { path: "devflow.toml".into(), text: text.as_str().into() };
        let at = text.find(" b").unwrap() + 1;
        let shown = Diagnostic::new(&source, at..at + 1, "wrong").shown();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], " --> devflow.toml:1:208");
        let under = lines[3].find('^').unwrap();
        assert_eq!(lines[2].chars().nth(under), Some('b'), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() < 130), "{shown}");
    }

    #[test]
    fn serdes_words_become_a_persons() {
        let source = Source { path: "x".into(), text: "".into() };
        let check = |message: &str, expected: &str, help: Option<&str>| {
            let diagnostic = Diagnostic::unknown_name(&source, 0..0, message);
            assert_eq!((diagnostic.message(), diagnostic.help.as_deref()), (expected, help));
        };
        check(
            "unknown field `stak`, expected one of `name`, `stack`",
            "unknown key `stak`",
            Some("did you mean `stack`?"),
        );
        check(
            "config of x: unknown field `zebra`, expected `name` or `stack`",
            "config of x: unknown key `zebra`",
            Some("known here: name, stack"),
        );
        check("something `else`", "something `else`", None);
    }

    #[test]
    fn odd_spans_do_not_break() {
        check("ä", 1..99, " --> devflow.toml:1:1\n  |\n1 | ä\n  | ^ did you mean `b`?");
        check("", 0..0, " --> devflow.toml:1:1\n  |\n1 | \n  | ^ did you mean `b`?");
        check("a\n", 2..2, " --> devflow.toml:2:1\n  |\n2 | \n  | ^ did you mean `b`?");
    }
}
