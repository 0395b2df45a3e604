//! The commands, one file each.

mod ask;
mod cache;
mod composed;
mod doctor;
mod down;
mod expected;
mod explain;
mod ext;
mod fingerprint;
mod gate;
mod image;
mod init;
mod plan;
mod reports;
mod shell;
mod skipping;
mod stage;
mod trust;

use crate::cli::{Command, Global};
use crate::error::{Error, Exit};
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

/// Runs a command, and gives the exit code.
pub(crate) async fn run(
    world: &World,
    global: Global,
    command: Command,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<u8, Error> {
    let mut context = Context { world, global, reporter, signals };
    if let Command::Shell(args) = &command {
        return shell::run(&mut context, args).await;
    }
    let good = answer(&mut context, command).await?;
    Ok(if good { 0 } else { Exit::Failed.code() })
}

/// Runs a command that does or says something; `false` is a check that says no.
async fn answer(context: &mut Context<'_>, command: Command) -> Result<bool, Error> {
    match command {
        Command::Verify { target, options } => gate::run(context, Request::Target(target), &options).await,
        Command::Run { commands, options, args } => {
            gate::run(context, Request::Commands(commands, args), &options).await
        }
        Command::Plan { what, json, graph, args } => plan::run(context, what, args, json, graph).await,
        Command::Explain(args) => explain::run(context, args).await,
        Command::Fingerprint(args) => fingerprint::run(context, &args).await,
        Command::Trust => trust::run(context).await,
        Command::Doctor { json } => doctor::run(context, json).await,
        Command::Down(args) => down::run(context, &args).await,
        Command::Init(args) => init::run(context, &args).await,
        Command::Image { command } => image::run(context, command).await,
        Command::Cache { command } => cache::run(context, command).await,
        Command::Ext { command } => ext::run(context, command).await,
        // A shell has a code of its own, and what is short is replaced when the command line is parsed.
        Command::Shell(_) | Command::Short(_) => Ok(false),
    }
}
