//! devflow.toml and the user's own configuration.
//!
//! Invariant: a configuration that was loaded is valid in itself; whether its commands exist is for
//! the plan to say, with the place that each was written at.

mod check;
mod diagnostic;
mod load;
mod model;
mod secrets;
mod units;
mod user;

pub use check::is_package;
pub use diagnostic::{Diagnostic, Source};
pub use load::{ConfigError, Loaded, load, load_member, load_text, parse};
pub use model::{
    CacheBackend, CacheSection, CommandSection, Container, EngineChoice, File, ImageSection, ImageSource,
    MountEntry, Network, Profile, ServiceSection,
};
pub(crate) use model::{DEFAULT_TARGETS, default_target};
pub use secrets::{SecretSection, SecretSource, UserNetwork};
pub use units::{Age, Size, Versions};
pub use user::{Jail, UserConfig, load_user};

/// The file's name.
pub const FILE: &str = "devflow.toml";
