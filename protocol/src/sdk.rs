//! The SDK: a trait and a `main`.

use std::process::ExitCode;

use crate::message::{DescribeParams, DescribeResult, Resolution, ResolveParams};

/// An extension: what it makes of a folder and of a command. Both answers are pure: they depend on
/// the request and on the files that `reads` names, and on nothing else.
pub trait Extension {
    /// The extension's name, as in `devflow-ext-<name>`.
    fn name(&self) -> &str;

    /// The extension's own version.
    fn version(&self) -> &str;

    /// Answers `project/describe`.
    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure>;

    /// Answers `command/resolve`.
    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure>;
}

/// An answer that is an error: a code of [`crate::code`], a line for the user, and data.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The code.
    pub code: i32,
    /// One line: what is wrong, and where.
    pub message: String,
    /// What a program can use: `known`, `file`, `line`, …
    pub data: serde_json::Map<String, serde_json::Value>,
}

/// Serves an extension on standard input and output until the host closes the pipe.
pub fn main(_extension: &impl Extension) -> ExitCode {
    ExitCode::FAILURE
}
