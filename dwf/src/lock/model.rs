//! What may stand in devflow.lock.

use serde::{Deserialize, Serialize};

/// What the bytes of an extension are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A native program in one file.
    Elf,
    /// A script in one file.
    Script,
    /// A folder, with the program as one of its files.
    Tree,
}
