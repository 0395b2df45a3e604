//! Extensions as processes: starting them, talking to them, ending them.
//!
//! Invariant: a crash, a hang or noise is an error that names the extension; only an answer that
//! says so means "nothing to do".

mod complaint;
mod error;
mod host;

pub use complaint::complaint;
pub use error::{Problem, start_reason};
pub use host::{Context, Extension, Words, deadlines, environment};
