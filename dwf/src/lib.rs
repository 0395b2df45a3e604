//! dwf runs a project's whole gate exactly as CI runs it.
//!
//! One direction: devflow.toml and answers become a plan (`plan`), the plan becomes containers and
//! jobs (`lower`), these are run (`session`, `execute`), and what happens is told (`report`).
//!
//! Invariant: no module here knows a tool or a language.

mod cache;
mod cli;
mod command;
mod compose;
mod config;
mod conformance;
mod discover;
mod engine;
mod error;
mod estate;
mod execute;
mod extension;
mod fetch;
mod files;
mod git;
mod identity;
mod image;
mod jail;
mod launch;
mod lock;
mod lower;
mod name;
mod owner;
mod plan;
mod process;
mod profile;
mod project;
mod query;
mod reaper;
mod redact;
mod report;
mod ring;
mod scan;
mod schedule;
mod secrets;
mod service;
mod session;
mod signals;
mod skip;
mod store;
mod trace;
mod transcript;
mod trust;
mod turn;
mod volumes;
mod world;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use error::{Error, Exit, Explain};
use owner::Owner;
use redact::{Hidden, Writer};
use report::{Reporter, Screen};
use signals::Signals;
use world::World;

/// The whole program.
pub fn main() -> ExitCode {
    process::keep_descriptors();
    let mut world = match World::read() {
        Ok(world) => world,
        Err(error) => return fail(&mut plain_reporter(&Hidden::default()), &error.into()),
    };
    if world.args.get(1).is_some_and(|arg| arg == "__runner") {
        return devflow_runner::serve();
    }
    if world.args.get(1).is_some_and(|arg| arg == reaper::WORD) {
        return reaper::serve(&world);
    }
    if world.args.get(1).is_some_and(|arg| arg == conformance::apart::WORD) {
        return match conformance::apart::serve(world.args.get(2..).unwrap_or_default()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&mut plain_reporter(&world.hidden), &error.into()),
        };
    }
    // A reaper finds by it what dwf had started.
    world.env.insert(owner::MARK.to_owned(), Owner::me().to_string());
    let cli = match parse(&world) {
        Ok(cli) => cli,
        Err(error) => {
            // clap chooses the stream; a reader that went away is no error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()));
        }
    };
    let screen = stderr(&world.hidden);
    listen_to_traces(&world, screen.clone());
    leave_before_a_panic(screen.clone());
    let color = report::color::paints(cli.global.color, world.terminal, |name| world.var(name));
    let out = Writer::new(&world.hidden, std::io::stdout());
    let mut reporter = Reporter::new(Box::new(out), screen, color, cli.global.verbose);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&mut reporter, &StartError(error).into()),
    };
    let tasks = tokio::task::LocalSet::new();
    let work = tasks.run_until(async {
        let mut signals = Signals::listen().map_err(StartError)?;
        let code = command::run(&world, cli.global, cli.command, &mut reporter, &mut signals).await?;
        signals.none().await?;
        Ok(code)
    });
    // What a panic leaves half done is not looked at again, but children are ended as it unwinds.
    let work = std::panic::AssertUnwindSafe(|| runtime.block_on(work));
    let result = std::panic::catch_unwind(work).unwrap_or_else(|_| Err(Bug.into()));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&mut reporter, &error),
    }
}

/// The runtime could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("dwf cannot start")]
struct StartError(#[source] std::io::Error);

impl Explain for StartError {
    fn exit(&self) -> Exit {
        Exit::Machine
    }
}

/// dwf panicked.
#[derive(Debug, thiserror::Error)]
#[error("this is a bug in dwf {}", env!("CARGO_PKG_VERSION"))]
struct Bug;

impl Explain for Bug {
    fn exit(&self) -> Exit {
        Exit::Bug
    }

    fn hint(&self) -> Option<String> {
        Some("please report it, with the lines above".to_owned())
    }
}

fn fail(reporter: &mut Reporter, error: &Error) -> ExitCode {
    reporter.error(error);
    ExitCode::from(error.exit().code())
}

fn plain_reporter(hidden: &Hidden) -> Reporter {
    Reporter::new(Box::new(Writer::new(hidden, std::io::stdout())), stderr(hidden), false, false)
}

fn stderr(hidden: &Hidden) -> Screen {
    let size =
        || terminal_size::terminal_size_of(std::io::stderr()).map(|(width, height)| (width.0, height.0));
    Screen::new(Box::new(Writer::new(hidden, std::io::stderr())), size)
}

/// What a panic says must not stand among lines that are drawn anew.
fn leave_before_a_panic(screen: Screen) {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        screen.leave();
        tell(info);
    }));
}

/// Parses the command line; `dwf test:unit` is `dwf run test:unit`, `dwf check:main` is `dwf verify main`.
fn parse(world: &World) -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse_from(&world.args)?;
    let Command::Short(words) = &cli.command else { return Ok(cli) };
    let word = words.first().map(String::as_str).unwrap_or_default();
    let at = world.args.len().saturating_sub(words.len());
    let mut args = world.args.clone();
    let long: Vec<std::ffi::OsString> = match word.strip_prefix("check:") {
        Some(target) => vec!["verify".into(), target.into()],
        None if word.parse::<name::Wanted>().is_ok() => vec!["run".into(), word.into()],
        None => return Err(unknown(word)),
    };
    args.splice(at..=at, long);
    Cli::try_parse_from(args)
}

fn unknown(word: &str) -> clap::Error {
    use clap::CommandFactory;

    let mut command = Cli::command();
    let names: Vec<String> = command.get_subcommands().map(|known| known.get_name().to_owned()).collect();
    let near = error::nearest(word, names.iter().map(String::as_str));
    let word = error::printable(word, 80);
    let help = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    command.error(clap::error::ErrorKind::InvalidSubcommand, format!("there is no command `{word}`{help}"))
}

fn listen_to_traces(world: &World, screen: Screen) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = world.var("RUST_LOG").and_then(|text| text.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_target("devflow", LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(screen).event_format(trace::Lines);
    // A second subscriber can only come from a test.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
