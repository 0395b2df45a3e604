//! Somebody who sees a conversation as it passes, and cannot change it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// To whom a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum To {
    /// A line of the host.
    Extension,
    /// A line of the extension.
    Host,
}

/// Is given every line in the order of its passing, without its end. Of a line that cannot be read
/// (too long, torn, not UTF-8) it gets the escaped beginning.
pub type Tap = Arc<dyn Fn(To, &str) + Send + Sync>;
