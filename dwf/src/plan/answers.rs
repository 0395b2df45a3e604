//! What the extensions said, as it came in and was checked.

use std::collections::BTreeMap;

use devflow_protocol::message::{DescribeResult, Resolution};
use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use crate::name::FullName;

/// One stack in one member.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The member's folder.
    pub member: RelPath,
    /// The extension that was asked.
    pub stack: ExtensionName,
    /// What it said.
    pub result: DescribeResult,
}

/// Everything that was answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// The extensions' own versions.
    pub versions: BTreeMap<ExtensionName, String>,
    /// The identity of what devflow.lock pins, where an extension is pinned.
    pub pins: BTreeMap<ExtensionName, String>,
    /// What applies, by member and stack.
    pub described: Vec<Described>,
    /// What was resolved.
    pub resolved: BTreeMap<FullName, Resolution>,
}
