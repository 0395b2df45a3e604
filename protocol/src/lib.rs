//! The devflow extension protocol, version 1.
//!
//! `SPEC.md` beside this crate is the contract; these are its types, its framing, the SDK for
//! extensions written in Rust (feature `sdk`) and the host's client (feature `client`).
//!
//! Invariant: nothing here knows a process, an engine, or what any extension means.

pub mod code;
pub mod excerpt;
pub mod frame;
pub mod limits;
pub mod message;
pub mod name;
pub mod path;
pub mod schema;
pub mod spec;
pub mod template;

#[cfg(feature = "client")]
pub mod client;
#[cfg(any(feature = "client", feature = "sdk"))]
mod decode;
#[cfg(feature = "sdk")]
pub mod sdk;

/// The protocol versions this crate speaks, highest last.
pub const PROTOCOLS: &[u32] = &[1];

/// The variable that tells an extension that dwf started it.
pub const COOKIE: &str = "DWF_EXT_PROTOCOLS";
