//! Container engines, images, mounts, containers and fingerprints: values in, argument lists and parsed values out.
//!
//! Invariant: nothing here starts a process or reads the environment, no engine's CLI is named outside this crate, and
//! only [`fingerprint`] reads files. What a tool or a language needs is not known here either.

pub mod bake;
pub mod bases;
pub mod build;
pub mod cleaner;
pub mod container;
mod csv;
pub mod dockerfile;
pub mod engine;
pub mod environment;
pub mod fingerprint;
pub mod hash;
pub mod image;
pub mod inspect;
pub mod invocation;
pub mod label;
pub mod lifecycle;
pub mod mount;
pub mod named;
pub mod probe;
mod quote;
pub mod reference;
pub mod registry;
mod run;
pub mod scan;
pub mod source;
pub mod state;
pub mod store;
pub mod target;
pub mod unseen;
pub mod usage;
pub mod user;
pub mod version;
pub mod volume;

pub use build::Build;
pub use container::{Container, ContainerError, Limits, Network, Powers};
pub use engine::{Engine, EngineKind, Init};
pub use environment::EnvValue;
pub use fingerprint::Fingerprint;
pub use image::{Entrypoint, Image, ImageName};
pub use invocation::Invocation;
pub use mount::Mount;
pub use reference::ImageRef;
pub use user::{UserMapping, user_args};
pub use version::Version;
