//! Who set what in a plan, the plan as a graph, and a plan that is not the one that was expected.

use std::path::{Path, PathBuf};

use devflow_tests::{Run, Sandbox, Spec};
use serde_json::Value;

/// A project of the host with a stack and a command of its own.
fn project(sandbox: &Sandbox) -> PathBuf {
    sandbox.write(
        "own/devflow.toml",
        "[project]\nstack = [\"rust\"]\n\n[targets]\npr = [\"lint:policy\"]\n\n\
         [commands.\"lint:policy\"]\nrun = [\"touch\", \"ran\"]\n\n\
         [commands.\"rust/test:unit\"]\nneeds = [\"lint:policy\"]\nenv = { MINE = \"1\" }\n",
    );
    sandbox.write("own/Cargo.toml", "[package]\nname = \"own\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    sandbox.write("own/src/lib.rs", "");
    sandbox.path().join("own")
}

fn dwf(sandbox: &Sandbox, project: &Path, words: &[&str]) -> Run {
    let words = words.iter().copied().chain(["--profile", "host"]);
    sandbox.dwf(project, words).run()
}

#[test]
fn every_part_says_who_set_it() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox);
    let text = dwf(&sandbox, &project, &["explain", "test:unit", "--", "--exact"]);
    text.expect(0);
    for part in [
        "\nrust/test:unit\n",
        "asked for on the command line",
        "devflow.toml:12",
        "extension rust 0.1.0 + command line",
        "dwf's default",
        "needed by rust/test:unit (devflow.toml:11)",
        "rust 0.1.0  not pinned",
    ] {
        assert!(text.stdout.contains(part), "{part:?} is missing:\n{text}");
    }
    dwf(&sandbox, &project, &["ext", "pin", "rust"]).expect(0);
    let json = dwf(&sandbox, &project, &["explain", "rust/test:unit", "--json"]);
    let value: Value = serde_json::from_str(&json.expect(0).stdout).expect("JSON");
    let parts = value["actions"][0]["parts"].as_array().expect("parts");
    assert!(parts.len() > 10, "{value:#}");
    for part in parts {
        let by = part["by"].as_array().expect("who");
        assert!(!by.is_empty(), "{part}");
        for one in by.iter().filter(|one| one["kind"] == "extension") {
            assert!(one["pinned"].as_str().is_some_and(|pin| pin.starts_with("sha256:")), "{one}");
        }
    }
    assert_eq!(value["digest"].as_str(), Some(digest(&sandbox, &project, &["rust/test:unit"]).as_str()));
    dwf(&sandbox, &project, &["explain", "test:unti"]).expect(2).says("did you mean `test:unit`?");
    dwf(&sandbox, &project, &["explain"]).expect(2);
}

fn digest(sandbox: &Sandbox, project: &Path, words: &[&str]) -> String {
    let words: Vec<&str> = ["plan", "--json"].into_iter().chain(words.iter().copied()).collect();
    let run = dwf(sandbox, project, &words);
    let value: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
    value["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn a_plan_is_a_graph() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox);
    let dot = dwf(&sandbox, &project, &["plan", "rust/test:unit", "--graph", "dot"]);
    let line = "  \"lint:policy\" -> \"rust/test:unit\";";
    assert!(dot.expect(0).stdout.lines().any(|found| found == line), "{dot}");
    // Where Graphviz is installed, it reads what dwf wrote.
    if Spec::new("sh").args(["-c", "command -v dot"]).run().code == 0 {
        let file = sandbox.write("plan.dot", &dot.stdout);
        Spec::new("dot").args(["-Tplain", &file.to_string_lossy()]).run().expect(0);
    }
    let mermaid = dwf(&sandbox, &project, &["plan", "rust/test:unit", "--graph", "mermaid"]);
    assert!(mermaid.expect(0).stdout.contains("  a_lint_3apolicy --> a_rust_2ftest_3aunit\n"), "{mermaid}");
    dwf(&sandbox, &project, &["plan", "--graph", "dot", "--json"]).expect(2).says("cannot be used with");
    dwf(&sandbox, &project, &["plan", "--graph", "svg"]).expect(2).says("mermaid, dot");
}

#[test]
fn only_the_expected_plan_is_run() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox);
    let found = digest(&sandbox, &project, &[]);
    let ran = project.join("ran");
    let verify = |digest: &str| dwf(&sandbox, &project, &["verify", "--expect-plan", digest]);

    let other = format!("sha256:{}", "0".repeat(64));
    let refused = verify(&other);
    refused.expect(3).says(&found).says(&other).says("dwf plan --json pr");
    dwf(&sandbox, &project, &["run", "lint:policy", "--expect-plan", &other])
        .expect(3)
        .says("dwf plan --json lint:policy");
    assert!(!ran.exists(), "{refused}");
    for malformed in ["", "sha256:", "0123", &format!("sha512:{}", "0".repeat(64))] {
        verify(malformed).expect(2).says("a plan's digest is");
    }
    assert!(!ran.exists());
    verify(&found).expect(0);
    assert!(ran.exists());
    verify(found.trim_start_matches("sha256:")).expect(0);
    // The plan that a laptop saw is not this one any more.
    devflow_tests::edit(&project.join("devflow.toml"), "\"ran\"", "\"rain\"");
    verify(&found).expect(3);
}
