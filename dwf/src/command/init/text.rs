//! The texts of what `dwf init` writes: templates, filled in with what is known of the project.

use std::collections::BTreeSet;

use devflow_oci::fingerprint::literal;
use toml_edit::{Array, Value};

use crate::config::default_target;
use crate::plan::Answers;
use crate::project::Project;

const CONFIG: &str = include_str!("../../../templates/devflow.toml");
const BAKE: &str = include_str!("../../../templates/docker-bake.hcl");

/// What the templates are filled in with.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) stacks: BTreeSet<String>,
    /// Folders besides the root.
    pub(super) members: BTreeSet<String>,
}

impl Facts {
    pub(super) fn new(project: &Project, answers: &Answers) -> Self {
        let members = answers.described.iter().filter(|described| !described.member.is_here());
        Self {
            name: plain_name(&project.name),
            stacks: answers.described.iter().map(|described| described.stack.to_string()).collect(),
            members: members.map(|described| described.member.to_string()).collect(),
        }
    }

    /// devflow.toml
    pub(super) fn config(&self, repository: &str) -> String {
        let members = match self.members.is_empty() {
            true => String::new(),
            false => format!("members = {}\n", list(self.members.iter().map(|member| literal(member)))),
        };
        let gate = default_target("pr").unwrap_or_default();
        filled(
            CONFIG,
            &[
                ("name", &Value::from(self.name.as_str()).to_string()),
                ("stack", &list(self.stacks.iter().cloned())),
                ("members", &members),
                ("repository", repository.rsplit('/').next().unwrap_or_default()),
                ("pr", &list(gate.iter().map(ToString::to_string))),
            ],
        )
    }

    /// docker-bake.hcl
    pub(super) fn bake(&self, repository: &str, dockerfile: &str) -> String {
        filled(BAKE, &[("name", &self.name), ("image", repository), ("dockerfile", &quotable(dockerfile))])
    }
}

/// A template with a text in each of its places.
fn filled(template: &str, places: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    // What is filled in is not read again.
    while let Some((before, after)) = rest.split_once("{{") {
        let (place, after) = after.split_once("}}").unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(places.iter().find(|(name, _)| *name == place).map_or("", |(_, with)| with));
        rest = after;
    }
    text + rest
}

fn list(items: impl Iterator<Item = String>) -> String {
    Value::from(items.collect::<Array>()).to_string()
}

/// A text as it stands between the quotes of a bake file.
fn quotable(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{")
}

/// A project's name as devflow.toml takes it: a folder may have any.
fn plain_name(name: &str) -> String {
    let mut plain = String::new();
    for c in name.chars().take(100) {
        match c {
            c if c.is_ascii_alphanumeric() => plain.push(c),
            '.' | '_' | '-' if !plain.is_empty() => plain.push(c),
            _ if plain.is_empty() || plain.ends_with('-') => {}
            _ => plain.push('-'),
        }
    }
    let plain = plain.trim_end_matches(['.', '_', '-']);
    if plain.is_empty() { "project".to_owned() } else { plain.to_owned() }
}
