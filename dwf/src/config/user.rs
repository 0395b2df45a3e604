//! The user's own configuration: what a project must not decide.

use std::collections::BTreeMap;
use std::path::Path;

use devflow_oci::ImageRef;
use serde::Deserialize;

use super::diagnostic::Source;
use super::load::{ConfigError, parse, read};
use super::model::{EngineChoice, Profile};
use super::secrets::{SecretSource, UserNetwork};

/// `~/.config/devflow/config.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserConfig {
    /// `[runtime]`
    pub runtime: UserRuntime,
    /// `[container]`
    pub container: UserContainer,
    /// `[image]`
    pub image: UserImage,
    /// `[extensions]`
    pub extensions: UserExtensions,
    /// `[network]`
    pub network: UserNetwork,
    /// `[secrets.NAME]`
    pub secrets: BTreeMap<String, SecretSource>,
}

/// `[runtime]` of the user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserRuntime {
    /// Where actions run, for every project that does not say.
    pub profile: Option<Profile>,
}

/// `[container]` of the user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserContainer {
    /// The engine, before what a project says.
    pub engine: Option<EngineChoice>,
}

/// `[image]` of the user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserImage {
    /// The image that scans images, where the program is not installed; a project's own could find nothing.
    pub scanner: Option<ImageRef>,
}

/// `[extensions]` of the user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserExtensions {
    /// Seconds from the start of an extension to its first answer.
    #[serde(deserialize_with = "super::units::seconds")]
    pub initialize_timeout: Option<u64>,
    /// Seconds for any other answer.
    #[serde(deserialize_with = "super::units::seconds")]
    pub request_timeout: Option<u64>,
    /// Whether they may run without the whole jail.
    pub jail: Jail,
}

/// Whether extensions may run without the whole jail: the user's to say, never a project's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jail {
    /// No extension starts where a part is missing.
    Required,
    /// As much as this machine can; what is missing is said.
    #[default]
    Auto,
    /// No jail.
    Off,
}

/// Reads the user's configuration; no file is an empty one.
pub fn load_user(path: Option<&Path>) -> Result<UserConfig, ConfigError> {
    match path {
        Some(path) if path.exists() => {
            let source = Source { path: path.to_owned(), text: read(path, path)?.into() };
            parse(&source)
        }
        _ => Ok(UserConfig::default()),
    }
}
