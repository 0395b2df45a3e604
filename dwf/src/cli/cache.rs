//! The command line of `dwf cache …`.

use clap::{Args, Subcommand};

use crate::config::{Age, Size};

/// `dwf cache …`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the caches: size, last use, whose they are
    List(List),
    /// Remove caches that were not used for long, or are too large in all
    Prune(Prune),
}

/// `dwf cache list`.
#[derive(Debug, Args)]
pub struct List {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `dwf cache prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// Remove what was not used for so long, such as "12 hours" [default: max_age of devflow.toml]
    #[arg(long, value_name = "AGE", value_parser = |text: &str| Age::try_from(text.to_owned()))]
    pub older_than: Option<Age>,
    /// Remove the longest unused until the rest is so small, such as "5 GB" [default: max_size of devflow.toml]
    #[arg(long, value_name = "SIZE", value_parser = |text: &str| Size::try_from(text.to_owned()))]
    pub max_size: Option<Size>,
    /// Count and remove also caches that their tools keep small themselves
    #[arg(long)]
    pub managed: bool,
    /// Tell what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
