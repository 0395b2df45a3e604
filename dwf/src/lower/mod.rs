//! From the plan to what is started: places, mounts, variables, containers.
//!
//! Invariant: everything here is pure; what must be made on disk first is listed as [`Prepare`].
//! Host and container differ in this stage only.

mod cache;
mod container;
mod folders;
mod git;
mod job;
mod place;
mod private;
mod report;
mod service;
mod shell;
mod words;

pub use cache::{CachePlace, HostHome, caches_in_container, caches_on_host};
pub use container::{
    AGENT, BUNDLE, ContainerInput, FetchOnly, HOME, WORKSPACE, give_back, layers, sessions, single,
};
pub use folders::{FolderError, Prepare, prepare};
pub use git::{REPOSITORY, Repository, keep_safe};
pub use job::{Job, Kind, jobs};
pub use place::Places;
pub use private::{Given, Way, give, show_way};
pub use report::report_places;
pub use service::{ServiceInput, Serving, service};
pub use shell::{Scope, Shell, shell};
pub use words::check as check_words;

#[cfg(test)]
mod tests;
