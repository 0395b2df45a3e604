//! How a run is shown, and what it leaves behind for others to read: reports, annotations, a summary.
//!
//! Invariant: what is written here never makes a run better than it was.

use std::path::{Path, PathBuf};

use super::Context;
use crate::cli::output::{Output, OutputOptions, Wanted};
use crate::error::Error;
use crate::report::{Format, ReportError, Target};

/// What is to be left behind.
pub(super) struct Reports {
    targets: Vec<Target>,
    github: Option<GitHub>,
}

/// The step of GitHub's that dwf runs in.
struct GitHub {
    summary: Option<PathBuf>,
    repository: Option<PathBuf>,
}

impl Reports {
    /// Chooses how the run is shown, and makes sure that its reports have a place.
    pub(super) fn begin(context: &mut Context<'_>, options: &OutputOptions) -> Result<Self, Error> {
        let world = context.world;
        let start = world.cwd.join(context.global.directory.as_deref().unwrap_or(Path::new("")));
        let target = |wanted: &Wanted| match wanted {
            Wanted::Junit(path) => Target::new(Format::Junit, start.join(path)),
            Wanted::Json(path) => Target::new(Format::Json, start.join(path)),
        };
        let targets = options.reports.iter().map(target).collect::<Result<_, _>>()?;
        let path = |name: &str| world.var(name).map(PathBuf::from);
        let github = (world.var("GITHUB_ACTIONS") == Some("true"))
            .then(|| GitHub { summary: path("GITHUB_STEP_SUMMARY"), repository: path("GITHUB_WORKSPACE") });
        let usual = if github.is_some() { Output::Grouped } else { Output::Live };
        let live = world.terminal && !world.ci() && world.var("TERM") != Some("dumb");
        context.reporter.set_mode(options.output.unwrap_or(usual), live, github.is_some());
        Ok(Self { targets, github })
    }

    /// Writes what is known, however the run ended.
    pub(super) fn end(self, context: &mut Context<'_>, result: Result<bool, Error>) -> Result<bool, Error> {
        if self.targets.is_empty() && self.github.is_none() {
            return result;
        }
        context.reporter.facts().error = result.as_ref().err().map(ToString::to_string);
        context.reporter.take_reports();
        let mut failed = self.targets.iter().filter_map(|target| context.reporter.write(target).err()).next();
        if let Some(github) = &self.github
            && let Err(error) = github.tell(context)
        {
            failed.get_or_insert(error);
        }
        match (result, failed) {
            (Ok(_), Some(failed)) => Err(failed.into()),
            (Err(error), Some(failed)) => {
                context.reporter.error(&failed.into());
                Err(error)
            }
            (result, None) => result,
        }
    }
}

impl GitHub {
    fn tell(&self, context: &mut Context<'_>) -> Result<(), ReportError> {
        let root = context.reporter.facts().root.clone();
        let below = |repository: &PathBuf| {
            let below = root.as_ref()?.strip_prefix(repository.canonicalize().ok()?).ok()?.to_str()?;
            (!below.is_empty()).then(|| format!("{below}/"))
        };
        let prefix = self.repository.as_ref().and_then(below).unwrap_or_default();
        context.reporter.annotate(&prefix);
        self.summary.as_ref().map_or(Ok(()), |path| context.reporter.summarize(path))
    }
}
