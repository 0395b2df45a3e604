//! What is gathered for actions that download: secrets, the SSH agent, proxies, certificates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devflow_oci::{Engine, EngineKind, UserMapping};
use devflow_runner::wire::Place;

use super::environment::{passed, sounds_secret};
use crate::command::Context;
use crate::command::ask::Ground;
use crate::config::UserNetwork;
use crate::error::{Error, Exit, Explain};
use crate::files;
use crate::lower::{self, FetchOnly, Given, Way};
use crate::plan::Plan;
use crate::secrets::{self, Agent, Gathered};
use crate::world::World;

/// The variable by which programs find an SSH agent.
const AGENT: &str = "SSH_AUTH_SOCK";
/// Bytes that a client's configuration may have.
const MOST: u64 = 1 << 20;

/// Something for actions that download cannot be handed to them.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum PrivateError {
    /// The container's user is somebody else than the agent's.
    #[error(
        "the secret `{0}`, your SSH agent, cannot be used here: the container's user is not you, to whom the agent's socket belongs"
    )]
    Agent(String),
    /// `ca_bundle` names no file.
    #[error("{} cannot be used as `ca_bundle`", .0.display())]
    Bundle(PathBuf, #[source] std::io::Error),
}

impl Explain for PrivateError {
    fn exit(&self) -> Exit {
        match self {
            Self::Agent(_) => Exit::Refused,
            Self::Bundle(..) => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Agent(_) => Some(
                "the project's folder must be yours, without `user` in [container]; or use --profile host"
                    .to_owned(),
            ),
            Self::Bundle(..) => Some(
                "[network] ca_bundle of ~/.config/devflow/config.toml names a file: absolute, or below ~/"
                    .to_owned(),
            ),
        }
    }
}

/// What was gathered for one run.
pub(super) struct Private {
    given: Vec<Given>,
    agent: Option<Agent>,
    proxies: BTreeMap<String, String>,
    bundle: Option<PathBuf>,
    /// What `pass_env` lets through.
    pub(super) passed: BTreeMap<String, String>,
}

impl Private {
    /// Reads everything, and says what the user should know. Nothing has been started yet.
    pub(super) async fn gather(
        context: &mut Context<'_>,
        ground: &Ground,
        plan: &Plan,
    ) -> Result<Self, Error> {
        let world = context.world;
        let config = &ground.project.config.file.container;
        if let Some(note) = super::environment::not_passed(plan, config, &world.env) {
            context.reporter.note(&format!("note: {note}"));
        }
        let gather = secrets::gather(plan, &ground.user, &ground.project.root, world);
        let Gathered { given, agent, notes } = context.signals.unless(gather).await??;
        for note in notes {
            context.reporter.note(&format!("note: {note}"));
        }
        let passed = passed(config, &world.env);
        for (name, value) in &passed {
            world.hidden.hide_password(value);
            if sounds_secret(name) {
                world.hidden.hide(value);
            }
        }
        let proxies = secrets::proxies(&ground.user.network, world);
        let bundle = bundle(&ground.user.network, world)?;
        Ok(Self { given, agent, proxies, bundle, passed })
    }

    /// What a container of this user gets mounted for it.
    pub(super) fn mounts(
        &self,
        engine: &Engine,
        user: &UserMapping,
        world: &World,
    ) -> Result<FetchOnly, PrivateError> {
        if let Some(agent) = &self.agent
            && user.host.is_none_or(|(uid, _)| uid != agent.uid)
        {
            return Err(PrivateError::Agent(agent.name.clone()));
        }
        let injected = match engine.kind {
            EngineKind::Docker => {
                injected(world).into_iter().filter(|name| !self.passed.contains_key(name)).collect()
            }
            EngineKind::Podman => Vec::new(),
        };
        let agent = self.agent.as_ref().map(|agent| agent.socket.clone());
        Ok(FetchOnly { agent, certificates: self.bundle.clone(), injected })
    }

    /// Hands it to the actions of a container.
    pub(super) fn give_in_container(
        mut self,
        plan: &Plan,
        caches: &[lower::CachePlace<'_>],
        jobs: &mut [lower::Job],
    ) -> Result<(), Error> {
        self.given.extend(self.agent.as_ref().map(|agent| point(agent, lower::AGENT.to_owned())));
        let certificates = self.bundle.map(|_| lower::BUNDLE.to_owned());
        lower::give(&self.given, caches, jobs)?;
        lower::show_way(plan, &Way { proxies: self.proxies, certificates }, jobs);
        Ok(())
    }

    /// Hands it to actions on the host, where files are the user's own to have; says which.
    pub(super) fn give_on_host(
        mut self,
        plan: &Plan,
        jobs: &mut [lower::Job],
        world: &World,
    ) -> Result<Vec<String>, Error> {
        let mut notes = Vec::new();
        self.given.retain(|given| match &given.place {
            Place::Variable(_) => true,
            Place::File(file) => {
                let name = &given.name;
                notes.push(format!("the secret {name} is a file: on the host, actions find your own {file}"));
                false
            }
        });
        let agent = |agent: &Agent| point(agent, agent.socket.to_string_lossy().into_owned());
        self.given.extend(self.agent.as_ref().map(agent));
        if self.proxies.is_empty() {
            // Here, the way that dwf itself would take is one that actions can take.
            let own = world.env.iter().filter(|(name, _)| is_proxy(name));
            self.proxies = own.map(|(name, value)| (name.clone(), value.clone())).collect();
            for value in self.proxies.values() {
                world.hidden.hide_password(value);
            }
        }
        let certificates = self.bundle.map(|path| path.to_string_lossy().into_owned());
        lower::give(&self.given, &[], jobs)?;
        lower::show_way(plan, &Way { proxies: self.proxies, certificates }, jobs);
        Ok(notes)
    }
}

fn point(agent: &Agent, socket: String) -> Given {
    let (name, actions) = (agent.name.clone(), agent.actions.clone());
    Given { name, place: Place::Variable(AGENT.to_owned()), value: socket, actions }
}

fn is_proxy(name: &str) -> bool {
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].contains(&name.to_uppercase().as_str())
}

fn bundle(network: &UserNetwork, world: &World) -> Result<Option<PathBuf>, PrivateError> {
    let Some(path) = &network.ca_bundle else { return Ok(None) };
    let failed = |error| PrivateError::Bundle(path.clone(), error);
    let real = secrets::absolute(&path.to_string_lossy(), world)
        .ok_or_else(|| failed(std::io::Error::other("it is not absolute")))?
        .canonicalize()
        .map_err(failed)?;
    match real.is_file() {
        true => Ok(Some(real)),
        false => Err(failed(std::io::Error::other("it is not a regular file"))),
    }
}

/// The variables that Docker's client puts into every container, because its own configuration has proxies.
pub(in crate::command) fn injected(world: &World) -> Vec<String> {
    let folder = world.var("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(world.home().ok()?.join(".docker")));
    let text = folder.and_then(|folder| files::read(&folder.join("config.json"), MOST).ok());
    text.map(|text| proxies_of(&text, &|address| world.hidden.hide_password(address))).unwrap_or_default()
}

fn proxies_of(config: &[u8], hide: &dyn Fn(&str)) -> Vec<String> {
    let config: serde_json::Value = serde_json::from_slice(config).unwrap_or_default();
    let of_hosts = config["proxies"].as_object().into_iter().flat_map(|hosts| hosts.values());
    let mut names = Vec::new();
    for (key, value) in of_hosts.filter_map(|proxies| proxies.as_object()).flatten() {
        let name = match key.as_str() {
            "httpProxy" => "HTTP_PROXY",
            "httpsProxy" => "HTTPS_PROXY",
            "ftpProxy" => "FTP_PROXY",
            "allProxy" => "ALL_PROXY",
            "noProxy" => "NO_PROXY",
            _ => continue,
        };
        hide(value.as_str().unwrap_or_default());
        names.extend([name.to_owned(), name.to_lowercase()]);
    }
    names.sort();
    names.dedup();
    names
}

/// Where that configuration is, for a person.
pub(in crate::command) fn client_config(world: &World) -> String {
    let folder = world.var("DOCKER_CONFIG").map(Path::new).map(|folder| folder.display().to_string());
    format!("{}/config.json", folder.unwrap_or_else(|| "~/.docker".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_puts_into_containers() {
        let config =
            br#"{"auths": {}, "proxies": {"default": {"httpProxy": "http://u:pw@h:1", "noProxy": "x"},
            "tcp://other": {"httpProxy": "http://h"}}}"#;
        assert_eq!(proxies_of(config, &|_| ()), ["HTTP_PROXY", "NO_PROXY", "http_proxy", "no_proxy"]);
        for odd in [&b""[..], b"{", b"[]", br#"{"proxies": []}"#, br#"{"proxies": {"default": 1}}"#] {
            assert_eq!(proxies_of(odd, &|_| ()), [] as [&str; 0]);
        }
    }
}
