//! `dwf image …`, one file each.

mod build;
mod dockerfile;
mod found;
mod list;
mod prune;
mod pull;
mod push;
mod refresh;
mod scan;
mod shown;

pub(super) use shown::size;

use super::Context;
use crate::cli::ImageCommand;
use crate::error::Error;

pub(super) async fn run(context: &mut Context<'_>, command: ImageCommand) -> Result<bool, Error> {
    match command {
        ImageCommand::Build(args) => build::run(context, &args).await,
        ImageCommand::Pull => pull::run(context).await,
        ImageCommand::Push => push::run(context).await,
        ImageCommand::List(args) => list::run(context, &args).await,
        ImageCommand::Scan(args) => scan::run(context, &args).await,
        ImageCommand::Prune(args) => prune::run(context, &args).await,
        ImageCommand::Dockerfile => dockerfile::run(context).await,
        ImageCommand::Refresh => refresh::run(context).await,
    }
}
