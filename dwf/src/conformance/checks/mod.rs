//! The checks, by what they are about.
//!
//! Invariant: an id stays, and is broken for one reason.

mod describe;
mod errors;
mod initialize;
mod process;
mod purity;
mod resolve;
mod wire;

use super::check::Check;

/// All checks, in the order in which they are done.
pub fn all() -> impl Iterator<Item = &'static Check> {
    let tables = [
        wire::CHECKS,
        process::CHECKS,
        initialize::CHECKS,
        describe::CHECKS,
        resolve::CHECKS,
        errors::CHECKS,
        purity::CHECKS,
    ];
    tables.into_iter().flatten()
}
