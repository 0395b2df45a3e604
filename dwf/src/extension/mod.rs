//! Extensions as processes: starting them, talking to them, ending them.
//!
//! Invariant: a crash, a hang or noise is an error that names the extension; only an answer that
//! says so means "nothing to do".

mod host;

pub use host::{Context, Extension, Problem, Words};
