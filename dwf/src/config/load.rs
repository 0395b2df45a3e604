//! Reading devflow.toml: bounded before it is parsed, every error with its place.

use std::path::{Path, PathBuf};

use super::check;
use super::diagnostic::{Diagnostic, Source};
use super::model::{File, MemberFile};
use super::secrets;
use crate::error::{Exit, Explain};
use crate::files;

/// Bytes that a configuration may have.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration and the text it was read from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says.
    pub file: File,
    /// Where it says so; absent when there is no file.
    pub source: Option<Source>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{} cannot be read", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// It is not UTF-8.
    #[error("{} is not UTF-8 text", .0.display())]
    Encoding(PathBuf),
    /// Something in it is wrong.
    #[error("{}", .0.message())]
    Content(Box<Diagnostic>),
}

impl Explain for ConfigError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Content(diagnostic) => Some(diagnostic.shown()),
            _ => None,
        }
    }
}

impl From<Diagnostic> for ConfigError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Content(Box::new(diagnostic))
    }
}

/// Reads and checks a devflow.toml; `shown` is how messages call it.
pub fn load(path: &Path, shown: &Path) -> Result<Loaded, ConfigError> {
    loaded(read(path, shown)?, shown)
}

/// Checks the content of a devflow.toml that is in no file.
pub fn load_text(bytes: Vec<u8>, shown: &Path) -> Result<Loaded, ConfigError> {
    if bytes.len() as u64 > MAX_BYTES {
        let error = std::io::Error::other(format!("it is larger than {MAX_BYTES} bytes"));
        return Err(ConfigError::Read(shown.to_owned(), error));
    }
    loaded(text(bytes, shown)?, shown)
}

fn loaded(text: String, shown: &Path) -> Result<Loaded, ConfigError> {
    let source = Source { path: shown.to_owned(), text: text.into() };
    let file: File = parse_project(&source)?;
    check::check(&file, &source)?;
    Ok(Loaded { file, source: Some(source) })
}

/// Reads the devflow.toml of a member; `shown` is how messages call it.
pub fn load_member(path: &Path, shown: &Path) -> Result<MemberFile, ConfigError> {
    parse_project(&Source { path: shown.to_owned(), text: read(path, shown)?.into() })
}

/// Reads a bounded, regular text file.
pub(super) fn read(path: &Path, shown: &Path) -> Result<String, ConfigError> {
    let bytes = files::read(path, MAX_BYTES).map_err(|error| ConfigError::Read(shown.to_owned(), error))?;
    text(bytes, shown)
}

fn text(bytes: Vec<u8>, shown: &Path) -> Result<String, ConfigError> {
    let text = String::from_utf8(bytes).map_err(|_| ConfigError::Encoding(shown.to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Parses a text; errors have their place, and unknown names the nearest known one.
pub fn parse<T: serde::de::DeserializeOwned>(source: &Source) -> Result<T, ConfigError> {
    toml::from_str(&source.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Diagnostic::unknown_name(source, span, &plain(error.message())).into()
    })
}

/// As [`parse`], of a file that came with a project.
fn parse_project<T: serde::de::DeserializeOwned>(source: &Source) -> Result<T, ConfigError> {
    parse(source).map_err(|error| match error {
        ConfigError::Content(diagnostic) if diagnostic.key() == "jail" => {
            let own = "in your own configuration: [extensions] of ~/.config/devflow/config.toml";
            ConfigError::Content(Box::new(diagnostic.says("`jail` is not a project's to set", own)))
        }
        ConfigError::Content(diagnostic) => {
            let unknown = diagnostic.message().strip_prefix("unknown key `");
            let unknown = unknown.and_then(|rest| rest.strip_suffix('`')).unwrap_or_default();
            ConfigError::Content(match secrets::USERS.iter().find(|key| **key == unknown) {
                Some(key) => {
                    let own = "in your own configuration: ~/.config/devflow/config.toml";
                    Box::new(diagnostic.says(&format!("`{key}` is not a project's to set"), own))
                }
                None => diagnostic,
            })
        }
        other => other,
    })
}

/// What the parser means, without the words of its trade.
fn plain(message: &str) -> String {
    const WANTED: &[(&str, &str)] = &[
        ("a sequence", "a list"),
        ("f64", "a number"),
        ("u64", "a whole number that is not negative"),
        ("u32", "a whole number that is not negative"),
        ("a boolean", "true or false"),
        ("a string", "a text in quotes"),
        ("a map", "a table"),
    ];
    const FOUND: &[(&str, &str)] = &[
        ("string ", "the text "),
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("boolean ", ""),
        ("sequence", "a list"),
        ("map", "a table"),
    ];
    if message.contains("recursion") {
        return "this is nested too deeply".to_owned();
    }
    let wrong = message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: "));
    let Some((found, wanted)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return message.to_owned();
    };
    let wanted = match WANTED.iter().find(|(word, _)| *word == wanted) {
        Some((_, plain)) => plain,
        None if wanted.starts_with("struct ") => "a table",
        None => wanted,
    };
    let found = FOUND.iter().find_map(|(word, plain)| Some(format!("{plain}{}", found.strip_prefix(word)?)));
    match found {
        Some(found) => format!("this is {}, and has to be {wanted}", found.replace('`', "")),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn plain_words() {
        for (message, expected) in [
            (
                "invalid type: string \"shop\", expected a sequence",
                "this is the text \"shop\", and has to be a list",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "this is the number -1, and has to be a whole number that is not negative",
            ),
            ("invalid type: map, expected a string", "this is a table, and has to be a text in quotes"),
            (
                "invalid type: integer `1`, expected struct Thing",
                "this is the number 1, and has to be a table",
            ),
            ("invalid type: unit, expected a string", "invalid type: unit, expected a string"),
            ("recursion limit", "this is nested too deeply"),
            ("duplicate key", "duplicate key"),
        ] {
            assert_eq!(plain(message), expected);
        }
    }
}
