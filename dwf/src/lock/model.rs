//! What may stand in devflow.lock.

use std::collections::BTreeMap;

use devflow_oci::ImageRef;
use devflow_oci::hash::sha256_framed;
use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::value::{Folder, Hash, Platform, Source};

/// What decides how the rest is read.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    /// The version of the format.
    pub version: Option<Spanned<toml::Value>>,
}

/// A whole devflow.lock.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(default, rename = "dwf")]
    _dwf: Option<Dwf>,
    /// `[[extension]]`
    #[serde(default)]
    pub extension: Vec<Entry>,
    /// `[[image]]`
    #[serde(default)]
    pub image: Vec<Base>,
    #[serde(default, rename = "action")]
    _action: Vec<toml::Table>,
}

/// `[dwf]`: who wrote the lock.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dwf {
    #[serde(rename = "version")]
    _version: String,
}

/// `[[extension]]`: one extension.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    pub name: Spanned<ExtensionName>,
    /// Its own version.
    pub version: Spanned<String>,
    /// The version of the protocol that it speaks with this dwf.
    pub protocol: u32,
    /// What its bytes are.
    pub kind: Kind,
    /// Folders outside its own that it has to be able to read.
    #[serde(default)]
    pub reads: Vec<Folder>,
    /// The bytes, for each platform.
    pub platform: BTreeMap<Spanned<Platform>, Artifact>,
}

/// `[[image]]`: an image that the project's own begins with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its name as it is written where it is used, without a digest.
    pub name: Spanned<ImageRef>,
    /// What that name stands for: the index of all platforms, where the registry has one.
    pub digest: Hash,
}

/// What the bytes of an extension are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A native program in one file.
    Elf,
    /// A script in one file.
    Script,
    /// A folder, with the program as one of its files.
    Tree,
}

/// `[extension.platform.TRIPLE]`: the bytes for one platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Where they come from.
    pub source: Spanned<Source>,
    /// The hash of the archive, when they come in one.
    #[serde(default)]
    pub archive: Option<Hash>,
    /// The program inside the archive or the tree.
    #[serde(default)]
    pub entry: Option<Spanned<RelPath>>,
    /// The hash of the program, or of a tree's listing.
    pub executable: Hash,
}

impl Entry {
    /// The bytes for a platform: its own, or those that run anywhere.
    pub fn artifact(&self, platform: Platform) -> Option<&Artifact> {
        let on = |wanted: Platform| self.platform.iter().find(|(known, _)| *known.get_ref() == wanted);
        on(platform).or_else(|| on(Platform::Any)).map(|(_, artifact)| artifact)
    }

    /// The identity of what is pinned; the same on every platform.
    pub fn digest(&self) -> String {
        let pins = self.platform.iter().flat_map(|(platform, artifact)| {
            let entry = artifact.entry.as_ref().map_or("", |entry| entry.get_ref().as_str());
            [platform.get_ref().as_str(), artifact.executable.hex(), entry]
        });
        format!("sha256:{}", sha256_framed(pins))
    }
}
