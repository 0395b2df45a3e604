//! The values of secrets: from the user's environment, or from where the user's file says.
//!
//! Invariant: nothing that came with a project says where a value comes from, and a value that was
//! read is hidden from everything that is printed before anybody else has it.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_oci::Invocation;
use devflow_runner::wire::Place;

use crate::config::{SecretSource, UserConfig, UserNetwork};
use crate::engine::{last_line, on_path};
use crate::error::{Exit, Explain};
use crate::files;
use crate::lower::Given;
use crate::plan::{Plan, Secret, Target};
use crate::process;
use crate::redact::SHORTEST;
use crate::world::{SECRET, World};

/// Bytes that a secret may have.
const MOST: usize = 64 << 10;
/// For a program that prints one; it may have to ask its user.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found for the actions of a plan.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The values.
    pub given: Vec<Given>,
    /// The user's SSH agent, and the actions that may use it.
    pub agent: Option<Agent>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// An SSH agent.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The secret's name.
    pub name: String,
    /// Its socket, with links resolved.
    pub socket: PathBuf,
    /// Whose it is.
    pub uid: u32,
    /// Who may use it.
    pub actions: Vec<crate::name::FullName>,
}

/// Why a secret is not there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nobody says what it is.
    #[error("the secret `{name}` is wanted, and nobody says what it is")]
    Missing {
        /// Its name.
        name: String,
        /// The project that wants it.
        root: PathBuf,
        /// Whether it is the user's SSH agent.
        agent: bool,
    },
    /// The user has it, for other projects.
    #[error("the secret `{name}` is not for this project")]
    OtherProjects {
        /// Its name.
        name: String,
        /// The project that wants it.
        root: PathBuf,
    },
    /// The user's file says something else than one source.
    #[error("the secret `{0}` has no single source in your configuration")]
    Sources(String),
    /// Its source gives nothing.
    #[error("the secret `{name}` cannot be had: {reason}")]
    Source {
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
    },
}

impl Explain for SecretError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        const FILE: &str = "~/.config/devflow/config.toml";
        let section =
            |name: &str, root: &Path| format!("[secrets.{name}] projects = [{:?}]", root.to_string_lossy());
        Some(match self {
            Self::Missing { name, root, agent: true } => {
                format!("say in {FILE}: {}, ssh_agent = true", section(name, root))
            }
            Self::Missing { name, root, agent: false } => format!(
                "set {}, or say in {FILE}: {}, from_file = \"/…\" (or from_env, from_command)",
                variable(name),
                section(name, root)
            ),
            Self::OtherProjects { name, root } => format!("say in {FILE}: {}", section(name, root)),
            Self::Sources(name) => {
                format!("[secrets.{name}] of {FILE} has one of from_file, from_env, from_command, ssh_agent")
            }
            Self::Source { .. } => return None,
        })
    }
}

/// The variable that holds a secret.
pub fn variable(name: &str) -> String {
    format!("{SECRET}{}", name.to_uppercase().replace('-', "_"))
}

/// Reads what the actions of a plan may see.
pub async fn gather(
    plan: &Plan,
    user: &UserConfig,
    root: &Path,
    world: &World,
) -> Result<Gathered, SecretError> {
    let mut gathered = Gathered::default();
    for secret in &plan.secrets {
        let source = user.secrets.get(&secret.name);
        let place = match &secret.target {
            Target::File(path) => Place::File(path.clone()),
            Target::Env(name) => Place::Variable(name.clone()),
            Target::SshAgent => {
                gathered.agent = agent(secret, source, root, world)?.or(gathered.agent);
                continue;
            }
        };
        let Some(value) = value(secret, source, root, world).await? else {
            gathered.notes.push(format!("the secret {} is not there, and not required", secret.name));
            continue;
        };
        let is_hidden = match place {
            Place::File(_) => world.hidden.hide_file(&value),
            Place::Variable(_) => world.hidden.hide(&value),
        };
        if !is_hidden {
            let text = format!(
                "the secret {} is shorter than {SHORTEST} characters: it is not hidden in what actions print",
                secret.name
            );
            gathered.notes.push(text);
        }
        let (name, actions) = (secret.name.clone(), secret.actions.clone());
        gathered.given.push(Given { name, place, value, actions });
    }
    Ok(gathered)
}

/// Whether a source is for this project; `Err` where it is for others only.
fn for_project(
    secret: &Secret,
    source: &SecretSource,
    root: &Path,
    world: &World,
) -> Result<(), SecretError> {
    let folders = source.projects.iter().filter_map(|folder| absolute(folder, world));
    let real = |folder: PathBuf| folder.canonicalize().unwrap_or(folder);
    match folders.map(real).any(|folder| root.starts_with(folder)) {
        true => Ok(()),
        false => Err(SecretError::OtherProjects { name: secret.name.clone(), root: root.to_owned() }),
    }
}

fn missing<T>(secret: &Secret, root: &Path) -> Result<Option<T>, SecretError> {
    match secret.required {
        true => Err(SecretError::Missing {
            name: secret.name.clone(),
            root: root.to_owned(),
            agent: secret.target == Target::SshAgent,
        }),
        false => Ok(None),
    }
}

async fn value(
    secret: &Secret,
    source: Option<&SecretSource>,
    root: &Path,
    world: &World,
) -> Result<Option<String>, SecretError> {
    let name = &secret.name;
    let wrong = |reason: String| SecretError::Source { name: name.clone(), reason };
    let text = if let Some(value) = world.secrets.get(&variable(name)) {
        value.clone()
    } else if let Some(source) = source {
        match for_project(secret, source, root, world) {
            Ok(()) => {}
            Err(_) if !secret.required => return Ok(None),
            Err(error) => return Err(error),
        }
        match (&source.from_file, &source.from_env, &source.from_command, source.ssh_agent) {
            (Some(file), None, None, false) => from_file(file, world).map_err(wrong)?,
            (None, Some(variable), None, false) => match world.var(variable) {
                Some(value) => value.to_owned(),
                None => return missing(secret, root),
            },
            (None, None, Some(words), false) => from_command(words, root, world).await.map_err(wrong)?,
            _ => return Err(SecretError::Sources(name.clone())),
        }
    } else {
        return missing(secret, root);
    };
    match text {
        text if text.is_empty() => Err(wrong("it is empty".to_owned())),
        text if text.contains('\0') => Err(wrong("it holds a NUL".to_owned())),
        text if text.len() > MOST => Err(wrong(format!("it is larger than {MOST} bytes"))),
        // A variable is one line, and its file ends with the end of that.
        text if matches!(secret.target, Target::Env(_)) => {
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        text => Ok(Some(text)),
    }
}

fn from_file(file: &str, world: &World) -> Result<String, String> {
    let path = absolute(file, world).ok_or_else(|| format!("{file} is neither absolute nor below ~/"))?;
    let shown = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = files::read(&path, MOST as u64).map_err(|error| shown(&error))?;
    String::from_utf8(bytes).map_err(|_| shown(&"it is not UTF-8 text"))
}

async fn from_command(words: &[String], root: &Path, world: &World) -> Result<String, String> {
    let (program, args) = words.split_first().ok_or("the command is empty")?;
    let path = match absolute(program, world) {
        Some(path) => path,
        None if program.contains('/') => return Err(format!("{program} is neither absolute nor a name")),
        None => on_path(program, root, world).ok_or_else(|| format!("there is no program {program}"))?,
    };
    let invocation = Invocation::new(path).args(args.iter().cloned());
    let said = process::capture(&invocation, &world.env, PATIENCE, MOST + 1).await;
    let said = said.map_err(|error| format!("{program}: {error}"))?;
    if said.status.success() {
        return Ok(said.stdout);
    }
    let words = last_line(&said.stderr).map(|line| format!(": {line}")).unwrap_or_default();
    Err(format!("{program} {}{words}", process::ending(said.status)))
}

fn agent(
    secret: &Secret,
    source: Option<&SecretSource>,
    root: &Path,
    world: &World,
) -> Result<Option<Agent>, SecretError> {
    let Some(source) = source.filter(|source| source.ssh_agent) else { return missing(secret, root) };
    match for_project(secret, source, root, world) {
        Ok(()) => {}
        Err(_) if !secret.required => return Ok(None),
        Err(error) => return Err(error),
    }
    let wrong = |reason: String| SecretError::Source { name: secret.name.clone(), reason };
    let Some(path) = world.var("SSH_AUTH_SOCK") else {
        return match secret.required {
            true => Err(wrong("SSH_AUTH_SOCK is not set: no SSH agent runs here".to_owned())),
            false => Ok(None),
        };
    };
    let look = || {
        let real = Path::new(path).canonicalize()?;
        real.metadata().map(|meta| (real, meta))
    };
    match look() {
        Ok((socket, meta)) if meta.file_type().is_socket() => {
            let (name, actions) = (secret.name.clone(), secret.actions.clone());
            Ok(Some(Agent { name, socket, uid: meta.uid(), actions }))
        }
        Ok(_) => Err(wrong(format!("SSH_AUTH_SOCK is {path}, which is no socket"))),
        Err(error) => Err(wrong(format!("SSH_AUTH_SOCK is {path}: {error}"))),
    }
}

/// The variables of proxies, in both spellings: programs do not agree on one.
pub fn proxies(network: &UserNetwork, world: &World) -> BTreeMap<String, String> {
    let UserNetwork { http_proxy, https_proxy, no_proxy, .. } = network;
    let all = [("HTTP_PROXY", http_proxy), ("HTTPS_PROXY", https_proxy), ("NO_PROXY", no_proxy)];
    let mut out = BTreeMap::new();
    for (name, value) in all.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        world.hidden.hide_password(value);
        out.extend([name.to_owned(), name.to_lowercase()].map(|name| (name, value.clone())));
    }
    out
}

/// A path of the user's file: absolute, or below `~/`.
pub fn absolute(path: &str, world: &World) -> Option<PathBuf> {
    match path.strip_prefix("~/") {
        Some(rest) => Some(world.home().ok()?.join(rest)),
        None if path == "~" => world.home().ok(),
        None => Some(PathBuf::from(path)).filter(|path| path.is_absolute()),
    }
}

#[cfg(test)]
mod tests;
