//! What an engine is asked to do for one image.

use std::time::Duration;

use devflow_oci::build::is_buildkit_missing;
use devflow_oci::{Build, Engine, Image, ImageRef, Invocation, build, inspect, store};
use tokio::time::sleep;

use super::ImageError;
use crate::engine::{last_line, run, run_unless};
use crate::error::Error;
use crate::process::{CaptureError, Captured};
use crate::project::Project;
use crate::signals::{Interrupted, Signals};
use crate::world::World;

/// For a question to the engine.
const ASK: Duration = Duration::from_secs(30);
/// For a pull or a build.
const WORK: Duration = Duration::from_secs(3600);

/// For a pull or a build that was stopped to remove what it made.
const TIDY: Duration = Duration::from_secs(10);

/// Who is asked to end when a pull or a build has to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tidy {
    /// The client and all it started.
    All,
    /// What the client started.
    Workers,
}

/// Looks for, pulls and builds one image, on one engine.
pub(super) struct Maker<'a> {
    pub(super) engine: &'a Engine,
    pub(super) world: &'a World,
    pub(super) signals: &'a mut Signals,
    pub(super) name: ImageRef,
    pub(super) tried: Vec<String>,
}

impl Maker<'_> {
    pub(super) async fn look(&mut self) -> Result<Option<Image>, Error> {
        let name = self.name.to_string();
        let failed = |reason: String| ImageError::Ask { name: name.clone(), reason };
        let question = inspect::inspect(self.engine, &self.name);
        let asking = self.signals.unless(run(&question, self.world, ASK));
        let said = asking.await?.map_err(|error| failed(error.to_string()))?;
        let found = inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr);
        Ok(found.map_err(|error| failed(error.to_string()))?)
    }

    pub(super) async fn pull(&mut self) -> Result<bool, Error> {
        let reason = match self.work(&store::pull(self.engine, &self.name), Tidy::All).await? {
            Ok(said) if said.status.success() => return Ok(true),
            Ok(said) => last_line(&said.stderr).unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        self.tried.push(format!("it could not be pulled: {reason}"));
        Ok(false)
    }

    /// A long call; a signal, or too long a time, ends it so that it leaves nothing behind.
    pub(super) async fn work(
        &mut self,
        invocation: &Invocation,
        tidy: Tidy,
    ) -> Result<Result<Captured, CaptureError>, Error> {
        let stop = async {
            tokio::select! {
                number = self.signals.next() => Some(number),
                () = sleep(WORK) => None,
            }
        };
        let (number, mut process) = match run_unless(invocation, self.world, stop).await {
            Ok(captured) => return Ok(captured),
            Err(stopped) => stopped,
        };
        let hurry = async {
            tokio::select! {
                _ = self.signals.next() => {}
                () = sleep(TIDY) => {}
            }
        };
        match tidy {
            Tidy::All => process.end(hurry).await,
            Tidy::Workers => process.end_workers(hurry).await,
        }
        match number {
            Some(number) => Err(Interrupted(number).into()),
            None => Ok(Err(CaptureError::Timeout(WORK))),
        }
    }

    pub(super) async fn build(&mut self, project: &Project, dockerfile: &str) -> Result<(), Error> {
        let name = self.name.to_string();
        let failed = |words: String| ImageError::Build {
            name: name.clone(),
            dockerfile: dockerfile.to_owned(),
            words,
        };
        // Podman that is asked to end leaves containers; one whose worker ended removes them.
        let tidy = if self.engine.is_podman() { Tidy::Workers } else { Tidy::All };
        let mut build = Build {
            context: project.root.clone(),
            dockerfile: project.root.join(dockerfile),
            tag: self.name.clone(),
            labels: [("dwf.project".to_owned(), project.name.clone())].into(),
            args: Default::default(),
            builder: build::Builder::BuildKit,
        };
        loop {
            let invocation = build.run(self.engine).map_err(|error| failed(error.to_string()))?;
            let said = self.work(&invocation, tidy).await?.map_err(|error| failed(error.to_string()))?;
            if said.status.success() {
                return Ok(());
            }
            if build.builder == build::Builder::BuildKit && is_buildkit_missing(&said.stderr) {
                build.builder = build::Builder::Classic;
                continue;
            }
            let words = if said.stderr.trim().is_empty() { said.stdout } else { said.stdout + &said.stderr };
            return Err(failed(end_of(&words, 60)).into());
        }
    }
}

/// The last lines of a log, safe to print.
fn end_of(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(count);
    lines[start..]
        .iter()
        .map(|line| format!("  {}", crate::error::printable(line, 400)))
        .collect::<Vec<_>>()
        .join("\n")
}
