//! The rules of the house: who may know whom, what must not be named, how large a file may grow.
//!
//! Invariant: a rule is a function from files to complaints, and each is shown to complain.

mod files;
mod rules;

use std::collections::BTreeSet;

use devflow_tests::repository;

use files::{File, files};
use rules::{
    HOSTS, LINES, MODULES, UNFINISHED, doors, manifests, modules, shape, texts, tools, uses, workflows,
};

/// The names at the top of the repository that do not begin with a dot.
const TOP: &str = "CHANGELOG.md Cargo.lock Cargo.toml LICENSE README.md devflow.toml docker-bake.hcl dwf
    ext-node ext-python ext-rust oci protocol tests";

fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Fails unless the rule has this many complaints about a file.
#[track_caller]
fn complains(rule: impl Fn(&[File]) -> Vec<String>, path: &str, text: &str, count: usize) {
    let complaints = rule(&[File::new(path, text)]);
    assert_eq!(complaints.len(), count, "{path}: {text}\n{}", complaints.join("\n"));
}

#[test]
fn crates_know_only_whom_they_may() {
    let files = files();
    none(manifests(&files));
    none(uses(&files));

    let dependency = |text: &str| format!("[package]\nname = \"devflow-oci\"\n{text}");
    complains(manifests, "oci/Cargo.toml", &dependency("[dependencies]\nserde = \"1\""), 0);
    complains(
        manifests,
        "oci/Cargo.toml",
        &dependency("[dependencies]\ndevflow-protocol.workspace = true"),
        1,
    );
    complains(manifests, "oci/Cargo.toml", &dependency("[dev-dependencies]\nx = { package = \"dwf\" }"), 1);
    complains(manifests, "oci/Cargo.toml", &dependency("[target.'cfg(unix)'.dependencies]\ndwf = \"1\""), 1);
    complains(manifests, "more/Cargo.toml", "[package]\nname = \"more\"", 1);
    complains(uses, "protocol/src/a.rs", "use devflow_oci::Engine;", 1);
    complains(uses, "oci/runner/src/a.rs", "use devflow_protocol::frame;\nlet x = devflow_oci::hash(y);", 1);
    complains(uses, "ext-rust/tests/a.rs", "use dwf as x;", 1);
    complains(uses, "dwf/src/a.rs", "use devflow_ext_rust::x;\n// dwf calls devflow_oci", 1);
}

#[test]
fn modules_have_one_direction() {
    let files = files();
    none(modules(&files));
    let map = files.iter().find(|file| file.path == "dwf/ARCHITECTURE.md").expect("a map");
    let shown: Vec<&str> = map
        .text
        .lines()
        .skip_while(|line| *line != "## The modules of dwf")
        .take_while(|line| *line != "## Invariants")
        .filter_map(|line| line.strip_prefix("| `")?.split(['`', '/']).next())
        .collect();
    let doors = ["lib", "main"];
    let order: Vec<&str> = MODULES.split_whitespace().filter(|module| !doors.contains(module)).collect();
    assert_eq!(shown, order, "dwf/ARCHITECTURE.md lists the modules in the order of their imports");

    complains(modules, "dwf/src/plan/merge.rs", "use crate::error::Exit;\nuse super::model;", 0);
    for module in ["process", "session", "engine", "world"] {
        complains(modules, "dwf/src/plan/merge.rs", &format!("use crate::{module}::X;"), 1);
    }
    complains(modules, "dwf/src/plan/merge.rs", "std::fs::read(path)", 1);
    complains(modules, "dwf/src/lower/folders.rs", "std::fs::read(path)", 0);
    complains(modules, "dwf/src/error.rs", "use crate::{name, plan};", 1);
    complains(modules, "dwf/src/novelty.rs", "", 1);
}

#[test]
fn processes_and_prints_have_their_places() {
    none(doors(&files()));

    complains(doors, "dwf/src/process.rs", "#[expect(clippy::disallowed_methods, reason = \"x\")]", 0);
    complains(doors, "dwf/src/engine.rs", "#[expect(clippy::disallowed_methods, reason = \"x\")]", 1);
    complains(doors, "dwf/src/engine.rs", "use tokio::process::Command;", 1);
    complains(doors, "dwf/src/engine.rs", &format!("#[{}(clippy::panic)]", "allow"), 1);
    complains(doors, "oci/src/run.rs", "println!(\"x\")", 1);
    complains(doors, "dwf/src/engine.rs", "std::io::stdout().write_all(x)", 1);
}

#[test]
fn the_generic_crates_name_no_tool() {
    none(tools(&files()));

    for text in [
        "// as cargo does",
        "\"CARGO_HOME\"",
        "let npmToken = 1;",
        "npm_ci",
        "node_modules",
        "Ruff",
        "\"python\"",
    ] {
        complains(tools, "dwf/src/x.rs", text, 1);
        complains(tools, "protocol/src/x.rs", text, 1);
        complains(tools, "ext-rust/src/x.rs", text, 0);
    }
    for text in [
        "#[expect(clippy::panic, reason = \"x\")]",
        "env!(\"CARGO_PKG_VERSION\")",
        "concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/x\")",
        "env!(\"CARGO_BIN_EXE_dwf-runner\")",
        "/// Rust's own types",
        "let node = graph.node(trust); // clippings, escargots, pipes",
    ] {
        complains(tools, "oci/src/x.rs", text, 0);
    }
    complains(tools, "oci/src/x.rs", "var(\"CARGO_PKG_VERSION\"); run(\"clippy\")", 2);
}

#[test]
fn texts_are_finished_and_name_no_registry() {
    none(texts(&files()));

    for bad in HOSTS.iter().chain(UNFINISHED) {
        complains(texts, "README.md", &format!("x {bad} y"), 1);
        complains(texts, "tests/x/Cargo.lock", &format!("x {bad} y"), 0);
    }
    complains(texts, "x.sh", &format!("mktemp {0}{0}", UNFINISHED[2]), 0);
    complains(texts, "a/package-lock.json", &format!("\"resolved\": \"https://{}/x\"", HOSTS[1]), 1);
}

#[test]
fn files_have_a_purpose_and_an_end() {
    none(shape(&files()));

    complains(shape, "oci/src/x.rs", "//! Purpose.\n", 0);
    complains(shape, "oci/src/x.rs", "use std::fs;\n", 1);
    complains(shape, "oci/src/x/tests.rs", "use super::*;\n", 0);
    complains(shape, "oci/src/x.rs", &"//!\n".repeat(LINES + 1), 1);
}

#[test]
fn workflows_are_pinned() {
    none(workflows(&files()));

    let head = "on: push\npermissions:\n  contents: read\njobs:\n";
    let checkout =
        |at: &str| format!("{head} runs-on: x\n timeout-minutes: 1\n uses: actions/checkout@{at}\n");
    let pinned = checkout(&"a".repeat(40));
    complains(workflows, ".github/workflows/x.yml", &format!("{pinned} persist-credentials: false\n"), 0);
    complains(workflows, ".github/workflows/x.yml", &pinned, 1);
    complains(workflows, ".github/workflows/x.yml", &checkout("v4"), 2);
    complains(workflows, ".github/workflows/x.yml", "jobs:\n runs-on: x\n", 2);
}

#[test]
fn the_top_of_the_repository_is_what_it_should_be() {
    let files = files();
    let tops: BTreeSet<&str> = files.iter().filter_map(|file| file.path.split('/').next()).collect();
    let plain: Vec<&str> = tops.into_iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(plain, TOP.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn the_release_is_described() {
    let read = |path: &str| {
        std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest");
    let package = &manifest["workspace"]["package"];
    let version = package["version"].as_str().unwrap_or_default();
    assert!(
        read("CHANGELOG.md").contains(&format!("\n## {version} ")),
        "CHANGELOG.md has no section for {version}"
    );
    assert_eq!(package["license"].as_str(), Some("Apache-2.0"));
    let license = read("LICENSE");
    assert!(license.contains("Apache License") && license.contains("Version 2.0, January 2004"));
}
