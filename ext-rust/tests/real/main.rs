//! The answers, tried: the built extension is asked over its pipe, and what it answers is run by
//! the real Cargo on small projects without dependencies.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

mod project;
mod tests_run;
mod work;
