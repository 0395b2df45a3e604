//! `log`: the one notification, a line for the user.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::schema::word;

/// How much a `log` line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the extension's author.
    Debug,
    /// For the curious.
    Info,
    /// The user should know.
    Warn,
    /// Something is broken; the answer says so too.
    Error,
}

/// Parameters of the `log` notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogParams {
    /// How much it matters.
    pub level: Level,
    /// One line of text.
    #[cfg_attr(feature = "schema", schemars(with = "word::Line"))]
    pub message: String,
}
