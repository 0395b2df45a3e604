//! The command that runs a container.
//!
//! Invariant: every container has the capabilities of its `Powers` and no way to gain one, a named entrypoint and a
//! limit of processes; what has none of these powers has a named user, too. None of it can be left out or overridden by
//! an image, a name, an argument or a variable.

use std::collections::BTreeSet;

use crate::container::{Container, ContainerError, Limits, Network};
use crate::engine::{Engine, Init};
use crate::environment::{self, EnvError, EnvValue};
use crate::image::Entrypoint;
use crate::invocation::Invocation;
use crate::mount::Mount;
use crate::source::check_path;
use crate::target::check_targets;
use crate::volume;

/// The longest argument that Linux takes, without its final NUL.
const LONGEST: usize = 131_071;

impl Container {
    /// The command that runs it and removes it afterwards.
    pub fn run(&self, engine: &Engine) -> Result<Invocation, ContainerError> {
        self.run_by(engine.command(["run", "--rm"]), engine)
    }

    /// The command that runs it and leaves it for [`crate::state`] to ask about.
    pub fn run_and_keep(&self, engine: &Engine) -> Result<Invocation, ContainerError> {
        self.run_by(engine.command(["run"]), engine)
    }

    fn run_by(&self, run: Invocation, engine: &Engine) -> Result<Invocation, ContainerError> {
        let image = self.image.arg().ok_or_else(|| ContainerError::Image(self.image.to_string()))?;
        let mut run = run.arg(format!("--name={}", checked_name(&self.name)?));
        run.args.extend(self.label_args()?);
        run = run.args(["--cap-drop=ALL", "--security-opt=no-new-privileges"]);
        run = run.args(self.powers.capabilities().iter().map(|name| format!("--cap-add={name}")));
        if self.unconfined_labels {
            run = run.arg("--security-opt=label=disable");
        }
        run = run.args(self.limit_args()?);
        run = run.args(["--log-driver=none", "--pull=never", "--no-healthcheck", "--stop-signal=SIGTERM"]);
        if engine.is_podman() {
            // What the host's proxies are is a matter of the variables below.
            run = run.args(["--http-proxy=false", "--image-volume=ignore"]);
        }
        run = match &self.network {
            Network::Default => run,
            Network::None => run.arg("--network=none"),
            Network::Of(other) => run.arg(format!("--network=container:{}", checked_name(other)?)),
            Network::Process(pid) => run.arg(format!("--network=ns:/proc/{pid}/ns/net")),
        };
        let hosts = self.host_args()?;
        if !matches!(self.network, Network::Of(_)) {
            run.args.extend(hosts);
        }
        let flags = [(self.interactive, "--interactive"), (self.tty, "--tty")];
        run = run.args(flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag));
        run.args.extend(self.user.args.iter().cloned());
        run = run.arg(format!("--workdir={}", self.checked_workdir()?));
        if let Some(cidfile) = &self.cidfile {
            run = run.arg(format!("--cidfile={}", check_path(cidfile).map_err(ContainerError::Cidfile)?));
        }
        run.args.extend(self.mount_args(engine)?);
        run = self.with_env(run)?;
        let (entrypoint, rest) = self.program_args(engine)?;
        run.args.extend(entrypoint);
        run = run.args(["--", &image]).args(rest);
        check_lengths(run)
    }

    fn checked_workdir(&self) -> Result<&str, ContainerError> {
        if self.workdir != "/" {
            check_targets([self.workdir.as_str()]).map_err(ContainerError::Workdir)?;
        }
        Ok(&self.workdir)
    }

    fn host_args(&self) -> Result<Vec<String>, ContainerError> {
        let is_name = |name: &&String| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !name.is_empty() && !name.starts_with('-') && name.len() < 64 && name.chars().all(plain)
        };
        match self.hosts.iter().find(|name| !is_name(name)) {
            Some(name) => Err(ContainerError::Host(name.clone())),
            None => Ok(self.hosts.iter().map(|name| format!("--add-host={name}:127.0.0.1")).collect()),
        }
    }

    fn label_args(&self) -> Result<Vec<String>, ContainerError> {
        let bad = |key: &str| key.is_empty() || key.contains(|c: char| c == '=' || c.is_control());
        match self.labels.keys().find(|key| bad(key)) {
            Some(key) => Err(ContainerError::Label(key.clone())),
            None => Ok(self.labels.iter().map(|(key, value)| format!("--label={key}={value}")).collect()),
        }
    }

    fn limit_args(&self) -> Result<Vec<String>, ContainerError> {
        let Limits { pids, memory, cpus, shm_size } = self.limits;
        let mut args = vec![format!("--pids-limit={}", pids.max(1))];
        args.extend(memory.map(|bytes| format!("--memory={bytes}")));
        if let Some(cpus) = cpus {
            if !(cpus.is_finite() && cpus > 0.0) {
                return Err(ContainerError::Cpus(cpus.to_string()));
            }
            args.push(format!("--cpus={cpus}"));
        }
        args.extend(shm_size.map(|bytes| format!("--shm-size={bytes}")));
        Ok(args)
    }

    /// Outer mounts before those inside them, whatever order they came in.
    fn mount_args(&self, engine: &Engine) -> Result<Vec<String>, ContainerError> {
        check_targets(self.mounts.iter().map(Mount::target)).map_err(|e| ContainerError::Mount(e.into()))?;
        let shadows = volume::shadows(&self.volumes, &self.mounts).map_err(ContainerError::Volume)?;
        let shadows = shadows.iter().filter(|_| !engine.is_podman());
        let mut mounts: Vec<&Mount> = self.mounts.iter().chain(shadows).collect();
        mounts.sort_by_key(|mount| (mount.target().matches('/').count(), mount.target()));
        mounts.into_iter().map(|mount| mount.arg(engine, &self.user).map_err(ContainerError::Mount)).collect()
    }

    fn with_env(&self, mut run: Invocation) -> Result<Invocation, ContainerError> {
        let mut seen = BTreeSet::new();
        for (name, value) in &self.env {
            environment::check(name, value).map_err(ContainerError::Env)?;
            if !seen.insert(name) {
                return Err(ContainerError::Env(EnvError::Duplicate(name.clone())));
            }
            run = match value {
                EnvValue::Literal(value) => run.arg(format!("--env={name}={value}")),
                EnvValue::FromHost(value) => run.arg(format!("--env={name}")).hidden_env(name, value),
            };
        }
        Ok(run)
    }

    /// What goes before the image and what goes after it.
    fn program_args(&self, engine: &Engine) -> Result<(Vec<String>, Vec<String>), ContainerError> {
        let (program, args) = self.argv.split_first().ok_or(ContainerError::NoProgram)?;
        if program.is_empty() {
            return Err(ContainerError::NoProgram);
        }
        let mut before = Vec::new();
        match (&self.entrypoint, &engine.init) {
            (Entrypoint::Tini(tini), _) => {
                let rest = ["--".to_owned()].into_iter().chain(self.argv.iter().cloned()).collect();
                return Ok((vec![entrypoint(engine, tini)], rest));
            }
            (Entrypoint::None, _) => {}
            (Entrypoint::EngineInit, Init::Builtin) => before.push("--init".to_owned()),
            (Entrypoint::EngineInit, Init::Path(path)) => {
                let path = check_path(path).map_err(|error| ContainerError::NoInit(error.to_string()))?;
                before.extend(["--init".to_owned(), format!("--init-path={path}")]);
            }
            (Entrypoint::EngineInit, Init::Absent) => {
                return Err(ContainerError::NoInit(self.image.to_string()));
            }
        }
        before.push(entrypoint(engine, program));
        Ok((before, args.to_vec()))
    }
}

fn checked_name(name: &str) -> Result<&str, ContainerError> {
    let rest = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts && (2..=128).contains(&name.len()) && name.chars().all(rest) {
        return Ok(name);
    }
    Err(ContainerError::Name(name.to_owned()))
}

/// Podman takes what begins with `[` for a list in JSON.
fn entrypoint(engine: &Engine, program: &str) -> String {
    if engine.is_podman() && program.starts_with('[') {
        return format!("--entrypoint={}", serde_json::Value::from(vec![program]));
    }
    format!("--entrypoint={program}")
}

fn check_lengths(run: Invocation) -> Result<Invocation, ContainerError> {
    let start = |text: &str| text.chars().take(60).collect::<String>();
    if let Some(arg) = run.args.iter().find(|arg| arg.contains('\0')) {
        return Err(ContainerError::Nul(start(arg)));
    }
    if let Some(arg) = run.args.iter().find(|arg| arg.len() > LONGEST) {
        return Err(ContainerError::TooLong(start(arg)));
    }
    let long = |(name, value): &(&String, &Option<String>)| {
        name.len() + 1 + value.as_ref().map_or(0, String::len) > LONGEST
    };
    match run.env.iter().find(long) {
        Some((name, _)) => Err(ContainerError::TooLong(format!("{name}="))),
        None => Ok(run),
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "run_property_tests.rs"]
mod property_tests;
