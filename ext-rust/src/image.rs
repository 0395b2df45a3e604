//! What an image for a Rust project needs.
//!
//! Invariant: an image has the toolchain that the project names. A distribution has one Rust only,
//! so it is no option for a project that names another.

use devflow_protocol::message::{Copy, Image, ImageOption, ImageStep};

use crate::caches;
use crate::config::{Config, Nextest, Security};
use crate::facts::Facts;
use crate::security;
use crate::toolchain::Toolchain;

/// The Rust of projects that do not name one.
const RUST: &str = "1.95";

/// The answer.
pub(crate) fn image(facts: &Facts, config: &Config) -> Image {
    let any = facts.toolchain.as_ref().is_none_or(is_any_stable);
    let distribution = any.then(|| distribution(facts, config));
    Image {
        base: vec!["debian:bookworm".to_owned()],
        options: [Some(images(facts, config)), distribution].into_iter().flatten().collect(),
    }
}

fn images(facts: &Facts, config: &Config) -> ImageOption {
    let version = facts.toolchain.as_ref().and_then(exact).unwrap_or(RUST);
    let mut steps = vec![run(rustup(facts.toolchain.as_ref()))];
    steps.extend(installs(facts, config));
    let env = [("RUSTUP_HOME", "/usr/local/rustup"), ("CARGO_HOME", "/usr/local/cargo")];
    ImageOption {
        source: "images".to_owned(),
        packages: packages(&[], facts, config),
        copy: vec![Copy {
            from: format!("docker.io/library/rust:{version}-slim-bookworm"),
            paths: vec!["/usr/local/cargo".to_owned(), "/usr/local/rustup".to_owned()],
        }],
        steps,
        env: env
            .into_iter()
            .filter_map(|(name, value)| Some((name.parse().ok()?, value.to_owned())))
            .collect(),
        path: vec!["/usr/local/cargo/bin".to_owned()],
        probe: probe(),
        ..ImageOption::default()
    }
}

fn distribution(facts: &Facts, config: &Config) -> ImageOption {
    let rust = ["cargo-web", "rust-web-clippy", "rustc-web", "rustfmt-web"];
    ImageOption {
        source: "distribution".to_owned(),
        packages: packages(&rust, facts, config),
        steps: installs(facts, config),
        probe: probe(),
        ..ImageOption::default()
    }
}

/// rustc links with the system's compiler driver and C library.
fn packages(more: &[&str], facts: &Facts, config: &Config) -> Vec<String> {
    let sccache = caches::uses_sccache(facts, config).then_some("sccache");
    let own = ["gcc", "libc6-dev"].iter().chain(more).copied().chain(sccache);
    let mut packages: Vec<String> =
        own.chain(config.packages.iter().map(String::as_str)).map(str::to_owned).collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The official image has no rustfmt and no clippy. The steps name what the toolchain's file says,
/// so that the image depends on those words and not on where the file stands.
fn rustup(toolchain: Option<&Toolchain>) -> Vec<String> {
    let named = toolchain.and_then(|toolchain| Some((toolchain, toolchain.channel.as_deref()?)));
    let Some((toolchain, channel)) = named else {
        return ["rustup", "component", "add", "clippy", "rustfmt"].map(str::to_owned).into();
    };
    let profile = toolchain.profile.as_deref().unwrap_or("minimal");
    let mut command = ["rustup", "toolchain", "install", "--no-self-update", "--profile", profile]
        .map(str::to_owned)
        .to_vec();
    let mut components = toolchain.components.clone();
    components.extend(["clippy", "rustfmt"].map(str::to_owned));
    components.sort();
    components.dedup();
    for component in components {
        command.extend(["--component".to_owned(), component]);
    }
    for target in &toolchain.targets {
        command.extend(["--target".to_owned(), target.clone()]);
    }
    command.push(channel.to_owned());
    command
}

/// Tools that neither source has ready.
fn installs(facts: &Facts, config: &Config) -> Vec<ImageStep> {
    let nextest = (config.nextest == Nextest::Always).then_some("cargo-nextest");
    let security = security::tool(facts, config).map(|tool| match tool {
        Security::Deny => "cargo-deny",
        Security::Audit => "cargo-audit",
    });
    let install =
        |name| ["cargo", "install", "--locked", "--root", "/usr/local", name].map(str::to_owned).into();
    nextest.into_iter().chain(security).map(install).map(run).collect()
}

fn run(run: Vec<String>) -> ImageStep {
    ImageStep { run, user: Some("root".to_owned()) }
}

fn probe() -> Vec<Vec<String>> {
    let words = [
        ["cargo", "--version"],
        ["rustc", "--version"],
        ["rustfmt", "--version"],
        ["cargo-clippy", "--version"],
    ];
    words.iter().map(|words| words.map(str::to_owned).to_vec()).collect()
}

fn exact(toolchain: &Toolchain) -> Option<&str> {
    toolchain.channel.as_deref().filter(|channel| {
        let parts: Vec<&str> = channel.split('.').collect();
        parts.len() == 3
            && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn is_any_stable(toolchain: &Toolchain) -> bool {
    toolchain.targets.is_empty() && toolchain.channel.as_deref().is_none_or(|channel| channel == "stable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{facts, package};

    #[test]
    fn images_have_the_toolchain_that_is_named() {
        let manifest = package("a", "");
        for (toolchain, from, step, options) in [
            ("stable", "rust:1.95-", "--component clippy --component rustfmt stable", 2),
            ("1.90.1", "rust:1.90.1-", "--profile minimal --component clippy --component rustfmt 1.90.1", 1),
            ("1.90", "rust:1.95-", "rustfmt 1.90", 1),
            (
                "[toolchain]\nchannel = 'nightly-2026-01-01'\ncomponents = ['miri']\ntargets = ['wasm32-wasip1']\nprofile = 'default'",
                "rust:1.95-",
                "--profile default --component clippy --component miri --component rustfmt --target wasm32-wasip1 nightly-2026-01-01",
                1,
            ),
            ("[toolchain]\ncomponents = ['miri']", "rust:1.95-", "rustup component add clippy rustfmt", 2),
        ] {
            let facts = facts(&[("Cargo.toml", &manifest), ("rust-toolchain", toolchain)], ".");
            let image = image(&facts, &Config::default());
            assert_eq!(image.options.len(), options, "{toolchain}");
            assert!(image.options[0].copy[0].from.contains(from), "{toolchain}: {:?}", image.options[0].copy);
            assert!(image.options[0].steps[0].run.join(" ").ends_with(step), "{:?}", image.options[0].steps);
        }
        let bad = crate::samples::project(&[
            ("Cargo.toml", &manifest),
            ("rust-toolchain", "[toolchain]\nchannel='a b'"),
        ]);
        assert!(crate::samples::gather(bad.path(), ".").is_err());
    }

    #[test]
    fn settings_add_tools_and_packages() {
        let facts = facts(&[("Cargo.toml", &package("a", "")), ("deny.toml", "")], ".");
        let config = Config {
            nextest: Nextest::Always,
            packages: vec!["libssl-dev".to_owned(), "gcc".to_owned()],
            sccache: Some(true),
            ..Config::default()
        };
        for option in image(&facts, &config).options {
            let installed: Vec<_> = option.steps.iter().filter_map(|step| step.run.last()).collect();
            assert!(installed.iter().any(|name| *name == "cargo-nextest"), "{installed:?}");
            assert!(installed.iter().any(|name| *name == "cargo-deny"), "{installed:?}");
            assert!(option.packages.is_sorted() && option.packages.contains(&"sccache".to_owned()));
            assert_eq!(option.packages.iter().filter(|name| *name == "gcc").count(), 1);
        }
    }
}
