//! What may stand in devflow.toml.

use std::collections::BTreeMap;
use std::fmt;

use devflow_protocol::name::{CommandName, EnvName, ExtensionName};
use serde::Deserialize;
use toml::Spanned;

/// A whole devflow.toml.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// `[project]`
    pub project: ProjectSection,
    /// `[runtime]`
    pub runtime: Runtime,
    /// `[container]`
    pub container: Container,
    /// `[image]`
    pub image: ImageSection,
    /// `[cache]`
    pub cache: CacheSection,
    /// `[targets]`
    pub targets: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    /// `[extensions.NAME]`
    pub extensions: BTreeMap<Spanned<ExtensionName>, ExtensionSection>,
    /// `[commands."NAME"]`
    pub commands: BTreeMap<Spanned<String>, CommandSection>,
    /// `[services.NAME]`
    pub services: BTreeMap<Spanned<String>, ServiceSection>,
    /// `[secrets.NAME]`
    pub secrets: BTreeMap<Spanned<String>, super::SecretSection>,
}

/// The devflow.toml of a member: it may say which stacks the member has.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemberFile {
    /// `[project]`
    pub project: MemberSection,
}

/// `[project]` of a member.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemberSection {
    /// The stacks, each an extension's name.
    pub stack: Option<Vec<ExtensionName>>,
}

/// `[project]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectSection {
    /// The project's name; the directory's when absent.
    pub name: Option<Spanned<String>>,
    /// The stacks, each an extension's name.
    pub stack: Option<Spanned<Vec<Spanned<ExtensionName>>>>,
    /// Globs of folders with stacks of their own.
    pub members: Vec<Spanned<String>>,
}

/// `[runtime]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Runtime {
    /// Where actions run.
    pub profile: Option<Profile>,
}

/// Where actions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// In a container
    Container,
    /// On this machine
    Host,
    /// In a container when an engine answers, else on this machine
    Auto,
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// Docker
    Docker,
    /// Podman
    Podman,
    /// The first that answers
    Auto,
}

/// What actions see of the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// All of it.
    #[default]
    On,
    /// Only actions that fetch see it.
    Fetch,
    /// Nothing of it.
    Off,
}

/// `[container]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Container {
    /// The engine.
    pub engine: Option<EngineChoice>,
    /// A repository, whose tag is the fingerprint; or an image with a tag or digest of its own.
    pub image: Option<Spanned<String>>,
    /// The Dockerfile, relative to the project.
    pub dockerfile: Option<Spanned<String>>,
    /// What else belongs to the image's identity.
    pub fingerprint_inputs: Vec<Spanned<String>>,
    /// Host variables let through: names, or globs of names.
    pub pass_env: Vec<Spanned<String>>,
    /// What actions see of the network.
    pub network: Network,
    /// Another user than the default: `UID` or `UID:GID`.
    pub user: Option<Spanned<UserChoice>>,
    /// Whether one container serves the whole run.
    pub session: bool,
    /// Memory limit, such as `4 GB`.
    pub memory: Option<super::units::Size>,
    /// Processors, such as `1.5`.
    #[serde(deserialize_with = "super::units::processors")]
    pub cpus: Option<f64>,
    /// Size of /dev/shm, such as `1 GB`.
    pub shm_size: Option<super::units::Size>,
    /// Further in-memory folders.
    pub tmpfs: Vec<Spanned<String>>,
    /// Further folders of the project, read-only.
    pub mounts: Vec<MountEntry>,
}

impl Default for Container {
    fn default() -> Self {
        Self {
            engine: None,
            image: None,
            dockerfile: None,
            fingerprint_inputs: Vec::new(),
            pass_env: Vec::new(),
            network: Network::On,
            user: None,
            session: true,
            memory: None,
            cpus: None,
            shm_size: None,
            tmpfs: Vec::new(),
            mounts: Vec::new(),
        }
    }
}

/// A folder of the project that is mounted a second time, read-only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MountEntry {
    /// Relative to the project.
    pub source: Spanned<String>,
    /// Absolute, in the container.
    pub target: Spanned<String>,
}

/// A user and group by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UserChoice {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl TryFrom<String> for UserChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (uid, gid) = text.split_once(':').unwrap_or((&text, &text));
        match (uid.parse(), gid.parse()) {
            (Ok(uid), Ok(gid)) => Ok(Self { uid, gid }),
            _ => Err(format!("{text:?} is not a user: write UID or UID:GID, in numbers")),
        }
    }
}

/// `[image]`: how an image is made where the project has no Dockerfile, and what it must be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageSection {
    /// The image to begin with, such as `debian:bookworm-slim`; else the extensions say which.
    pub base: Option<Spanned<String>>,
    /// Where toolchains may come from, the best first: `images`, `distribution`.
    pub sources: Option<Vec<Spanned<ImageSource>>>,
    /// Packages of the distribution besides those that extensions ask for.
    pub packages: Vec<Spanned<String>>,
    /// `[image.scan]`
    pub scan: ScanSection,
}

/// Where a toolchain comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageSource {
    /// Copied from an official image.
    Images,
    /// Packages of the distribution.
    Distribution,
}

/// `[image.scan]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanSection {
    /// Whether findings that have no fix are only told.
    pub ignore_unfixed: bool,
}

impl Default for ScanSection {
    fn default() -> Self {
        Self { ignore_unfixed: true }
    }
}

/// What caches are in containers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheBackend {
    /// Folders below the cache root.
    #[default]
    Dir,
    /// Volumes of the engine.
    Volume,
}

/// `[cache]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSection {
    /// The cache root, relative to the project; `DWF_CACHE_ROOT` overrides it.
    pub root: Option<Spanned<String>>,
    /// What caches are in containers.
    pub backend: CacheBackend,
    /// The budget in bytes, such as `20 GB`.
    pub max_size: Option<super::units::Size>,
    /// The budget in time, such as `30 days`.
    pub max_age: Option<super::units::Age>,
}

/// `[extensions.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExtensionSection {
    /// The versions that are known to work, such as `>=0.1, <0.2`.
    pub version: Option<Spanned<super::units::Versions>>,
    /// Whether it is an error that it detects nothing.
    pub required: bool,
    /// An executable that came with the project; it needs consent.
    pub path: Option<Spanned<String>>,
    /// Handed to the extension as it is.
    pub config: Spanned<toml::Table>,
}

impl Default for ExtensionSection {
    fn default() -> Self {
        Self { version: None, required: true, path: None, config: Spanned::new(0..0, toml::Table::new()) }
    }
}

/// `[commands."NAME"]`: a project's own action, or more about an extension's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandSection {
    /// Program and arguments of a project's own action.
    pub run: Option<Spanned<Vec<String>>>,
    /// Commands that must have succeeded before.
    pub needs: Vec<Spanned<String>>,
    /// Services that have to be ready.
    pub services: Vec<Spanned<String>>,
    /// Arguments, after the extension's own.
    pub args: Vec<Spanned<String>>,
    /// Variables.
    pub env: BTreeMap<Spanned<EnvName>, String>,
    /// Seconds after which it is ended.
    #[serde(deserialize_with = "super::units::seconds_at")]
    pub timeout: Option<Spanned<u64>>,
}

/// `[services.NAME]`: what some actions need beside them, such as a database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSection {
    /// The image, with a tag or a digest.
    pub image: Spanned<String>,
    /// Program and arguments, in the place of the image's command.
    #[serde(default)]
    pub command: Option<Spanned<Vec<String>>>,
    /// Variables.
    #[serde(default)]
    pub env: BTreeMap<EnvName, String>,
    /// Program and arguments of what ends with 0 as soon as the service can be used.
    #[serde(default)]
    pub ready: Option<Spanned<Vec<String>>>,
    /// Seconds that this may take.
    #[serde(default, deserialize_with = "super::units::seconds")]
    pub ready_timeout: Option<u64>,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::Host => "host",
            Self::Auto => "auto",
        })
    }
}

/// The names of the gate's targets when devflow.toml names none.
pub(crate) const DEFAULT_TARGETS: [&str; 2] = ["pr", "main"];

/// The gate's targets when devflow.toml names none.
pub(crate) fn default_target(name: &str) -> Option<Vec<CommandName>> {
    let commands: &[&str] = match name {
        "pr" => &["fmt:check", "lint:static", "build:debug", "test:unit"],
        "main" => &["fmt:check", "lint:static", "build:release", "test:unit", "test:integration"],
        _ => return None,
    };
    Some(commands.iter().filter_map(|command| command.parse().ok()).collect())
}
