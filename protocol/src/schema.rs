//! The JSON Schema and the OpenRPC description of protocol 1, as `schema/1/` holds them.
//!
//! Both are generated from the types in [`crate::message`]; with the feature `schema`, the example of
//! that name writes them. They are open for unknown members and exact for values; what they cannot
//! say is in SPEC.md alone.
//!
//! Invariant: the names of [`Definition`] are those below `$defs`, and stay.

#[cfg(feature = "schema")]
mod envelope;
#[cfg(feature = "schema")]
mod generate;
#[cfg(feature = "schema")]
mod openrpc;
#[cfg(feature = "schema")]
pub(crate) mod rule;
#[cfg(feature = "schema")]
pub(crate) mod word;

#[cfg(feature = "schema")]
pub use generate::protocol;
#[cfg(feature = "schema")]
pub use openrpc::openrpc;

use serde_json::{Value, json};

use crate::message::method;

/// The JSON Schema (2020-12) of every message; its root takes any of them.
pub const PROTOCOL: &str = include_str!("../schema/1/protocol.schema.json");
/// The methods, their parameters, results and errors, as OpenRPC.
pub const OPENRPC: &str = include_str!("../schema/1/openrpc.json");

/// A part of a conversation that the schema defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Definition {
    /// A whole line from the host.
    HostMessage,
    /// A whole line from the extension.
    ExtensionMessage,
    /// `params` of `initialize`.
    InitializeParams,
    /// `result` of `initialize`.
    InitializeResult,
    /// `params` of `project/describe`.
    DescribeParams,
    /// `result` of `project/describe`.
    DescribeResult,
    /// `params` of `command/resolve`.
    ResolveParams,
    /// `result` of `command/resolve`.
    Resolution,
    /// `params` of `log`.
    LogParams,
    /// `error` of an answer.
    ErrorObject,
}

impl Definition {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::HostMessage,
        Self::ExtensionMessage,
        Self::InitializeParams,
        Self::InitializeResult,
        Self::DescribeParams,
        Self::DescribeResult,
        Self::ResolveParams,
        Self::Resolution,
        Self::LogParams,
        Self::ErrorObject,
    ];

    /// The definition of a method's `params`.
    pub fn params(method: &str) -> Option<Self> {
        match method {
            method::INITIALIZE => Some(Self::InitializeParams),
            method::DESCRIBE => Some(Self::DescribeParams),
            method::RESOLVE => Some(Self::ResolveParams),
            method::LOG => Some(Self::LogParams),
            _ => None,
        }
    }

    /// The definition of a method's `result`.
    pub fn result(method: &str) -> Option<Self> {
        match method {
            method::INITIALIZE => Some(Self::InitializeResult),
            method::DESCRIBE => Some(Self::DescribeResult),
            method::RESOLVE => Some(Self::Resolution),
            _ => None,
        }
    }

    /// Its name below `$defs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::HostMessage => "HostMessage",
            Self::ExtensionMessage => "ExtensionMessage",
            Self::InitializeParams => "InitializeParams",
            Self::InitializeResult => "InitializeResult",
            Self::DescribeParams => "DescribeParams",
            Self::DescribeResult => "DescribeResult",
            Self::ResolveParams => "ResolveParams",
            Self::Resolution => "Resolution",
            Self::LogParams => "LogParams",
            Self::ErrorObject => "ErrorObject",
        }
    }

    /// A reference to it from inside of [`PROTOCOL`].
    pub fn reference(self) -> String {
        format!("#/$defs/{}", self.name())
    }

    /// A schema of its own: [`PROTOCOL`] with this definition for its root.
    pub fn schema(self) -> Result<Value, serde_json::Error> {
        let whole: Value = serde_json::from_str(PROTOCOL)?;
        Ok(json!({ "$schema": whole["$schema"], "$ref": self.reference(), "$defs": whole["$defs"] }))
    }
}
