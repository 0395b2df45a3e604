//! Reading devflow.toml: bounded before it is parsed, every error with its place.

use std::path::{Path, PathBuf};

use super::check;
use super::diagnostic::{Diagnostic, Source};
use super::model::{File, MemberFile};
use crate::error::{Exit, Explain, nearest};
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
    let source = Source { path: shown.to_owned(), text: read(path, shown)?.into() };
    let file: File = parse(&source)?;
    check::check(&file, &source)?;
    Ok(Loaded { file, source: Some(source) })
}

/// Reads the devflow.toml of a member; `shown` is how messages call it.
pub fn load_member(path: &Path, shown: &Path) -> Result<MemberFile, ConfigError> {
    parse(&Source { path: shown.to_owned(), text: read(path, shown)?.into() })
}

/// Reads a bounded, regular text file.
pub(super) fn read(path: &Path, shown: &Path) -> Result<String, ConfigError> {
    let bytes = files::read(path, MAX_BYTES).map_err(|error| ConfigError::Read(shown.to_owned(), error))?;
    let text = String::from_utf8(bytes).map_err(|_| ConfigError::Encoding(shown.to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Parses a text; errors have their place, and unknown names the nearest known one.
pub(super) fn parse<T: serde::de::DeserializeOwned>(source: &Source) -> Result<T, ConfigError> {
    toml::from_str(&source.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().to_owned();
        let (message, help) = unknown_name(&message).unwrap_or((message, None));
        Diagnostic::new(source, span, message).help(help).into()
    })
}

/// serde says "unknown field `a`, expected one of `b`, `c`"; a person wants "unknown key `a`" and
/// the one that is near.
fn unknown_name(message: &str) -> Option<(String, Option<String>)> {
    let rest = message.strip_prefix("unknown ")?;
    let (what, rest) = rest.split_once(" `")?;
    let (name, rest) = rest.split_once('`')?;
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    let what = match what {
        "field" => "key",
        "variant" => "value",
        other => other,
    };
    let help = match nearest(name, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", known.join(", "))),
    };
    Some((format!("unknown {what} `{name}`"), help))
}
