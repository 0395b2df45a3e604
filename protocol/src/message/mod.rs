//! The messages of protocol 1: one file a method.

mod describe;
mod initialize;
mod log;
mod resolve;

pub use describe::{
    Cache, CacheReadonly, CacheScope, CommandInfo, Copy, DescribeParams, DescribeResult, Image, ImageOption,
    ImageStep, Keep, ManagedBy, Tool,
};
pub use initialize::{InitializeParams, InitializeResult, Party};
pub use log::{Level, LogParams};
pub use resolve::{
    Action, Alternative, Because, Inputs, Output, Report, Resolution, ResolveParams, Step, When,
};

use serde::{Deserialize, Serialize};

use crate::path::RelPath;

/// The methods of protocol 1, as they are named on the wire.
pub mod method {
    /// The first request, once.
    pub const INITIALIZE: &str = "initialize";
    /// What this extension makes of a folder.
    pub const DESCRIBE: &str = "project/describe";
    /// What one command means here.
    pub const RESOLVE: &str = "command/resolve";
    /// A line for the user, from the extension.
    pub const LOG: &str = "log";
}

/// The project, and the member of it that a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Absolute path of the project's root on this machine, for reading files.
    pub root: String,
    /// The member's folder below the root; `.` for the root itself.
    pub dir: RelPath,
    /// The project's name.
    pub name: String,
}

/// Where the actions will run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux` or `macos`.
    pub os: String,
    /// `x86_64`, `aarch64`, …
    pub arch: String,
}

/// An extension's `config` of devflow.toml, as it stands there.
pub type Config = serde_json::Map<String, serde_json::Value>;
