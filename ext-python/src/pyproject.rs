//! pyproject.toml as a table that answers questions.
//!
//! Invariant: a value of another type than expected counts as absent; the tool that owns it judges it.

use toml::{Table, Value};

/// The file's content.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Pyproject(Table);

/// Why a text is no TOML, and on which line.
pub(crate) struct Wrong {
    pub(crate) line: Option<u64>,
    pub(crate) reason: String,
}

impl Pyproject {
    /// Reads the file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map(Self).map_err(|error: toml::de::Error| Wrong {
            line: error
                .span()
                .map(|span| text[..span.start.min(text.len())].matches('\n').count() as u64 + 1),
            reason: error.message().to_owned(),
        })
    }

    /// The value at a dotted path.
    pub(crate) fn at(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.as_table()?.get(part))
    }

    /// Whether there is something at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.at(path).is_some()
    }

    /// A text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// A table; empty when there is none.
    pub(crate) fn table(&self, path: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.at(path)
            .and_then(Value::as_table)
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// A list of texts; empty when there is none.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        self.at(path).map(texts).unwrap_or_default()
    }

    /// Whether a switch is set to `false`.
    pub(crate) fn denies(&self, path: &str) -> bool {
        self.at(path).and_then(Value::as_bool) == Some(false)
    }

    /// The names below `[tool]`.
    pub(crate) fn tools(&self) -> Vec<&str> {
        self.table("tool").map(|(name, _)| name).collect()
    }
}

/// The texts of a list, or one text alone.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers() {
        let file =
            Pyproject::parse("[project]\ndependencies = ['a', 1]\n[tool.uv]\npackage = false\n[tool.ruff]")
                .ok()
                .unwrap();
        assert_eq!(file.list("project.dependencies"), ["a"]);
        assert!(file.denies("tool.uv.package"));
        assert!(!file.denies("tool.uv"));
        assert_eq!(file.tools(), ["ruff", "uv"]);
        assert!(!file.has("project.dependencies.x"));
    }

    #[test]
    fn errors_have_a_line() {
        let wrong = Pyproject::parse("[project]\nname = 'a'\nversion = \n").err().unwrap();
        assert_eq!(wrong.line, Some(3));
        assert!(!wrong.reason.is_empty());
    }
}
