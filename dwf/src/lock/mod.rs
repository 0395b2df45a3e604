//! devflow.lock: exactly which bytes are an extension, for each platform, and which a base image is.
//!
//! Invariant: a lock that was read is valid in itself; what it names was not looked at.

mod error;
mod model;
mod read;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use error::LockError;
pub use model::{Artifact, Entry, Kind};
pub use read::Lock;
pub use value::{Folder, Hash, Platform, Source};
pub use write::{write, write_images};

/// The file's name.
pub const FILE: &str = "devflow.lock";

/// The version of the format.
pub const VERSION: u32 = 1;
