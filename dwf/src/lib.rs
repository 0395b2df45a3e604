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
mod plan;
mod process;
mod profile;
mod project;
mod query;
mod report;
mod ring;
mod scan;
mod schedule;
mod session;
mod signals;
mod store;
mod trace;
mod transcript;
mod trust;
mod volumes;
mod world;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Color, Command};
use error::{Error, Exit, Explain};
use report::Reporter;
use signals::Signals;
use world::World;

/// The whole program.
pub fn main() -> ExitCode {
    process::keep_descriptors();
    let world = match World::read() {
        Ok(world) => world,
        Err(error) => return fail(&mut stderr_reporter(false, false), &error.into()),
    };
    if world.args.get(1).is_some_and(|arg| arg == "__runner") {
        return devflow_runner::serve();
    }
    if world.args.get(1).is_some_and(|arg| arg == conformance::apart::WORD) {
        return match conformance::apart::serve(world.args.get(2..).unwrap_or_default()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&mut stderr_reporter(false, false), &error.into()),
        };
    }
    let cli = match parse(&world) {
        Ok(cli) => cli,
        Err(error) => {
            // clap chooses the stream; a reader that went away is no error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()));
        }
    };
    listen_to_traces(&world);
    let color = match cli.global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => world.terminal && world.var("NO_COLOR").is_none() && world.var("TERM") != Some("dumb"),
    };
    let mut reporter = stderr_reporter(color, cli.global.verbose);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&mut reporter, &StartError(error).into()),
    };
    let tasks = tokio::task::LocalSet::new();
    let work = tasks.run_until(async {
        let mut signals = Signals::listen().map_err(StartError)?;
        let good = command::run(&world, cli.global, cli.command, &mut reporter, &mut signals).await?;
        signals.none().await?;
        Ok(good)
    });
    // What a panic leaves half done is not looked at again, but children are ended as it unwinds.
    let work = std::panic::AssertUnwindSafe(|| runtime.block_on(work));
    let result = std::panic::catch_unwind(work).unwrap_or_else(|_| Err(Bug.into()));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(Exit::Failed.code()),
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

fn stderr_reporter(color: bool, verbose: bool) -> Reporter {
    Reporter::new(Box::new(std::io::stdout()), Box::new(std::io::stderr()), color, verbose)
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

fn listen_to_traces(world: &World) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = world.var("RUST_LOG").and_then(|text| text.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_target("devflow", LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).event_format(trace::Lines);
    // A second subscriber can only come from a test.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
