//! `test:unit` and `test:integration`: together what `cargo test` runs, and nothing twice.
//!
//! Invariant: a target that has tests is never left out; a run that finds none is fine.

use devflow_protocol::message::{Action, Alternative, Report, Resolution, Step, When};

use crate::config::{Config, Nextest};
use crate::facts::Facts;
use crate::nextest;
use crate::package::Package;
use crate::resolve::{cargo, compiling};
use crate::scope::{self, Wish};
use crate::targets::Target;

/// Arguments of test binaries that cargo-nextest understands, too.
const NEXTEST_ARGS: [&str; 6] =
    ["--skip", "--exact", "--ignored", "--include-ignored", "--nocapture", "--no-capture"];

/// The tests inside libraries and programs, and the examples of documentation.
pub(crate) fn unit(facts: &Facts, config: &Config, args: &[String]) -> Resolution {
    let tests = scope::select(
        facts,
        |package| unit_wish(package, config),
        |packages| {
            let lib = packages.iter().any(|package| package.lib.is_some());
            lib.then_some("--lib").into_iter().chain(["--bins"]).map(str::to_owned).collect()
        },
    );
    let documentation = scope::select(facts, doc_wish, |_| vec!["--doc".to_owned()]);
    let own_harness = facts.packages.iter().any(|package| {
        package.lib.as_ref().is_some_and(|lib| lib.test && !lib.harness) || custom(&package.bins)
    });
    runs(facts, config, args, Run { tests, documentation, own_harness })
        .unwrap_or_else(|| Resolution::skip("no library or program has tests switched on"))
}

/// The tests in `tests/`, and the benchmarks and examples that are to be tested.
pub(crate) fn integration(facts: &Facts, config: &Config, args: &[String]) -> Resolution {
    let tests = scope::select(
        facts,
        |package| integration_wish(package, config),
        |_| vec!["--test".to_owned(), "*".to_owned()],
    );
    let own_harness = facts
        .packages
        .iter()
        .any(|package| custom(&package.tests) || custom(&package.benches) || custom(&package.examples));
    runs(facts, config, args, Run { tests, documentation: Vec::new(), own_harness })
        .unwrap_or_else(|| Resolution::skip("no test targets: nothing in tests/ and no [[test]]"))
}

fn custom(targets: &[Target]) -> bool {
    targets.iter().any(|target| target.test && !target.harness)
}

fn unit_wish(package: &Package, config: &Config) -> Wish {
    let lib = package.lib.as_ref().map(|lib| lib.test);
    let off = |target: &Target| !target.test;
    match (lib, package.bins.iter().any(off)) {
        (None, false) if package.bins.is_empty() => Wish::Nothing,
        (None | Some(true), false) => Wish::All,
        (_, some_off) => {
            let mut only: Vec<String> = Vec::new();
            only.extend((lib == Some(true)).then(|| "--lib".to_owned()));
            if some_off {
                only.extend(named("--bin", package, &package.bins, config));
            } else if !package.bins.is_empty() {
                only.push("--bins".to_owned());
            }
            Wish::Only(only)
        }
    }
}

fn doc_wish(package: &Package) -> Wish {
    match &package.lib {
        Some(lib) if !lib.documents => Wish::Nothing,
        Some(lib) if lib.doctest => Wish::All,
        Some(_) => Wish::Only(Vec::new()),
        None => Wish::Nothing,
    }
}

fn integration_wish(package: &Package, config: &Config) -> Wish {
    let tested = |targets: &[Target]| targets.iter().any(|target| target.test);
    let plain = |target: &Target| target.test && package.builds(target, config);
    let others = tested(&package.benches) || tested(&package.examples);
    match package.tests.iter().all(plain) {
        true if !others && package.tests.is_empty() => Wish::Nothing,
        true if !others => Wish::All,
        _ => {
            let mut only = named("--test", package, &package.tests, config);
            only.extend(named("--bench", package, &package.benches, config));
            only.extend(named("--example", package, &package.examples, config));
            Wish::Only(only)
        }
    }
}

fn named(option: &str, package: &Package, targets: &[Target], config: &Config) -> Vec<String> {
    let wanted = targets.iter().filter(|target| target.test && package.builds(target, config));
    wanted.flat_map(|target| [option.to_owned(), target.name.clone()]).collect()
}

/// What is to be run, as arguments that select packages and targets.
struct Run {
    tests: Vec<Vec<String>>,
    documentation: Vec<Vec<String>>,
    /// Whether a target brings a test harness of its own, which cargo-nextest may not understand.
    own_harness: bool,
}

fn runs(facts: &Facts, config: &Config, args: &[String], run: Run) -> Option<Resolution> {
    let Run { tests, documentation, own_harness } = run;
    if tests.is_empty() && documentation.is_empty() {
        return None;
    }
    let cargo_step = |selection: &Vec<String>| test_step(facts, config, &["test"], selection, &[], args);
    let cargo_warm =
        |selection: &Vec<String>| test_step(facts, config, &["test"], selection, &["--no-run"], &[]);
    let plain = Action {
        warm: tests.iter().map(cargo_warm).collect(),
        ..compiling(tests.iter().chain(&documentation).map(cargo_step))
    };
    let understood = args.iter().all(|arg| !arg.starts_with('-') || NEXTEST_ARGS.contains(&arg.as_str()));
    let wanted = match config.nextest {
        Nextest::Never => false,
        Nextest::Always => true,
        Nextest::Auto => understood && (!own_harness || facts.nextest.is_some()),
    };
    if !wanted || tests.is_empty() {
        return Some(Resolution::Action(plain));
    }
    let mut options = vec!["--no-tests=pass"];
    if let Some(profile) = &config.nextest_profile {
        options.extend(["--profile", profile]);
    }
    let warm: Vec<&str> =
        options.iter().copied().filter(|option| *option != "--no-tests=pass").chain(["--no-run"]).collect();
    let step =
        |selection: &Vec<String>| test_step(facts, config, &["nextest", "run"], selection, &options, args);
    let warm = |selection: &Vec<String>| test_step(facts, config, &["nextest", "run"], selection, &warm, &[]);
    let with_nextest = Action {
        warm: tests.iter().map(warm).collect(),
        reports: report(facts, config).into_iter().collect(),
        ..compiling(tests.iter().map(step).chain(documentation.iter().map(cargo_step)))
    };
    if config.nextest == Nextest::Always {
        return Some(Resolution::Action(with_nextest));
    }
    let when = When { program: "cargo-nextest".to_owned() };
    Some(Resolution::Alternatives(vec![
        Alternative { when: Some(when), action: with_nextest },
        Alternative { when: None, action: plain },
    ]))
}

fn test_step(
    facts: &Facts,
    config: &Config,
    command: &[&str],
    selection: &[String],
    options: &[&str],
    args: &[String],
) -> Step {
    let mut words: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    words.extend(selection.iter().cloned());
    words.extend(config.feature_args());
    if !args.is_empty() {
        words.push("--".to_owned());
        words.extend(args.iter().cloned());
    }
    cargo(facts, command, words)
}

/// cargo-nextest writes below the workspace's root; from a member below it, that cannot be named.
fn report(facts: &Facts, config: &Config) -> Option<Report> {
    let profile = config.nextest_profile.as_deref().unwrap_or(nextest::DEFAULT);
    let path = nextest::junit(facts.nextest.as_ref()?, profile)?;
    let path = path.parse().ok().filter(|_| facts.is_root())?;
    Some(Report { format: "junit".to_owned(), cache: None, path })
}
