//! Where placeholders lead, on one profile.

use std::collections::BTreeMap;

use devflow_protocol::name::{CacheName, ExtensionName};
use devflow_protocol::path::RelPath;
use devflow_protocol::template::{Place, Template};

/// The places of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The project's root.
    pub workspace: String,
    /// The home directory of the user that runs the actions.
    pub home: String,
    /// A folder for temporary files.
    pub tmp: String,
    /// Each stack's caches.
    pub caches: BTreeMap<(RelPath, ExtensionName, CacheName), String>,
}

impl Places {
    /// Replaces a template's placeholders, for an action of this member and stack.
    pub fn fill(&self, template: &Template, member: &RelPath, stack: Option<&ExtensionName>) -> String {
        let place = |place: Place<'_>| -> Result<String, std::convert::Infallible> {
            Ok(match place {
                Place::Workspace => self.workspace.clone(),
                Place::Home => self.home.clone(),
                Place::Tmp => self.tmp.clone(),
                Place::Cache(name) => self.cache(name, member, stack).unwrap_or_default(),
            })
        };
        match template.fill(place) {
            Ok(text) => text,
            Err(never) => match never {},
        }
    }

    // A template was checked against its stack's caches when the answer came in.
    fn cache(&self, name: &str, member: &RelPath, stack: Option<&ExtensionName>) -> Option<String> {
        let key = (member.clone(), stack?.clone(), name.parse().ok()?);
        self.caches.get(&key).cloned()
    }

    /// A folder of the project.
    pub fn folder(&self, dir: &RelPath) -> String {
        if dir.is_here() { self.workspace.clone() } else { format!("{}/{dir}", self.workspace) }
    }
}
