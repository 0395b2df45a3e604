//! `dwf ext replay`: a recorded conversation answers in the place of its extension.

use std::io::IsTerminal;

use devflow_protocol::frame::{FrameError, read_line};
use devflow_protocol::limits;
use tokio::sync::mpsc;

use crate::cli::ext::Replay;
use crate::command::Context;
use crate::command::stage::print_failed;
use crate::error::{Error, Exit, Explain};
use crate::transcript::{self, Conversation};

/// What came in was no line.
#[derive(Debug, thiserror::Error)]
#[error("the host cannot be understood")]
struct InputError(#[source] FrameError);

impl Explain for InputError {
    fn exit(&self) -> Exit {
        Exit::Machine
    }
}

pub(super) async fn run(context: &mut Context<'_>, options: Replay) -> Result<bool, Error> {
    let file =
        context.world.cwd.join(context.global.directory.clone().unwrap_or_default()).join(&options.file);
    let (name, conversation) = transcript::read(&file, options.name.as_ref())?;
    if options.stdio && !std::io::stdin().is_terminal() {
        serve(context, &conversation).await?;
    } else {
        let lines: String = conversation.lines().iter().map(|line| format!("{line}\n")).collect();
        context.reporter.result(&format!("{name}\n{lines}")).map_err(print_failed)?;
    }
    Ok(true)
}

/// Answers line by line until the input ends.
async fn serve(context: &mut Context<'_>, conversation: &Conversation) -> Result<(), Error> {
    let (sender, mut lines) = mpsc::channel(1);
    // A thread of its own, which a signal does not have to wait for.
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Some(line) = read_line(&mut input, limits::LINE).transpose() {
            let broken = line.is_err();
            if sender.blocking_send(line).is_err() || broken {
                return;
            }
        }
    });
    while let Some(line) = context.signals.unless(lines.recv()).await? {
        if let Some(answer) = conversation.answer(&line.map_err(InputError)?) {
            context.reporter.json(&answer).map_err(print_failed)?;
        }
    }
    Ok(())
}
