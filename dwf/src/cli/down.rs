//! `dwf down` on the command line.

use clap::Args;

/// `dwf down`.
#[derive(Debug, Clone, Args)]
pub struct Down {
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}
