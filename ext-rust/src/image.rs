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

/// The Rust of projects that do not name one; Debian 12 has it, too, or a later one.
const RUST: Version = (1, 96, 0);
/// The first that has an official image of Debian 12.
const FIRST_IMAGE: Version = (1, 70, 0);
/// The parts of a toolchain that are packages of Debian.
const PACKAGED: [&str; 6] = ["cargo", "clippy", "rust-docs", "rust-std", "rustc", "rustfmt"];
/// Programs that are neither in an official image nor in Debian; each can be built with [`RUST`].
const NEXTEST: &str = "cargo-nextest@0.9.151";
const DENY: &str = "cargo-deny@0.20.2";
const AUDIT: &str = "cargo-audit@0.22.2";

type Version = (u32, u32, u32);

/// The answer.
pub(crate) fn image(facts: &Facts, config: &Config) -> Image {
    let distribution = not_packaged(facts).is_none().then(|| distribution(facts, config));
    Image {
        base: vec!["debian:bookworm".to_owned()],
        options: [Some(images(facts, config)), distribution].into_iter().flatten().collect(),
    }
}

/// Why Debian's packages will not do, if so.
pub(crate) fn not_packaged(facts: &Facts) -> Option<String> {
    let lacks = |what: String| Some(format!("no image from packages of Debian: {what}"));
    if let Some(toolchain) = &facts.toolchain {
        let Toolchain { file, channel, components, targets, .. } = toolchain;
        let other = components.iter().find(|name| !PACKAGED.contains(&name.as_str())).or(targets.first());
        match (channel.as_deref().filter(|channel| *channel != "stable"), other) {
            (Some(channel), _) => return lacks(format!("{file} names {channel}")),
            (None, Some(part)) => return lacks(format!("{file} names {part}")),
            (None, None) if toolchain.folder => return lacks(format!("{file} names a folder")),
            (None, None) => {}
        }
    }
    let least = facts.rust_version.as_deref()?;
    let (major, minor, _) = RUST;
    (version(least)? > RUST)
        .then(|| lacks(format!("rust-version is {least}, and Debian may have {major}.{minor}")))
        .flatten()
}

/// rustup and a toolchain from an official image. The copied one is rustup's default, builds the
/// programs, and stays where the project names no other.
fn images(facts: &Facts, config: &Config) -> ImageOption {
    let installs = installs(facts, config);
    let channel = facts.toolchain.as_ref().and_then(|toolchain| toolchain.channel.as_deref());
    let least = facts.rust_version.as_deref().and_then(version).unwrap_or(RUST).max(RUST);
    let copied = channel
        .filter(|channel| channel.split('.').count() == 3)
        .and_then(version)
        .filter(|exact| *exact >= FIRST_IMAGE && (installs.is_empty() || *exact >= RUST))
        .unwrap_or(least);
    let (major, minor, patch) = copied;
    let mut steps = installs;
    steps.extend(rustup(facts.toolchain.as_ref(), channel).into_iter().map(run));
    let copied = format!("{major}.{minor}.{patch}");
    if let Some(channel) = channel.filter(|channel| *channel != copied) {
        steps.push(run(words(["rustup", "default", channel])));
    }
    ImageOption {
        source: "images".to_owned(),
        packages: packages(&[], facts, config),
        copy: vec![Copy {
            from: format!("docker.io/library/rust:{copied}-slim-bookworm"),
            paths: words(["/usr/local/cargo", "/usr/local/rustup"]),
        }],
        steps,
        // CARGO_HOME stays the user's: what is copied belongs to root.
        env: "RUSTUP_HOME".parse().map(|name| (name, "/usr/local/rustup".to_owned())).into_iter().collect(),
        path: words(["/usr/local/cargo/bin"]),
        probe: probe(facts, config),
        ..ImageOption::default()
    }
}

fn distribution(facts: &Facts, config: &Config) -> ImageOption {
    let rust = ["cargo-web", "rust-web-clippy", "rustc-web", "rustfmt-web"];
    ImageOption {
        source: "distribution".to_owned(),
        packages: packages(&rust, facts, config),
        steps: installs(facts, config),
        probe: probe(facts, config),
        ..ImageOption::default()
    }
}

/// rustc links with the system's compiler driver and C library; build scripts ask git for the
/// revision and pkg-config for libraries.
fn packages(rust: &[&str], facts: &Facts, config: &Config) -> Vec<String> {
    let sccache = caches::uses_sccache(facts, config).then_some("sccache");
    let known = ["gcc", "git", "libc6-dev", "make", "pkg-config"];
    let known = known.iter().chain(rust).chain(&facts.native).copied().chain(sccache);
    let mut packages: Vec<String> =
        known.chain(config.packages.iter().map(String::as_str)).map(str::to_owned).collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The official image has no rustfmt and no clippy. The steps name what the toolchain's file says,
/// so that the image depends on those words and not on where the file stands.
fn rustup(toolchain: Option<&Toolchain>, channel: Option<&str>) -> Vec<Vec<String>> {
    let none = Toolchain::default();
    let Toolchain { components, targets, profile, .. } = toolchain.unwrap_or(&none);
    let mut components: Vec<&str> = components.iter().map(String::as_str).collect();
    components.extend(["clippy", "rustfmt"]);
    components.sort_unstable();
    components.dedup();
    let targets = targets.iter().map(String::as_str);
    let line = |start: &[&str], parts: Vec<&str>| {
        start.iter().copied().chain(parts).map(str::to_owned).collect::<Vec<_>>()
    };
    let Some(channel) = channel else {
        let added = line(&["rustup", "component", "add"], components);
        let targets: Vec<&str> = targets.collect();
        let more = (!targets.is_empty()).then(|| line(&["rustup", "target", "add"], targets));
        return [added].into_iter().chain(more).collect();
    };
    let profile = profile.as_deref().unwrap_or("minimal");
    let start = ["rustup", "toolchain", "install", "--no-self-update", "--profile", profile];
    let components = components.into_iter().flat_map(|name| ["--component", name]);
    let targets = targets.flat_map(|name| ["--target", name]);
    vec![line(&start, components.chain(targets).chain([channel]).collect())]
}

/// What neither source has ready is built, and leaves its sources nowhere.
fn installs(facts: &Facts, config: &Config) -> Vec<ImageStep> {
    let security = security::tool(facts, config).map(|tool| match tool {
        Security::Deny => DENY,
        Security::Audit => AUDIT,
    });
    let programs: Vec<&str> =
        uses_nextest(facts, config).then_some(NEXTEST).into_iter().chain(security).collect();
    if programs.is_empty() {
        return Vec::new();
    }
    // One step is one layer: what it leaves behind stays in the image.
    let install = "cargo install --locked --root /usr/local";
    let line = format!("CARGO_HOME=/tmp/cargo {install} {} && rm -rf /tmp/cargo", programs.join(" "));
    vec![run(words(["sh", "-c", &line]))]
}

fn uses_nextest(facts: &Facts, config: &Config) -> bool {
    match config.nextest {
        Nextest::Always => true,
        Nextest::Auto => facts.nextest.is_some(),
        Nextest::Never => false,
    }
}

fn run(run: Vec<String>) -> ImageStep {
    ImageStep { run, user: Some("root".to_owned()) }
}

fn probe(facts: &Facts, config: &Config) -> Vec<Vec<String>> {
    let mut probes: Vec<_> =
        ["cargo", "rustc", "rustfmt", "cargo-clippy"].map(|name| words([name, "--version"])).into();
    if uses_nextest(facts, config) {
        probes.push(words(["cargo", "nextest", "--version"]));
    }
    match security::tool(facts, config) {
        Some(Security::Deny) => probes.push(words(["cargo", "deny", "--version"])),
        Some(Security::Audit) => probes.push(words(["cargo", "audit", "--version"])),
        None => {}
    }
    if caches::uses_sccache(facts, config) {
        probes.push(words(["sccache", "--version"]));
    }
    probes
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

/// A version of Rust; a part that is not said is 0.
fn version(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next()??, parts.next().unwrap_or(Some(0))?);
    let version = (major, minor, parts.next().unwrap_or(Some(0))?);
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{facts, package};

    /// What the options have, a line each: the image or the source, then the steps.
    fn lines(files: &[(&str, &str)], config: &Config) -> Vec<String> {
        let image = image(&facts(files, "."), config);
        let line = |option: &ImageOption| {
            let from = option.copy.first().map_or("debian", |copy| &copy.from);
            let from = from.trim_start_matches("docker.io/library/").trim_end_matches("-slim-bookworm");
            let steps: Vec<String> = option.steps.iter().map(|step| step.run.join(" ")).collect();
            format!("{from}: {}", steps.join("; "))
        };
        image.options.iter().map(line).collect()
    }

    #[test]
    fn images_have_the_toolchain_that_is_named() {
        let add = "rustup component add clippy rustfmt";
        let install = "rustup toolchain install --no-self-update --profile minimal";
        let both = "--component clippy --component rustfmt";
        for (toolchain, official, debian) in [
            ("", format!("rust:1.96.0: {add}"), true),
            ("stable", format!("rust:1.96.0: {install} {both} stable; rustup default stable"), true),
            ("1.90.1", format!("rust:1.90.1: {install} {both} 1.90.1"), false),
            ("1.69.0", format!("rust:1.96.0: {install} {both} 1.69.0; rustup default 1.69.0"), false),
            ("1.96", format!("rust:1.96.0: {install} {both} 1.96; rustup default 1.96"), false),
            (
                "[toolchain]\nchannel = 'nightly-2026-01-01'\ncomponents = ['miri']\ntargets = ['wasm32-wasip1']\nprofile = 'default'",
                "rust:1.96.0: rustup toolchain install --no-self-update --profile default --component clippy \
                 --component miri --component rustfmt --target wasm32-wasip1 nightly-2026-01-01; \
                 rustup default nightly-2026-01-01"
                    .to_owned(),
                false,
            ),
            (
                "[toolchain]\ncomponents = ['rust-src']\ntargets = ['wasm32-wasip1']",
                "rust:1.96.0: rustup component add clippy rust-src rustfmt; rustup target add wasm32-wasip1".to_owned(),
                false,
            ),
            ("[toolchain]\ncomponents = ['rustfmt']", format!("rust:1.96.0: {add}"), true),
            ("[toolchain]\npath = 'own'", format!("rust:1.96.0: {add}"), false),
        ] {
            let manifest = package("a", "");
            let files = [("Cargo.toml", &*manifest), ("rust-toolchain", toolchain)];
            let files = if toolchain.is_empty() { &files[..1] } else { &files };
            let expected = [Some(official), debian.then(|| "debian: ".to_owned())];
            let expected: Vec<_> = expected.into_iter().flatten().collect();
            assert_eq!(lines(files, &Config::default()), expected, "{toolchain}");
        }
        let bad = crate::samples::project(&[
            ("Cargo.toml", &package("a", "")),
            ("rust-toolchain", "[toolchain]\nchannel='a b'"),
        ]);
        assert!(crate::samples::gather(bad.path(), ".").is_err());
    }

    #[test]
    fn images_are_new_enough() {
        for (least, official, reason) in [
            ("1.85", "rust:1.96.0: ", None),
            ("1.96.0", "rust:1.96.0: ", None),
            ("1.97", "rust:1.97.0: ", Some("rust-version is 1.97, and Debian may have 1.96")),
        ] {
            let manifest = package("a", &format!("rust-version = '{least}'"));
            let files = [("Cargo.toml", &*manifest)];
            assert!(lines(&files, &Config::default())[0].starts_with(official), "{least}");
            let told = not_packaged(&facts(&files, "."));
            let reason = reason.map(|reason| format!("no image from packages of Debian: {reason}"));
            assert_eq!(told, reason, "{least}");
        }
    }

    #[test]
    fn programs_are_built_by_a_toolchain_that_can() {
        let manifest = package("a", "");
        let files = [
            ("Cargo.toml", &*manifest),
            ("rust-toolchain", "1.80.1"),
            (".config/nextest.toml", ""),
            ("deny.toml", ""),
        ];
        let build = "sh -c CARGO_HOME=/tmp/cargo cargo install --locked --root /usr/local \
                     cargo-nextest@0.9.151 cargo-deny@0.20.2 && rm -rf /tmp/cargo; rustup toolchain install ";
        let of = lines(&files, &Config::default());
        assert!(of[0].starts_with(&format!("rust:1.96.0: {build}")), "{of:?}");
        let never = Config { nextest: Nextest::Never, ..Config::default() };
        let of = lines(&files[..3], &never);
        assert!(of[0].starts_with("rust:1.80.1: rustup toolchain install "), "{of:?}");
    }

    #[test]
    fn packages_are_what_settings_and_files_ask_for() {
        let config = Config {
            packages: vec!["libz-dev".to_owned(), "gcc".to_owned()],
            sccache: Some(true),
            ..Config::default()
        };
        let manifest = package("a", "");
        let files = [
            ("Cargo.toml", &*manifest),
            ("Cargo.lock", "[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.0\"\n"),
            (
                ".cargo/config.toml",
                "target.x86_64-unknown-linux-gnu = { linker = 'clang', rustflags = ['-C', 'link-arg=-fuse-ld=mold'] }",
            ),
        ];
        for option in image(&facts(&files, "."), &config).options {
            assert!(option.packages.is_sorted());
            for name in ["gcc", "libssl-dev", "libz-dev", "clang", "mold", "sccache"] {
                assert_eq!(option.packages.iter().filter(|package| *package == name).count(), 1, "{name}");
            }
            assert!(option.probe.contains(&words(["sccache", "--version"])));
        }
    }

    #[test]
    fn versions() {
        for (text, expected) in [
            ("1.90", Some((1, 90, 0))),
            ("1.90.1", Some((1, 90, 1))),
            ("1", Some((1, 0, 0))),
            ("1.90.1.2", None),
            ("stable", None),
            ("1.90-beta", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
