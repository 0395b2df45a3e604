use serde_json::{Value, json};

use super::*;
use crate::plan::answers::Answers;
use crate::plan::tests::{answers, config, explained, run};

/// Everything that can be set, by everybody who can set it.
fn everything() -> (crate::config::Loaded, Answers) {
    let config = config(
        "[targets]\nmain = [\"fmt:check\", \"b/test:unit\"]\n\
         [commands.\"lint:policy\"]\nrun = [\"./policy.sh\", \"a b\"]\nargs = [\"-x\"]\n\
         [commands.\"b/test:unit\"]\nneeds = [\"a/build:debug\", \"lint:policy\"]\nargs = [\"--more\"]\n\
         env = { OVER = \"mine\", NEW = \"1\" }\ntimeout = 5\n",
    );
    let build = json!({ "action": { "steps": [{ "program": "make" }], "outputs": [{ "path": "dist" }] } });
    let test = json!({ "alternatives": [
        { "when": { "program": "fast" }, "action": {
            "steps": [{ "program": "fast", "args": ["a b"] }, { "program": "then" }],
            "cwd": "sub", "env": { "OVER": "theirs", "GONE": null }, "path": ["${cache:store}/bin"],
            "needs": ["setup:deps"], "locks": ["l"], "inputs": { "files": ["dist/**"] },
            "reports": [{ "format": "junit", "path": "r.xml" }] } },
        { "action": { "steps": [{ "program": "slow" }], "fetches": true, "timeout_s": 9 } },
    ] });
    let stack = json!({ "env": { "SHARED": "yes" }, "wants_env": ["WANTED"],
        "caches": [{ "name": "store", "env": "STORE" }], "tools": [{ "program": "fast", "wants": ">=1" }] });
    let mut answers = answers(&[
        (".", "a", json!({}), json!({ "build:debug": build, "fmt:check": run("f") })),
        (".", "b", stack, json!({ "test:unit": test, "setup:deps": run("get") })),
    ]);
    answers.pins.insert("b".parse().unwrap(), "sha256:77".to_owned());
    (config, answers)
}

/// `field entry @choice: who` of every part, with the value.
fn told(value: &Value) -> Vec<String> {
    let who = |by: &Value| match by["kind"].as_str().unwrap() {
        "extension" => format!("{} {} {}", by["name"].as_str().unwrap(), by["version"], by["pinned"]),
        "config" => format!("{}:{}", by["file"].as_str().unwrap(), by["line"]),
        other => other.to_owned(),
    };
    let part = |part: &Value| {
        let entry = part["entry"].as_str().map(|entry| format!(" {entry}")).unwrap_or_default();
        let choice = part["choice"].as_u64().map(|choice| format!(" @{choice}")).unwrap_or_default();
        let by: Vec<String> = part["by"].as_array().unwrap().iter().map(who).collect();
        format!("{}{entry}{choice} = {}: {}", part["field"].as_str().unwrap(), part["value"], by.join(" + "))
    };
    value["parts"].as_array().unwrap().iter().map(part).collect()
}

#[test]
fn every_part_says_who_set_it() {
    let (config, answers) = everything();
    let (plan, origins) = explained(&config, &answers, &["b/test"], &["-k"]).unwrap();
    let catalog = Catalog::new(&config, &answers).unwrap();
    let explanation = explain(&plan, &origins, &catalog).unwrap();
    let value = explanation.to_json();
    assert_eq!(value["digest"], plan.digest());
    assert_eq!(value["extensions"][1], json!({ "name": "b", "version": "1.0", "pinned": "sha256:77" }));
    let b = r#"b "1.0" "sha256:77""#;
    let steps = format!("{b} + devflow.toml:10 + command-line");
    assert_eq!(
        told(&value["actions"][0]),
        [
            &format!("when @0 = \"fast\": {b}"),
            &format!(r#"steps @0 = {{"args":["a b"],"program":"fast"}}: {steps}"#),
            &format!(r#"steps @0 = {{"args":[],"program":"then"}}: {steps}"#),
            &format!("cwd @0 = \"sub\": {b}"),
            &format!("env GONE @0 = null: {b}"),
            "env NEW @0 = \"1\": devflow.toml:11",
            "env OVER @0 = \"mine\": devflow.toml:11",
            &format!(r#"path @0 = ["${{cache:store}}/bin"]: {b}"#),
            &format!(r#"steps @1 = {{"args":[],"program":"slow"}}: {steps}"#),
            "cwd @1 = \".\": default",
            "env NEW @1 = \"1\": devflow.toml:11",
            "env OVER @1 = \"mine\": devflow.toml:11",
            "path @1 = []: default",
            "needs = \"lint:policy\": devflow.toml:9",
            "needs = \"a/build:debug\": devflow.toml:9",
            &format!("needs = \"b/setup:deps\": {b}"),
            &format!("locks = \"l\": {b}"),
            &format!("fetches = true: {b}"),
            "writes = false: default",
            "timeout_s = 5: devflow.toml:12",
            &format!(r#"inputs = {{"files":["dist/**"]}}: {b}"#),
            "outputs = []: default",
            &format!(r#"reports = [{{"format":"junit","path":"r.xml"}}]: {b}"#),
            &format!("stack.env SHARED = \"yes\": {b}"),
            &format!(r#"stack.caches store = {{"env":"STORE","name":"store","scope":"shared"}}: {b}"#),
            &format!("stack.wants_env = \"WANTED\": {b}"),
            &format!(r#"stack.tools fast = {{"args":[],"program":"fast","wants":">=1"}}: {b}"#),
        ]
    );
    assert_eq!(
        value["actions"][0]["targets"],
        json!([
            { "name": "main", "by": { "kind": "config", "file": "devflow.toml", "line": 4 } },
            { "name": "pr", "by": { "kind": "default" } },
        ])
    );
    let others: Vec<&str> =
        value["others"].as_array().unwrap().iter().map(|o| o["name"].as_str().unwrap()).collect();
    assert_eq!(others, ["lint:policy", "a/build:debug", "a/fmt:check", "b/setup:deps"]);
    assert_eq!(
        value["others"][0]["needed_by"],
        json!([
            { "name": "b/test:unit", "by": [{ "kind": "config", "file": "devflow.toml", "line": 9 }] }
        ])
    );
}

#[test]
fn a_projects_own_command() {
    let (config, answers) = everything();
    let (plan, origins) = explained(&config, &answers, &["lint:policy"], &["-k"]).unwrap();
    let catalog = Catalog::new(&config, &answers).unwrap();
    let value = explain(&plan, &origins, &catalog).unwrap().to_json();
    let told = told(&value["actions"][0]);
    let step = r#"steps @0 = {"args":["a b","-x","-k"],"program":"./policy.sh"}"#;
    assert_eq!(told[0], format!("{step}: devflow.toml:6 + devflow.toml:7 + command-line"));
    assert!(told[1..].iter().all(|line| line.ends_with(": default")), "{told:#?}");
}

#[test]
fn nothing_is_set_by_nobody() {
    let (config, answers) = everything();
    let commands = ["b/test", "a/build:debug", "fmt", "setup", "lint:policy"];
    let (plan, origins) = explained(&config, &answers, &commands, &[]).unwrap();
    for action in &plan.actions {
        for row in rows(&plan, action, &origins) {
            assert!(!row.by.is_empty(), "{}: {row:?}", action.name);
        }
    }
    // What a person is shown has each of them, too.
    let catalog = Catalog::new(&config, &answers).unwrap();
    let text = explain(&plan, &origins, &catalog).unwrap().to_string();
    assert!(!text.contains("unknown"), "{text}");
}

#[test]
fn what_a_person_reads() {
    let answers =
        answers(&[(".", "a", json!({}), json!({ "test:unit": run("x\u{1b}[2J"), "build:debug": run("y") }))]);
    let config = config("[commands.\"a/test:unit\"]\nneeds = [\"build\"]\n");
    let (plan, origins) = explained(&config, &answers, &["test"], &[]).unwrap();
    let catalog = Catalog::new(&config, &answers).unwrap();
    let text = explain(&plan, &origins, &catalog).unwrap().to_string();
    let (_, text) = text.split_once("\n\n").unwrap();
    assert_eq!(
        text,
        "a/test:unit
  asked for on the command line
  in the targets main (dwf's default), pr (dwf's default)
  step     extension a 1.0  $'x\\033[2J'
  cwd      dwf's default    .
  path     dwf's default    nothing
  needs    devflow.toml:4   a/build:debug
  fetches  dwf's default    no
  writes   dwf's default    no
  timeout  dwf's default    3600 s
  inputs   dwf's default    every file of the member
  outputs  dwf's default    nothing
  reports  dwf's default    nothing

besides in this plan:
  a/build:debug  needed by a/test:unit (devflow.toml:4)

extensions:
  a 1.0  not pinned
"
    );
}
