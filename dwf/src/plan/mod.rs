//! The plan: what would run, as a value.
//!
//! Invariant: everything here is pure. Configuration and answers come in, a plan or an error goes
//! out; the same input gives the same plan, whoever runs it and wherever it will run.

mod answers;
mod check;
mod digest;
mod error;
mod explain;
mod graph;
mod merge;
mod model;
mod order;
mod origin;
mod secrets;
mod select;
mod services;
mod text;

#[cfg(test)]
mod tests;

pub use answers::{Answers, Described};
pub use check::{Broken, Rule, check_description, check_resolution, is_literal, is_place, is_reserved};
pub use error::PlanError;
pub use explain::explain;
pub use graph::{dot, mermaid};
pub use merge::{Input, merge};
pub use model::{Action, Choice, Plan, Service, Stack};
pub use origin::Origins;
pub use secrets::{Secret, Target};
pub use select::{Catalog, Selection};
