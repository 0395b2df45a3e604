//! The runner: the only program of dwf inside a session.

pub mod wire;
