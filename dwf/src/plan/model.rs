//! What a plan is made of.

use std::collections::BTreeMap;

use devflow_protocol::message::{Cache, Inputs, Output, Report, Step, Tool};
use devflow_protocol::name::{EnvName, ExtensionName};
use devflow_protocol::path::RelPath;
use devflow_protocol::template::Template;
use serde::Serialize;

use super::secrets::Secret;
use crate::name::FullName;

/// What would run. It holds no path of this machine, no user and no profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The identity of the image.
    pub fingerprint: String,
    /// The extensions that answered, by name.
    pub extensions: Vec<Used>,
    /// The stacks that have an action, by member and name.
    pub stacks: Vec<Stack>,
    /// The actions, by name.
    pub actions: Vec<Action>,
    /// What some actions need beside them, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// The secrets that some action may see, by name; their values are no part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// The commands that were asked for and have nothing to do, by name.
    pub skips: Vec<Skip>,
    /// What the user should know about how it came to be.
    pub notes: Vec<String>,
}

/// An extension that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Its name.
    pub name: ExtensionName,
    /// Its own version.
    pub version: String,
    /// The identity of its entry in devflow.lock, the same on every platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
}

/// What the actions of one stack in one member share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stack {
    /// The member's folder.
    pub member: RelPath,
    /// The stack.
    pub stack: ExtensionName,
    /// Variables.
    pub env: BTreeMap<EnvName, Template>,
    /// Host variables it would like to see.
    pub wants_env: Vec<EnvName>,
    /// Variables that shall hold the path of a file of certificates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ca_env: Vec<EnvName>,
    /// Host variables that say where tools of the host are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub place_env: Vec<EnvName>,
    /// Caches, by name.
    pub caches: Vec<Cache>,
    /// The programs it relies on.
    pub tools: Vec<Tool>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Action {
    /// Its name.
    pub name: FullName,
    /// Whether it was asked for, or is only needed.
    pub requested: bool,
    /// Ways of doing it: the first whose `when` is there; the last has none.
    pub choices: Vec<Choice>,
    /// Actions that must have succeeded before.
    pub needs: Vec<FullName>,
    /// Actions that must have ended before, because they make what this one reads.
    pub after: Vec<FullName>,
    /// Services that have to be ready, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Names; two actions of one stack and member that share one never run at once.
    pub locks: Vec<String>,
    /// Whether it downloads.
    pub fetches: bool,
    /// Whether it changes the project's sources, and so runs alone.
    pub writes: bool,
    /// Seconds after which it is ended.
    pub timeout_s: u64,
    /// What the outcome depends on.
    pub inputs: Option<Inputs>,
    /// What it makes.
    pub outputs: Vec<Output>,
    /// Reports its tools write.
    pub reports: Vec<Report>,
}

/// What some actions need beside them: a container of an image that is not the project's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Its name, which is also a host's.
    pub name: String,
    /// The image.
    pub image: String,
    /// Program and arguments, in the place of the image's command.
    pub command: Option<Vec<String>>,
    /// Variables.
    pub env: BTreeMap<EnvName, String>,
    /// Program and arguments of what ends with 0 as soon as it can be used; without, it can be at once.
    pub ready: Option<Vec<String>>,
    /// Seconds that this may take.
    pub ready_timeout_s: u64,
}

/// One way of doing it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// A program that must be there.
    pub when: Option<String>,
    /// Programs run one after the other.
    pub steps: Vec<Step>,
    /// The working directory, relative to the project.
    pub cwd: RelPath,
    /// Variables on top of the stack's; `null` takes one away.
    pub env: BTreeMap<EnvName, Option<Template>>,
    /// Folders in front of `PATH`.
    pub path: Vec<Template>,
}

/// A command with nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// Its name.
    pub name: FullName,
    /// Why there is nothing to do.
    pub because: String,
}

/// Seconds that an action has when nobody says: nothing hangs for ever.
pub const TIMEOUT_S: u64 = 3600;

/// Seconds that a service has to become ready when nobody says.
pub const READY_S: u64 = 60;

impl Plan {
    /// The stack that an action belongs to.
    pub fn stack_of(&self, name: &FullName) -> Option<&Stack> {
        let stack = name.stack.as_ref()?;
        self.stacks.iter().find(|known| known.member == name.member && known.stack == *stack)
    }
}
