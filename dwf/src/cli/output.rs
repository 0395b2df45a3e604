//! How `dwf verify` and `dwf run` show what happens.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// What runs now, at a terminal; elsewhere a line for each action that ended.
    Live,
    /// The output of each action, whole, when it ends.
    Grouped,
    /// Lines as they come, with the action's name in front.
    Stream,
    /// Only failures and the verdict.
    Quiet,
}

/// How a run is shown and reported.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputOptions {
    /// How what happens is shown [default: live, in GitHub's logs grouped]
    #[arg(long, value_enum, value_name = "MODE")]
    pub output: Option<Output>,
    /// Write a report: junit=PATH or json=PATH; several, or separated by commas
    #[arg(long = "report", value_name = "FORMAT=PATH", value_delimiter = ',', value_parser = wanted)]
    pub reports: Vec<Wanted>,
}

/// A report that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// JUnit's XML.
    Junit(PathBuf),
    /// JSON.
    Json(PathBuf),
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let form = match text.split_once('=') {
        Some((_, "")) => None,
        Some(("junit", path)) => Some(Wanted::Junit(path.into())),
        Some(("json", path)) => Some(Wanted::Json(path.into())),
        _ => None,
    };
    form.ok_or_else(|| "write junit=PATH or json=PATH".to_owned())
}
