//! devflow.lock: exactly which bytes are an extension, for each platform.
//!
//! Invariant: a lock that was read is valid in itself; what it names was not looked at.

mod model;

pub use model::Kind;
