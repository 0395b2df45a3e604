//! `dwf ext …`, one file each.

mod answers;
mod call;
mod check;
mod gather;
mod info;
mod list;
mod new;
mod pin;
mod replay;
mod sync;
mod trust;
mod update;

use super::Context;
use crate::cli::ExtCommand;
use crate::error::Error;

pub(super) async fn run(context: &mut Context<'_>, command: ExtCommand) -> Result<bool, Error> {
    match command {
        ExtCommand::List { json } => list::run(context, json).await,
        ExtCommand::Info(options) => info::run(context, options).await,
        ExtCommand::Check(options) => check::run(context, options).await,
        ExtCommand::Call(options) => call::run(context, options).await,
        ExtCommand::New(options) => new::run(context, options).await,
        ExtCommand::Replay(options) => replay::run(context, options).await,
        ExtCommand::Pin(options) => pin::run(context, options).await,
        ExtCommand::Sync(options) => sync::run(context, options).await,
        ExtCommand::Update(options) => update::run(context, options).await,
        ExtCommand::Trust(options) => trust::run(context, options).await,
    }
}
