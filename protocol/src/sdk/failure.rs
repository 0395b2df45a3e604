//! Answers that are errors.

use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Map, Value};

use crate::code;
use crate::name::CommandName;

/// An answer that is an error: a code of [`crate::code`], a line for the user, and data.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The code.
    pub code: i32,
    /// One line: what is wrong, and where.
    pub message: String,
    /// What a program can use: `known`, `file`, `line`, …
    pub data: Map<String, Value>,
}

impl Failure {
    /// A failure without data.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Map::new() }
    }

    /// The extension does not offer this command here; it offers those.
    pub fn unknown_command(command: &CommandName, known: &[CommandName]) -> Self {
        let known: Vec<&str> = known.iter().map(CommandName::as_str).collect();
        Self::new(code::UNKNOWN_COMMAND, format!("{command} is not a command here")).with("known", known)
    }

    /// A file of the user's project is wrong. `file` is relative to the member's folder.
    pub fn invalid_project(file: &str, line: Option<u64>, message: impl Into<String>) -> Self {
        let failure = Self::new(code::INVALID_PROJECT, message).with("file", file);
        match line {
            Some(line) => failure.with("line", line),
            None => failure,
        }
    }

    /// The extension's `config` in devflow.toml is wrong.
    pub fn invalid_config(message: impl Into<String>) -> Self {
        Self::new(code::INVALID_CONFIG, message)
    }

    /// One of the extension's own codes: `number` counts from [`code::OWN`].
    pub fn own(number: u16, message: impl Into<String>) -> Self {
        Self::new(code::OWN + i32::from(number), message)
    }

    /// A bug in the extension.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(code::INTERNAL_ERROR, message)
    }

    /// The failure with one more member of `data`.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Failure> for ErrorObjectOwned {
    fn from(failure: Failure) -> Self {
        let data = (!failure.data.is_empty()).then_some(failure.data);
        ErrorObjectOwned::owned(failure.code, failure.message, data)
    }
}
