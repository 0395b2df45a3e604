//! `dwf ext check`: the conformance kit.

use crate::cli::ext::{Check, Format};
use crate::command::Context;
use crate::command::stage::print_failed;
use crate::config::load_user;
use crate::conformance::{self, Subject, all_good, json, junit, tap, text};
use crate::error::{Error, Exit, Explain};

pub(super) async fn run(context: &mut Context<'_>, options: Check) -> Result<bool, Error> {
    let Context { world, reporter, signals, .. } = context;
    let deadlines = load_user(world.user_config().as_deref())?.extensions;
    let deadlines = (deadlines.initialize_timeout, deadlines.request_timeout);
    let subject = Subject::new(world, &options.path, options.project.as_deref(), deadlines)?;
    let name = subject.name.to_string();
    // Text is told as it comes, for it may take a while; a form is whole.
    let mut told = Ok(());
    let tell = |done: &conformance::Done| {
        if options.format == Format::Text && told.is_ok() {
            told = reporter.result(&text::line(done));
        }
    };
    let all = signals.unless(conformance::run(subject, tell)).await??;
    told.map_err(print_failed)?;
    let text = match options.format {
        Format::Text => text::end(&all),
        Format::Tap => tap::all(&all),
        Format::Junit => junit::all(&name, &all).map_err(JunitError)?,
        Format::Json => format!("{:#}\n", json::all(&name, &all)),
    };
    reporter.result(&text).map_err(print_failed)?;
    Ok(all_good(&all))
}

/// The report cannot be written as XML.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written as XML")]
struct JunitError(#[source] quick_junit::SerializeError);

impl Explain for JunitError {
    fn exit(&self) -> Exit {
        Exit::Bug
    }
}
