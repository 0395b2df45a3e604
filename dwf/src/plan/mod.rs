//! The plan: what would run, as a value.
//!
//! Invariant: everything here is pure. Configuration and answers come in, a plan or an error goes
//! out; the same input gives the same plan, whoever runs it and wherever it will run.

mod answers;
mod check;
mod digest;
mod error;
mod merge;
mod model;
mod order;
mod secrets;
mod select;
mod text;

#[cfg(test)]
mod tests;

pub use answers::{Answers, Described};
pub use check::{Broken, Rule, check_description, check_resolution, is_literal, is_place, is_reserved};
pub use error::PlanError;
pub use merge::{Input, merge};
pub use model::{Action, Choice, Plan, Stack};
pub use secrets::{Secret, Target};
pub use select::{Catalog, Selection};
