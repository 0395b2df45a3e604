//! `project/describe`: what an extension makes of a folder.
//!
//! Invariant: a member that was left out is what SPEC.md calls its default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Config, Platform, Project, present};
use crate::name::{CacheName, CommandName, EnvName};
use crate::path::RelPath;
#[cfg(feature = "schema")]
use crate::schema::{rule, word};
use crate::template::Template;

/// Parameters of `project/describe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DescribeParams {
    /// Which folder is asked about.
    pub project: Project,
    /// Where the actions will run.
    pub platform: Platform,
    /// The extension's own settings.
    #[serde(default)]
    pub config: Config,
}

/// Result of `project/describe`: what the extension makes of the folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DescribeResult {
    /// Whether the folder is one of this extension's projects. `false` is an answer, not a failure.
    pub applies: bool,
    /// Why, or why not, in words for the user.
    #[serde(default)]
    pub because: Vec<String>,
    /// The commands that can be resolved here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<CommandInfo>,
    /// The caches its actions use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<Cache>,
    /// Variables for all of this stack's actions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "word::Map<word::SettableVariable, Template>"))]
    pub env: BTreeMap<EnvName, Template>,
    /// Host variables it would like to see; the user decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants_env: Vec<EnvName>,
    /// Variables that shall hold the path of a file of certificates, where the user has one to believe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::SettableVariable>"))]
    pub ca_env: Vec<EnvName>,
    /// Host variables that say where the user's own tools are; on the host its actions see them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::SettableVariable>"))]
    pub place_env: Vec<EnvName>,
    /// Globs of files that belong to the image's identity, relative to the member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::Glob>"))]
    pub fingerprint: Vec<String>,
    /// The programs it relies on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// What an image for this stack needs.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The files this answer depends on, relative to the member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<RelPath>,
}

/// A command that an extension offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommandInfo {
    /// Its name.
    pub name: CommandName,
    /// One line for the user.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "word::Line"))]
    pub summary: String,
    /// Whether it changes the project's sources; such a command runs alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub writes: bool,
}

/// How far a cache is shared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// Downloads: one folder for every project and profile.
    #[default]
    Shared,
    /// Build products: one folder per workspace, member, stack and image or host toolchain.
    Environment,
}

/// How a cache may be mounted when nothing is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CacheReadonly {
    /// Plainly read-only: the tool copes.
    Ok,
    /// Copy-on-write: the tool insists on writing.
    Overlay,
}

/// Who keeps a cache small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ManagedBy {
    /// The tool itself; dwf never prunes it.
    #[serde(rename = "self")]
    Tool,
}

/// An entry of a tool's home that is kept: a folder when it ends in `/`, else a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Keep {
    /// The entry's name: one path component.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
}

impl TryFrom<String> for Keep {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, folder) = text.strip_suffix('/').map_or((text.as_str(), false), |name| (name, true));
        match RelPath::try_from(name.to_owned()) {
            Ok(path) if !path.is_here() && !name.contains('/') => Ok(Self { name: name.to_owned(), folder }),
            _ => Err(format!(
                "{text:?} is not an entry to keep: it is one name, ending in / when it is a folder"
            )),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Keep {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Keep".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = word::text(
            "One name; a folder's ends in `/`.",
            r"^(?!\.{1,2}/?$)[^/\\\u0000-\u001f\u007f-\u009f]+/?$",
        );
        schema.insert("maxLength".to_owned(), crate::path::LONGEST.into());
        schema
    }
}

impl From<Keep> for String {
    fn from(keep: Keep) -> String {
        if keep.folder { keep.name + "/" } else { keep.name }
    }
}

/// A named folder that outlives the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = rule::cache))]
pub struct Cache {
    /// Its name, which is its folder's name below the cache root.
    pub name: CacheName,
    /// The variable that tells the tool where it is, on either profile.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "word::SettableVariable"))]
    pub env: Option<EnvName>,
    /// Where the tool keeps its own state when nobody tells it: `~/…`. Only with `keep`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "word::HomePath"))]
    pub home: Option<String>,
    /// The entries of `home` that are caches; all others stay the user's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<Keep>,
    /// Where a tool without such a variable looks: `~/…` or absolute. Containers only.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "word::TargetPath"))]
    pub target: Option<String>,
    /// A folder of the member that must not be shared between platforms. Containers only.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("not" = { "const": "." })))]
    pub at: Option<RelPath>,
    /// How far it is shared.
    #[serde(default)]
    pub scope: CacheScope,
    /// How it may be mounted when nothing is to be written; never, when absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub readonly: Option<CacheReadonly>,
    /// Who keeps it small; dwf when absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedBy>,
}

/// A program the stack relies on, and how to ask it for its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tool {
    /// The program's name.
    #[cfg_attr(feature = "schema", schemars(with = "word::Word"))]
    pub program: String,
    /// Arguments that print its version.
    #[serde(default)]
    pub args: Vec<String>,
    /// The versions that are known to work, such as `>=1.70`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub wants: Option<String>,
}

/// What an image for a stack needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Image {
    /// Families of base images it fits, the preferred one first, such as `debian:bookworm`.
    pub base: Vec<String>,
    /// Ways to get there; the one whose source the user likes best is taken.
    pub options: Vec<ImageOption>,
}

/// One way to make an image fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageOption {
    /// Where it comes from: `images` or `distribution`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["images", "distribution"])))]
    pub source: String,
    /// Packages of the distribution, `name` or `name=version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::Package>"))]
    pub packages: Vec<String>,
    /// Files and folders copied from other images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy: Vec<Copy>,
    /// Symbolic links, `[target, link]`; the target may be relative to the link's folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<[String; 2]>,
    /// Files of the member that the steps read; they run in a folder that holds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<RelPath>,
    /// What is run while building.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ImageStep>,
    /// Variables of the image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "word::Map<word::SettableVariable, word::Value>"))]
    pub env: BTreeMap<EnvName, String>,
    /// Folders in front of `PATH`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::Place>"))]
    pub path: Vec<String>,
    /// Commands that must succeed in the finished image, as its ordinary user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(inner(length(min = 1))))]
    pub probe: Vec<Vec<String>>,
}

/// Folders copied from another image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Copy {
    /// The image.
    #[cfg_attr(feature = "schema", schemars(with = "word::Word"))]
    pub from: String,
    /// Absolute paths, the same in both images.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::Place>"))]
    pub paths: Vec<String>,
}

/// A command run while building an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageStep {
    /// Program and arguments.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub run: Vec<String>,
    /// `root` or `dwf`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["root", "dwf"])))]
    pub user: Option<String>,
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}
