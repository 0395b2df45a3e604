//! `error`: an answer that is one.

use serde::{Deserialize, Serialize};

use super::present;
use crate::name::CommandName;
use crate::path::RelPath;

/// The `error` of an answer, as an extension must write it. The client is content with less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = crate::schema::rule::error_object))]
pub struct ErrorObject {
    /// What kind of error it is; 10000 and above are the extension's own.
    pub code: i32,
    /// One line: what is wrong, and where.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::word::Line"))]
    pub message: String,
    /// What a program can use.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub data: Option<ErrorData>,
}

/// The members of `data` that have a meaning; an extension may add its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorData {
    /// The versions the extension speaks (1001).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supported: Vec<u32>,
    /// The host's features that it cannot do without (1002).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The commands that are offered here (2001).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<CommandName>,
    /// The file that is wrong, relative to the member (2002).
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub file: Option<RelPath>,
    /// The line of that file (2002).
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub line: Option<u64>,
    /// One line: what the user can do about it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::word::Line"))]
    pub help: Option<String>,
}
