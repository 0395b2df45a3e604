//! The messages of protocol 1: one file a method.

mod describe;
mod error;
mod initialize;
mod log;
mod resolve;

pub use describe::{
    Cache, CacheReadonly, CacheScope, CommandInfo, Copy, DescribeParams, DescribeResult, Image, ImageOption,
    ImageStep, Keep, ManagedBy, Tool,
};
pub use error::{ErrorData, ErrorObject};
pub use initialize::{InitializeParams, InitializeResult, Party};
pub use log::{Level, LogParams};
pub use resolve::{
    Action, Alternative, Because, Inputs, Output, Report, Resolution, ResolveParams, Step, When,
};

use serde::{Deserialize, Deserializer, Serialize};

use crate::path::RelPath;
#[cfg(feature = "schema")]
use crate::schema::word;

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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Project {
    /// Absolute path of the project's root on this machine, for reading files.
    #[cfg_attr(feature = "schema", schemars(with = "word::AbsolutePath"))]
    pub root: String,
    /// The member's folder below the root; `.` for the root itself.
    pub dir: RelPath,
    /// The project's name.
    pub name: String,
}

/// Where the actions will run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Platform {
    /// `linux` or `macos`.
    #[cfg_attr(feature = "schema", schemars(with = "word::Os"))]
    pub os: String,
    /// `x86_64`, `aarch64`, …
    pub arch: String,
}

/// An extension's `config` of devflow.toml, as it stands there.
pub type Config = serde_json::Map<String, serde_json::Value>;

/// An optional member that is there. `null` does not stand for one that is left out.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
