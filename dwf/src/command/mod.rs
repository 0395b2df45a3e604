//! The commands, one file each.

mod ask;
mod composed;
mod doctor;
mod ext;
mod fingerprint;
mod gate;
mod image;
mod init;
mod plan;
mod skipping;
mod stage;
mod trust;

use crate::cli::{Command, Global};
use crate::error::Error;
use crate::query::Request;
use crate::report::Reporter;
use crate::signals::Signals;
use crate::world::World;

/// What every command works with.
pub(crate) struct Context<'a> {
    /// The surroundings.
    pub(crate) world: &'a World,
    /// What all commands share.
    pub(crate) global: Global,
    /// The printer.
    pub(crate) reporter: &'a mut Reporter,
    /// What ends a command early.
    pub(crate) signals: &'a mut Signals,
}

/// Runs a command; `false` is a check that says no.
pub(crate) async fn run(
    world: &World,
    global: Global,
    command: Command,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<bool, Error> {
    let mut context = Context { world, global, reporter, signals };
    match command {
        Command::Verify { target, options } => {
            gate::run(&mut context, Request::Target(target), &options).await
        }
        Command::Run { commands, options, args } => {
            gate::run(&mut context, Request::Commands(commands, args), &options).await
        }
        Command::Plan { what, json, args } => plan::run(&mut context, what, args, json).await,
        Command::Fingerprint(args) => fingerprint::run(&mut context, &args).await,
        Command::Trust => trust::run(&mut context).await,
        Command::Doctor { json } => doctor::run(&mut context, json).await,
        Command::Init(args) => init::run(&mut context, &args).await,
        Command::Image { command } => image::run(&mut context, command).await,
        Command::Ext { command } => ext::run(&mut context, command).await,
        // Replaced by what it is short for when the command line is parsed.
        Command::Short(_) => Ok(false),
    }
}
