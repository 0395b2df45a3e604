//! `[secrets.NAME]` on both sides: a project says where a secret is wanted, its user where it comes from.

use std::collections::BTreeSet;
use std::path::PathBuf;

use devflow_oci::environment;
use serde::Deserialize;
use toml::Spanned;

use super::check::{Wrong, wrong};
use super::model::File;

/// Keys that say where a secret comes from, or how the network is reached: never a project's to set.
pub(super) const USERS: [&str; 5] = ["from_file", "from_env", "from_command", "projects", "network"];

/// `[secrets.NAME]` of a project: who may see it, and where.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSection {
    /// A file below the home directory of the actions: `~/…`.
    pub file: Option<Spanned<String>>,
    /// A variable.
    pub env: Option<Spanned<String>>,
    /// The user's SSH agent.
    pub ssh_agent: Option<Spanned<bool>>,
    /// The actions that may see it; when empty, all that download.
    pub commands: Vec<Spanned<String>>,
    /// Whether nothing runs without it.
    pub required: bool,
}

impl Default for SecretSection {
    fn default() -> Self {
        Self { file: None, env: None, ssh_agent: None, commands: Vec::new(), required: true }
    }
}

/// `[secrets.NAME]` of the user: where it comes from, and for which projects.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSource {
    /// The folders whose projects may have it: absolute, or below `~/`.
    pub projects: Vec<String>,
    /// A file that holds it: absolute, or below `~/`.
    pub from_file: Option<String>,
    /// A variable of dwf's own environment that holds it.
    pub from_env: Option<String>,
    /// A program that prints it, with its arguments.
    pub from_command: Option<Vec<String>>,
    /// Whether the user's SSH agent may be used.
    pub ssh_agent: bool,
}

/// `[network]` of the user: how what is downloaded is reached.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserNetwork {
    /// The proxy for http addresses.
    pub http_proxy: Option<String>,
    /// The proxy for https addresses.
    pub https_proxy: Option<String>,
    /// Hosts that are reached without one.
    pub no_proxy: Option<String>,
    /// A file of certificates to believe: absolute, or below `~/`.
    pub ca_bundle: Option<PathBuf>,
}

/// Checks the sections of a project.
pub(super) fn check(file: &File) -> Result<(), Wrong> {
    let mut taken = BTreeSet::new();
    for (name, section) in &file.secrets {
        if !is_secret_name(name.get_ref()) {
            return wrong(name, "a secret's name has small letters, digits and `-` only");
        }
        let target = match (&section.file, &section.env, &section.ssh_agent) {
            (Some(file), None, None) => {
                let below = file.get_ref().strip_prefix("~/").is_some_and(is_plain);
                if !below {
                    return wrong(file, "this is a file below `~/`, without `..`");
                }
                file
            }
            (None, Some(env), None) => {
                if !is_settable(env.get_ref()) {
                    return wrong(env, format!("{:?} is no variable that a secret can be in", env.get_ref()));
                }
                env
            }
            (None, None, Some(agent)) if *agent.get_ref() => continue,
            (None, None, Some(agent)) => return wrong(agent, "this is `true`, or is left out"),
            _ => {
                let message = "a secret has one target: `file`, `env` or `ssh_agent`";
                return wrong(name, message);
            }
        };
        if !taken.insert(target.get_ref()) {
            return wrong(target, format!("two secrets are to be in {}", target.get_ref()));
        }
    }
    Ok(())
}

fn is_secret_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain)
}

fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !["", ".", ".."].contains(&part)) && !path.chars().any(char::is_control)
}

fn is_settable(name: &str) -> bool {
    const RESERVED: [&str; 5] = ["PATH", "HOME", "USER", "SHELL", "SSH_AUTH_SOCK"];
    let reserved = RESERVED.contains(&name) || name.starts_with("DWF_") || environment::is_loaders(name);
    environment::is_name(name) && !reserved
}
