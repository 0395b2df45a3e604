//! Facts, read from temporary folders.

use crate::facts::Facts;
use crate::samples::{facts, gather, package, project};

fn names(facts: &Facts) -> Vec<&str> {
    facts.packages.iter().map(|package| package.name.as_str()).collect()
}

#[test]
fn members_are_those_that_cargo_counts() {
    let root = "[workspace]\nmembers = ['crates/*', 'deep/**/x?', 'out/listed', 'absent']\nexclude = ['out', 'crates/no']\n\
                [workspace.dependencies]\nshared = { path = 'shared' }\n";
    let a = package(
        "a",
        "[target.'cfg(unix)'.dev-dependencies]\nb = { path = '../../by-path' }\nshared.workspace = true",
    );
    let b =
        package("b", "[dependencies]\nelsewhere = { path = '../out/unlisted' }\nup = { path = '../../x' }");
    let text = |name: &str| package(name, "");
    let (c, d, e, f, g) = (text("c"), text("d"), text("e"), text("shared"), text("g"));
    let files = [
        ("Cargo.toml", root),
        ("crates/a/Cargo.toml", &a),
        ("crates/no/Cargo.toml", &g),
        ("crates/file", ""),
        ("by-path/Cargo.toml", &b),
        ("deep/y/z/x1/Cargo.toml", &c),
        ("deep/y/z/y1/Cargo.toml", &g),
        ("out/listed/Cargo.toml", &d),
        ("out/unlisted/Cargo.toml", &g),
        ("shared/Cargo.toml", &f),
        ("stray/Cargo.toml", &e),
    ];
    assert_eq!(names(&facts(&files, ".")), ["b", "a", "c", "d", "shared"]);
    for (dir, workspace) in
        [(".", ""), ("crates/a", ""), ("out/listed", ""), ("out/unlisted", "out/unlisted")]
    {
        assert_eq!(facts(&files, dir).workspace, workspace, "{dir}");
    }
    assert_eq!(names(&facts(&files, "crates/a")), ["a"]);
}

#[test]
fn locks_that_git_ignores_are_no_locks() {
    let manifest = package("a", "");
    for (gitignore, above, locked) in [
        ("", "", true),
        ("/target\n", "target\n", true),
        ("Cargo.lock\n", "", false),
        ("/Cargo.lock\r\n", "", false),
        ("*.lock\n!Cargo.lock\n", "", true),
        ("", "Cargo.lock", false),
        ("", "/Cargo.lock", true),
        ("!Cargo.lock", "Cargo.lock", true),
    ] {
        let files = [
            ("m/Cargo.toml", &*manifest),
            ("m/Cargo.lock", ""),
            ("m/.gitignore", gitignore),
            (".gitignore", above),
        ];
        assert_eq!(facts(&files, "m").locked, locked, "{gitignore:?} {above:?}");
    }
    assert!(!facts(&[("Cargo.toml", &manifest)], ".").locked);
}

#[test]
fn what_stands_above_a_member_counts_for_it() {
    let root = "[workspace]\nmembers = ['m']\n[workspace.package]\nrust-version = '1.80'\nedition = '2021'\n";
    let member = "[package]\nname = 'm'\nedition.workspace = true\nrust-version.workspace = true\n";
    let files = [
        ("Cargo.toml", root),
        ("Cargo.lock", ""),
        ("m/Cargo.toml", member),
        ("m/tests/t.rs", ""),
        ("rust-toolchain", "nightly-2026-01-01\n"),
        (".cargo/config.toml", "[build]\nrustc-wrapper = '/usr/bin/sccache'"),
        ("m/.cargo/config.toml", "[net]\n"),
        (".config/nextest.toml", "[profile.default]\n"),
        ("deny.toml", ""),
    ];
    let facts = facts(&files, "m");
    assert_eq!(facts.workspace, "");
    assert!(facts.locked && facts.deny && facts.nextest.is_some());
    assert_eq!(facts.rust_version.as_deref(), Some("1.80"));
    assert_eq!(facts.wrapper.as_deref(), Some("/usr/bin/sccache"));
    assert_eq!(facts.toolchain.unwrap().channel.as_deref(), Some("nightly-2026-01-01"));
    assert_eq!(facts.packages[0].tests[0].name, "t");
    let reads: Vec<String> = facts.reads.into_iter().map(String::from).collect();
    assert!(reads.contains(&"Cargo.toml".to_owned()) && reads.iter().all(|path| !path.contains("..")));
}

#[test]
fn broken_files_are_named_with_their_line() {
    let good = package("a", "");
    for (path, text, line) in [
        ("m/Cargo.toml", "[package]\nname = \n", 2),
        ("Cargo.toml", "[workspace]\n\n]\n", 3),
        ("m/rust-toolchain.toml", "[toolchain\n", 1),
        (".cargo/config.toml", "\n\n= 1", 3),
    ] {
        let root = project(&[("m/Cargo.toml", &*good), (path, text)]);
        let failure = gather(root.path(), "m").unwrap_err();
        assert_eq!(failure.code, devflow_protocol::code::INVALID_PROJECT);
        assert_eq!(failure.data["line"], line, "{}", failure.message);
        let file = devflow_protocol::sdk::paths::relative(path, "m");
        assert_eq!(failure.data["file"], file, "{}", failure.message);
        assert!(failure.message.starts_with(&format!("{file}:{line}: ")), "{}", failure.message);
    }
    let root = project(&[("m/x", "")]);
    assert_eq!(gather(root.path(), "m").unwrap(), None);
}
