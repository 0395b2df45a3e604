//! The command line of `dwf image …`.

use std::path::PathBuf;

use clap::Args;

/// `dwf image build`.
#[derive(Debug, Args)]
pub struct Build {
    /// Build it even when the engine or the registry has it
    #[arg(long)]
    pub force: bool,
}

/// `dwf image list`.
#[derive(Debug, Args)]
pub struct List {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `dwf image scan`.
#[derive(Debug, Args)]
pub struct Scan {
    /// Where the report is written, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `dwf image prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// Tell what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Keep this many of the newest besides
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub keep: usize,
}
