//! `initialize`: who speaks, and which version.
//!
//! Invariant: `protocols` and `protocol` keep their names and types in every version.

use serde::{Deserialize, Serialize};

/// One side of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Party {
    /// `dwf`, or the extension's name.
    pub name: String,
    /// Its own version; it decides nothing.
    pub version: String,
}

/// Parameters of `initialize`. This envelope never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InitializeParams {
    /// The protocol versions the host speaks.
    pub protocols: Vec<u32>,
    /// The host.
    pub host: Party,
    /// What the host offers beyond the protocol's minimum; unknown ones are ignored.
    #[serde(default)]
    pub features: Vec<String>,
}

/// Result of `initialize`. This envelope never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InitializeResult {
    /// The highest version that both sides speak.
    pub protocol: u32,
    /// The extension.
    #[cfg_attr(feature = "schema", schemars(extend("properties" = { "name": { "pattern": "^[a-z0-9][a-z0-9-]{0,62}$" } })))]
    pub extension: Party,
    /// What the host must understand; a host that does not know one of them refuses.
    #[serde(default)]
    pub requires: Vec<String>,
    /// What the extension offers beyond the minimum; unknown ones are ignored.
    #[serde(default)]
    pub provides: Vec<String>,
}
