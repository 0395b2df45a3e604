//! What the extension makes of a folder.

use std::collections::BTreeMap;

use devflow_protocol::message::{DescribeResult, Tool};
use devflow_protocol::name::EnvName;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::paths;
use devflow_protocol::template::Template;

use crate::caches;
use crate::commands;
use crate::config::{Config, Nextest, Security};
use crate::facts::Facts;
use crate::image;
use crate::security;

/// The answer for a folder without a Cargo.toml.
pub(crate) fn declined() -> DescribeResult {
    DescribeResult {
        because: vec!["no Cargo.toml".to_owned()],
        reads: "Cargo.toml".parse::<RelPath>().into_iter().collect(),
        ..DescribeResult::default()
    }
}

/// The answer for all others.
pub(crate) fn describe(facts: &Facts, config: &Config) -> DescribeResult {
    let mut because = vec!["Cargo.toml".to_owned()];
    if !facts.is_root() {
        let root = paths::relative(&facts.workspace, &facts.dir);
        because.push(format!("one package of the Cargo workspace in {root}"));
    }
    if let Some(reason) = &facts.programs {
        because.push(format!("{reason}: fetching may run the project's own programs"));
    }
    because.extend(image::not_packaged(facts));
    DescribeResult {
        applies: true,
        because,
        commands: commands::commands(facts),
        caches: caches::caches(facts, config),
        env: env(facts, config),
        wants_env: wants_env(facts, config),
        ca_env: names(["CARGO_HTTP_CAINFO", "GIT_SSL_CAINFO"]),
        place_env: names(["RUSTUP_HOME"]),
        fingerprint: fingerprint(facts),
        tools: tools(facts, config),
        image: Some(image::image(facts, config)),
        reads: facts.reads.clone(),
    }
}

fn env(facts: &Facts, config: &Config) -> BTreeMap<EnvName, Template> {
    let mut env = Vec::new();
    match config.sccache {
        Some(true) => env.push(("RUSTC_WRAPPER", "sccache")),
        Some(false) if caches::configured(facts) => env.push(("RUSTC_WRAPPER", "")),
        _ => {}
    }
    let pair = |(name, value): (&str, &str)| Some((name.parse().ok()?, Template::literal(value)));
    env.into_iter().filter_map(pair).collect()
}

fn wants_env(facts: &Facts, config: &Config) -> Vec<EnvName> {
    let mut names = vec!["RUSTFLAGS", "RUSTDOCFLAGS", "RUST_BACKTRACE", "CARGO_BUILD_JOBS"];
    if caches::uses_sccache(facts, config) {
        names.extend(["SCCACHE_BUCKET", "SCCACHE_ENDPOINT", "SCCACHE_REGION", "SCCACHE_GHA_ENABLED"]);
    }
    self::names(names)
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<EnvName> {
    names.into_iter().filter_map(|name| name.parse().ok()).collect()
}

/// Only files of the member can be named; a lock that is absent is recorded as absent.
fn fingerprint(facts: &Facts) -> Vec<String> {
    let lock = (facts.locked && facts.is_root()).then(|| "Cargo.lock".to_owned());
    let toolchain = facts.toolchain.as_ref().and_then(|toolchain| paths::below(&toolchain.file, &facts.dir));
    lock.into_iter().chain([toolchain.unwrap_or("rust-toolchain.toml").to_owned()]).collect()
}

fn tools(facts: &Facts, config: &Config) -> Vec<Tool> {
    let tool = |program: &str, args: &[&str]| Tool {
        program: program.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        wants: None,
    };
    let wants = facts.rust_version.as_ref().map(|version| format!(">={version}"));
    let mut tools = vec![
        tool("cargo", &["--version"]),
        Tool { wants, ..tool("rustc", &["--version"]) },
        tool("rustfmt", &["--version"]),
        tool("cargo-clippy", &["--version"]),
    ];
    if config.nextest == Nextest::Always {
        tools.push(tool("cargo-nextest", &["nextest", "--version"]));
    }
    match security::tool(facts, config) {
        Some(Security::Deny) => tools.push(tool("cargo-deny", &["--version"])),
        Some(Security::Audit) => tools.push(tool("cargo-audit", &["--version"])),
        None => {}
    }
    if caches::uses_sccache(facts, config) {
        tools.push(tool("sccache", &["--version"]));
    }
    tools
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{facts, package};

    #[test]
    fn the_shared_caches_are_the_same_for_every_project() {
        let plain = facts(&[("Cargo.toml", &package("a", ""))], ".");
        let wrapped = facts(
            &[
                ("Cargo.toml", &package("b", "")),
                ("deny.toml", ""),
                (".cargo/config.toml", "build.rustc-wrapper = 'sccache'"),
            ],
            ".",
        );
        let caches = |facts: &Facts| caches::caches(facts, &Config::default());
        assert_eq!(caches(&plain)[..], caches(&wrapped)[..2]);
        assert_eq!(caches(&wrapped)[2].name.as_str(), "sccache");
        let off = Config { sccache: Some(false), ..Config::default() };
        assert_eq!(describe(&wrapped, &off).env[&"RUSTC_WRAPPER".parse().unwrap()].as_str(), "");
        let on = Config { sccache: Some(true), ..Config::default() };
        assert_eq!(describe(&plain, &on).env[&"RUSTC_WRAPPER".parse().unwrap()].as_str(), "sccache");
        let keep: Vec<String> = caches(&plain)[0].keep.iter().cloned().map(String::from).collect();
        assert_eq!(keep, ["registry/", "git/", ".package-cache"]);
    }

    #[test]
    fn answers_depend_on_what_is_there() {
        let (root, member) = ("[workspace]\nmembers = ['m']\n", package("m", "rust-version = '1.85'"));
        let files = [
            ("Cargo.toml", root),
            ("m/Cargo.toml", &*member),
            ("Cargo.lock", ""),
            ("m/rust-toolchain", "stable"),
        ];
        let of = |dir| describe(&facts(&files, dir), &Config::default());
        assert_eq!(of(".").because, ["Cargo.toml"]);
        assert_eq!(of("m").because, ["Cargo.toml", "one package of the Cargo workspace in .."]);
        assert_eq!(of(".").fingerprint, ["Cargo.lock", "rust-toolchain.toml"]);
        assert_eq!(of("m").fingerprint, ["rust-toolchain"]);
        assert_eq!(of("m").tools[1].wants.as_deref(), Some(">=1.85"));
        let offers = |dir, name: &str| of(dir).commands.iter().any(|command| command.name.as_str() == name);
        assert!(offers("m", "setup:toolchain") && !offers(".", "setup:toolchain"));
        let text = serde_json::to_string(&of("m")).unwrap();
        assert_eq!(serde_json::from_str::<DescribeResult>(&text).unwrap(), of("m"));
        assert!(!declined().applies);
    }
}
