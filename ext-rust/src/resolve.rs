//! From a command to what is to be done.
//!
//! Invariant: only actions that fetch use the network; Cargo is told so in all others.

use devflow_protocol::message::{Action, Inputs, Output, Resolution, Step};
use devflow_protocol::name::CommandName;
use devflow_protocol::sdk::Failure;
use devflow_protocol::template::Template;

use crate::caches;
use crate::commands;
use crate::config::Config;
use crate::facts::Facts;
use crate::scope::{self, Wish};
use crate::{programs, security, testing};

/// Answers `command/resolve`.
pub(crate) fn resolve(
    facts: &Facts,
    config: &Config,
    command: &CommandName,
    args: &[String],
) -> Result<Resolution, Failure> {
    let known = commands::names(facts);
    if !known.contains(command) {
        return Err(Failure::unknown_command(command, &known));
    }
    let features = config.feature_args();
    let action = match command.as_str() {
        "setup:deps" => fetch(facts, args),
        "setup:toolchain" => Action {
            fetches: true,
            ..Action::of([Step::literal("rustup", with(&["toolchain", "install"], [args]))])
        },
        "fmt:check" => offline(Action::of([format(facts, &["--check"], args)])),
        "fmt:fix" => offline(Action { writes: true, ..Action::of([format(facts, &[], args)]) }),
        "lint:static" => {
            let lint = |rest: &[String]| clippy(facts, &[], &features, rest);
            let denied = with(&["-D", "warnings"], [args]);
            Action { warm: vec![lint(&[])], ..compiling([lint(&denied)]) }
        }
        "lint:fix" => {
            let anyway = ["--fix", "--allow-dirty", "--allow-staged", "--allow-no-vcs"];
            Action { writes: true, ..compiling([clippy(facts, &anyway, &features, args)]) }
        }
        "lint:security" => return Ok(security::resolve(facts, config, args)),
        "build:debug" => build(facts, &[], &features, args),
        "build:release" => build(facts, &["--release"], &features, args),
        "test:unit" => return Ok(testing::unit(facts, config, args)),
        "test:integration" => return Ok(testing::integration(facts, config, args)),
        _ => return Ok(package(facts, config, args)),
    };
    Ok(Resolution::Action(action))
}

/// A call of Cargo; `--locked` where there is a lock to hold it to.
pub(crate) fn cargo(facts: &Facts, command: &[&str], args: impl IntoIterator<Item = String>) -> Step {
    let locked = facts.locked.then_some("--locked");
    let words = command.iter().copied().chain(locked).map(str::to_owned);
    Step::literal("cargo", words.chain(args))
}

/// An action that compiles: over fetched dependencies, without the network. Cargo locks its build
/// folder; the lock here keeps dwf from starting what would only wait.
pub(crate) fn compiling(steps: impl IntoIterator<Item = Step>) -> Action {
    let target = Output { path: None, cache: "target".parse().ok() };
    offline(Action {
        needs: "setup:deps".parse().into_iter().collect(),
        locks: vec!["target".to_owned()],
        outputs: vec![target],
        ..Action::of(steps)
    })
}

fn offline(mut action: Action) -> Action {
    if let Ok(name) = "CARGO_NET_OFFLINE".parse() {
        action.env.insert(name, Some(Template::literal("true")));
    }
    action
}

fn with<'a>(words: &[&str], more: impl IntoIterator<Item = &'a [String]>) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).chain(more.into_iter().flatten().cloned()).collect()
}

/// Without a lock, fetching makes one: an output, and a change of the sources unless git ignores it.
fn fetch(facts: &Facts, args: &[String]) -> Action {
    let makes_lock = !facts.locked && facts.is_root();
    let lock = makes_lock.then(|| Output { path: "Cargo.lock".parse().ok(), cache: None });
    let downloads = Output { path: None, cache: caches::downloads(facts).parse().ok() };
    let action = Action {
        writes: commands::fetching_writes(facts),
        inputs: fetched_for(facts),
        outputs: lock.into_iter().chain([downloads]).collect(),
        ..Action::of([cargo(facts, &["fetch"], args.iter().cloned())])
    };
    programs::fetching(facts, action)
}

/// What a fetch depends on, where a lock says all of it and nothing else takes part.
fn fetched_for(facts: &Facts) -> Option<Inputs> {
    if !facts.locked || !facts.is_root() || facts.programs.is_some() {
        return None;
    }
    let files = [
        "Cargo.lock",
        "**/Cargo.toml",
        "**/.cargo/config",
        "**/.cargo/config.toml",
        "rust-toolchain",
        "rust-toolchain.toml",
    ];
    Some(Inputs { files: files.map(str::to_owned).to_vec(), ..Inputs::default() })
}

/// `--all` from the workspace's root; below it, the package there.
fn format(facts: &Facts, options: &[&str], args: &[String]) -> Step {
    let all = facts.is_root().then_some("--all");
    let words: Vec<&str> = ["fmt"].into_iter().chain(all).chain(options.iter().copied()).collect();
    Step::literal("cargo", with(&words, [after_dashes(args).as_slice()]))
}

fn clippy(facts: &Facts, options: &[&str], features: &[String], args: &[String]) -> Step {
    let whole = scope::whole(facts);
    let options = with(options, [whole.as_slice()]);
    let words = with(&[], [options.as_slice(), &["--all-targets".to_owned()], features, &after_dashes(args)]);
    cargo(facts, &["clippy"], words)
}

fn build(facts: &Facts, options: &[&str], features: &[String], args: &[String]) -> Action {
    let whole = scope::whole(facts);
    compiling([cargo(facts, &["build"], with(options, [whole.as_slice(), features, args]))])
}

/// The working tree is what is being verified, committed or not: hence `--allow-dirty`.
fn package(facts: &Facts, config: &Config, args: &[String]) -> Resolution {
    let wish = |package: &crate::package::Package| match package.publish {
        true => Wish::All,
        false => Wish::Only(Vec::new()),
    };
    let features = config.feature_args();
    let step = |selection: Vec<String>| {
        cargo(facts, &["package"], with(&["--allow-dirty"], [selection.as_slice(), &features, args]))
    };
    let steps: Vec<Step> = scope::select(facts, wish, |_| Vec::new()).into_iter().map(step).collect();
    if steps.is_empty() {
        return Resolution::skip("every package says publish = false; build:release makes the programs");
    }
    Resolution::Action(compiling(steps))
}

fn after_dashes(args: &[String]) -> Vec<String> {
    let dashes = (!args.is_empty()).then(|| "--".to_owned());
    dashes.into_iter().chain(args.iter().cloned()).collect()
}
