//! The command lines, by tables.

use devflow_protocol::message::{Action, Resolution, Step};

use crate::config::{Config, Features, Nextest, Security};
use crate::facts::Facts;
use crate::resolve::resolve;
use crate::samples::{facts, package};

fn answer(facts: &Facts, config: &Config, command: &str, args: &[&str]) -> Resolution {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    resolve(facts, config, &command.parse().unwrap(), &args).unwrap()
}

fn lines(steps: &[Step]) -> Vec<String> {
    let line = |step: &Step| {
        let words = std::iter::once(&step.program).chain(&step.args).map(|word| word.as_str());
        words.collect::<Vec<_>>().join(" ")
    };
    steps.iter().map(line).collect()
}

/// The actions as lines; the reason of a skip.
fn shown(resolution: &Resolution) -> Vec<String> {
    match resolution {
        Resolution::Skip(because) => vec![format!("skip: {}", because.because)],
        Resolution::Action(action) => lines(&action.steps),
        Resolution::Alternatives(list) => {
            list.iter().map(|alternative| lines(&alternative.action.steps).join("; ")).collect()
        }
    }
}

fn action(resolution: Resolution) -> Action {
    match resolution {
        Resolution::Action(action) => action,
        other => panic!("{other:?}"),
    }
}

fn sample(dir: &str) -> Facts {
    let root = "[workspace]\nmembers = ['m']\n";
    let member = package("m", "publish = false\n[lib]\ndoctest = false");
    let files = [
        ("Cargo.toml", root),
        ("Cargo.lock", ""),
        ("m/Cargo.toml", &*member),
        ("m/src/lib.rs", ""),
        ("m/tests/t.rs", ""),
    ];
    facts(&files, dir)
}

#[test]
fn command_lines() {
    let config = Config { nextest: Nextest::Never, ..Config::default() };
    for (command, args, at_root, in_member) in [
        ("setup:deps", &[][..], "cargo fetch --locked", "cargo fetch --locked"),
        ("fmt:check", &[], "cargo fmt --all --check", "cargo fmt --check"),
        ("fmt:fix", &["-l"], "cargo fmt --all -- -l", "cargo fmt -- -l"),
        (
            "lint:static",
            &["-W", "clippy::pedantic"],
            "cargo clippy --locked --workspace --all-targets -- -D warnings -W clippy::pedantic",
            "cargo clippy --locked --all-targets -- -D warnings -W clippy::pedantic",
        ),
        (
            "lint:fix",
            &[],
            "cargo clippy --locked --fix --allow-dirty --allow-staged --allow-no-vcs --workspace --all-targets",
            "cargo clippy --locked --fix --allow-dirty --allow-staged --allow-no-vcs --all-targets",
        ),
        (
            "build:debug",
            &["--timings"],
            "cargo build --locked --workspace --timings",
            "cargo build --locked --timings",
        ),
        (
            "build:release",
            &[],
            "cargo build --locked --release --workspace",
            "cargo build --locked --release",
        ),
        (
            "test:unit",
            &["$x"],
            "cargo test --locked --workspace --lib --bins -- $$x",
            "cargo test --locked --lib --bins -- $$x",
        ),
        ("test:integration", &[], "cargo test --locked --workspace --test *", "cargo test --locked --test *"),
    ] {
        assert_eq!(shown(&answer(&sample("."), &config, command, args)), [at_root], "{command}");
        assert_eq!(shown(&answer(&sample("m"), &config, command, args)), [in_member], "{command}");
    }
}

#[test]
fn what_surrounds_the_steps() {
    let facts = sample(".");
    let config = Config::default();
    for (command, fetches, writes, needs, offline) in [
        ("setup:deps", true, false, false, false),
        ("fmt:check", false, false, false, true),
        ("fmt:fix", false, true, false, true),
        ("lint:static", false, false, true, true),
        ("lint:fix", false, true, true, true),
        ("build:debug", false, false, true, true),
    ] {
        let action = action(answer(&facts, &config, command, &[]));
        assert_eq!((action.fetches, action.writes), (fetches, writes), "{command}");
        assert_eq!(action.needs.iter().any(|need| need.as_str() == "setup:deps"), needs, "{command}");
        assert_eq!(action.locks == ["target"], needs, "{command}");
        assert_eq!(action.env.contains_key(&"CARGO_NET_OFFLINE".parse().unwrap()), offline, "{command}");
    }
}

/// Sources are no input of a fetch, but where a lock does not say everything.
#[test]
fn what_a_fetch_depends_on() {
    let manifest = package("a", "");
    let deps = |files: &[(&str, &str)], dir: &str| {
        action(answer(&facts(files, dir), &Config::default(), "setup:deps", &[]))
    };
    let locked = deps(&[("Cargo.toml", &*manifest), ("Cargo.lock", "version = 4\n")], ".");
    let inputs = locked.inputs.unwrap();
    assert!(["Cargo.lock", "**/Cargo.toml"].iter().all(|file| inputs.files.contains(&(*file).to_owned())));
    assert!(inputs.files.iter().all(|file| !file.ends_with("**")), "{:?}", inputs.files);
    assert_eq!(locked.outputs[0].cache.as_ref().unwrap().as_str(), "cargo");
    assert_eq!(deps(&[("Cargo.toml", &*manifest)], ".").inputs, None);
    let config = (".cargo/config.toml", "[env]\nPATH = 'x'");
    let own = deps(&[("Cargo.toml", &*manifest), ("Cargo.lock", "version = 4\n"), config], ".");
    assert_eq!((own.inputs, own.outputs[0].cache.as_ref().unwrap().as_str()), (None, "cargo-own"));
    let workspace = "[workspace]\nmembers = ['m']\n";
    let files = [("Cargo.toml", workspace), ("m/Cargo.toml", &*manifest), ("Cargo.lock", "version = 4\n")];
    assert_eq!(deps(&files, "m").inputs, None);
}

#[test]
fn fetching_without_a_lock_makes_one() {
    let manifest = package("a", "");
    for (gitignore, writes) in [("", true), ("Cargo.lock", false)] {
        let facts = facts(&[("Cargo.toml", &manifest), (".gitignore", gitignore)], ".");
        let action = action(answer(&facts, &Config::default(), "setup:deps", &[]));
        assert_eq!(lines(&action.steps), ["cargo fetch"]);
        assert_eq!((action.fetches, action.writes), (true, writes));
        assert_eq!(action.outputs[0].path.as_ref().unwrap().as_str(), "Cargo.lock");
    }
}

#[test]
fn nextest_when_it_is_there_or_asked_for() {
    let plain = package("a", "");
    let custom = package("a", "[[test]]\nname = 't'\nharness = false");
    let nextest = (".config/nextest.toml", "[profile.default.junit]\npath = 'j.xml'");
    for (manifest, more, config, args, ways) in [
        (&plain, None, Nextest::Auto, &[][..], 2),
        (&plain, None, Nextest::Auto, &["name"], 2),
        (&plain, None, Nextest::Auto, &["--test-threads=1"], 1),
        (&plain, None, Nextest::Never, &[], 1),
        (&plain, None, Nextest::Always, &["--test-threads=1"], 1),
        (&custom, None, Nextest::Auto, &[], 1),
        (&custom, Some(nextest), Nextest::Auto, &[], 2),
    ] {
        let files = [("Cargo.toml", &**manifest), ("src/lib.rs", ""), ("tests/t.rs", "")];
        let files: Vec<_> = files.into_iter().chain(more).collect();
        let config = Config { nextest: config, ..Config::default() };
        let resolution = answer(&facts(&files, "."), &config, "test:integration", args);
        assert_eq!(shown(&resolution).len(), ways, "{resolution:?}");
        let first = &shown(&resolution)[0];
        assert_eq!(first.contains("nextest"), ways == 2 || config.nextest == Nextest::Always, "{first}");
        if let (Resolution::Alternatives(list), Some(_)) = (&resolution, more) {
            assert_eq!(list[0].action.reports[0].path.as_str(), "target/nextest/default/j.xml");
            assert!(list[1].action.reports.is_empty());
        }
    }
}

#[test]
fn security_is_what_was_asked_for() {
    let manifest = package("m", "");
    let root = "[workspace]\nmembers = ['m']\n";
    let check = |more: &[(&str, &str)], dir: &str, tool: Option<Security>, line: &str| {
        let files = [("Cargo.toml", root), ("Cargo.lock", ""), ("m/Cargo.toml", &*manifest)];
        let files: Vec<_> = files.into_iter().chain(more.iter().copied()).collect();
        let config = Config { security: tool, ..Config::default() };
        let resolution = answer(&facts(&files, dir), &config, "lint:security", &[]);
        assert!(shown(&resolution)[0].starts_with(line), "{resolution:?}");
    };
    check(&[], ".", None, "skip: no deny.toml");
    check(&[("deny.toml", "")], ".", None, "cargo deny --locked check");
    check(&[(".cargo/audit.toml", "")], ".", None, "cargo audit --file Cargo.lock");
    check(&[("deny.toml", "")], ".", Some(Security::Audit), "cargo audit --file Cargo.lock");
    check(&[], "m", Some(Security::Audit), "cargo audit --file ${workspace}/Cargo.lock");
    check(&[(".gitignore", "Cargo.lock")], ".", Some(Security::Audit), "skip: cargo-audit reads Cargo.lock");
}

#[test]
fn features_and_what_may_be_published() {
    let root = package("a", "[workspace]\nmembers = ['b', 'c']");
    let private = package("b", "publish = false");
    let files =
        [("Cargo.toml", &*root), ("b/Cargo.toml", &private), ("c/Cargo.toml", &package("c", "publish = []"))];
    let config = Config {
        features: Features::List(vec!["x".to_owned()]),
        default_features: Some(false),
        ..Config::default()
    };
    let line =
        "cargo package --allow-dirty --workspace --exclude b --exclude c --features x --no-default-features";
    assert_eq!(shown(&answer(&facts(&files, "."), &config, "package:artifact", &[])), [line]);
    assert!(
        shown(&answer(&sample("m"), &config, "package:artifact", &[]))[0].starts_with("skip: every package")
    );
}

#[test]
fn unknown_commands_are_answered_with_the_known_ones() {
    for command in ["test:smoke", "setup:toolchain"] {
        let command = command.parse().unwrap();
        let failure = resolve(&sample("."), &Config::default(), &command, &[]).unwrap_err();
        assert_eq!(failure.code, devflow_protocol::code::UNKNOWN_COMMAND);
        assert!(failure.data["known"].as_array().unwrap().iter().any(|known| known == "test:unit"));
    }
}
