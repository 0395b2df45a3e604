//! Services: each a runner in a container of the service's own image, in the network of the check session.

use std::path::Path;
use std::time::Duration;

use devflow_oci::{Container, Entrypoint, Image, ImageName, Mount, Network, Powers, UserMapping};
use devflow_runner::wire;

use super::container::{RUNNER, labels, session_name};
use super::job::{GRACE_MS, Kind};
use crate::plan::Service;

/// Milliseconds that one try has to tell whether a service is ready.
const TRY_MS: u64 = 10_000;

/// What a service is made from.
#[derive(Debug, Clone, Copy)]
pub struct ServiceInput<'a> {
    /// The run's id.
    pub run: &'a str,
    /// Who runs dwf.
    pub owner: &'a str,
    /// The runner, which can run in its image.
    pub runner: &'a Path,
    /// Whether SELinux enforces.
    pub selinux: bool,
    /// The names of all services.
    pub names: &'a [String],
}

/// A service as it is started.
#[derive(Debug, Clone, PartialEq)]
pub struct Serving {
    /// Its name.
    pub name: String,
    /// Its container, in which the runner waits for what follows.
    pub container: Container,
    /// The service itself.
    pub start: wire::Start,
    /// One try to tell whether it is ready.
    pub ready: Option<wire::Start>,
    /// How long it may take to be ready.
    pub patience: Duration,
}

/// A service in its container; `None` where neither it nor its image says what to run.
pub fn service(input: &ServiceInput<'_>, service: &Service, image: &Image) -> Option<Serving> {
    let name = format!("dwf-{}-service-{}", input.run, service.name);
    let id = ImageName::Id(image.id.clone());
    let mut container = Container::new(name, id, UserMapping::default(), [RUNNER]);
    container.labels = labels(input.run, input.owner);
    // The runner is its process 1: it reaps, and ends the service when dwf is no longer there.
    container.entrypoint = Entrypoint::None;
    container.powers = Powers::Server;
    container.interactive = true;
    container.unconfined_labels = input.selinux;
    container.network = Network::Of(session_name(input.run, Kind::Check));
    container.hosts = input.names.to_vec();
    container.mounts =
        vec![Mount::Bind { source: input.runner.to_owned(), target: RUNNER.to_owned(), readonly: true }];
    let command = service.command.as_ref().unwrap_or(&image.command);
    let words: Vec<String> = image.entrypoint.iter().chain(command).cloned().collect();
    let start = |words: &[String], timeout_ms| {
        let (program, args) = words.split_first()?;
        let env = service.env.iter().map(|(name, value)| (name.to_string(), Some(value.clone()))).collect();
        let cwd = if image.workdir.is_empty() { "/".to_owned() } else { image.workdir.clone() };
        let steps = vec![wire::Step { program: program.clone(), args: args.to_vec() }];
        let choices = vec![wire::Choice { when: None, steps, cwd, env, path: Vec::new() }];
        Some(wire::Start { id: 0, choices, timeout_ms, grace_ms: GRACE_MS, secrets: Vec::new() })
    };
    Some(Serving {
        name: service.name.clone(),
        container,
        start: start(&words, None)?,
        ready: service.ready.as_ref().and_then(|words| start(words, Some(TRY_MS))),
        patience: Duration::from_secs(service.ready_timeout_s),
    })
}
