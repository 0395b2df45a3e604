//! Answers that are carried out: the built extension is asked over its pipe about real projects, and
//! the steps it answers are run with the machine's own Node. Nothing here needs the network.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "this is a test from its first line to its last"
)]

mod host;

use std::fs;

use serde_json::json;

use crate::host::{Host, list, node, text};

const WORKSPACE: &[(&str, &str)] = &[
    ("package.json", r#"{"name":"w","private":true,"workspaces":["p/*"]}"#),
    (
        "p/a/package.json",
        r#"{"name":"a","version":"1.0.0","dependencies":{"b":"1.0.0"},"scripts":{"test":"node a.js"}}"#,
    ),
    ("p/a/a.js", "console.log(require('b'), process.argv.slice(2).join())"),
    (
        "p/b/package.json",
        r#"{"name":"b","version":"1.0.0","scripts":{"postinstall":"node -e \"process.exit(1)\""}}"#,
    ),
    ("p/b/index.js", "module.exports = 'this is b'"),
    (
        "package-lock.json",
        r#"{"name":"w","lockfileVersion":3,"requires":true,"packages":{
            "":{"name":"w","workspaces":["p/*"]},
            "node_modules/a":{"resolved":"p/a","link":true},"node_modules/b":{"resolved":"p/b","link":true},
            "p/a":{"version":"1.0.0","dependencies":{"b":"1.0.0"}},"p/b":{"version":"1.0.0"}}}"#,
    ),
];

#[test]
fn scripts_get_their_arguments_and_hand_on_their_failure() {
    if !node() {
        return;
    }
    let package =
        r#"{"scripts":{"test":"node t.js","build":"node -e \"process.exit(3)\"","postinstall":"node p.js"}}"#;
    let script = "console.log('args', process.argv.slice(2).join('|'))";
    let post = "require('fs').writeFileSync('post.txt', '')";
    let mut host = Host::start(".", &[("package.json", package), ("t.js", script), ("p.js", post)]);
    let output = host.run("test:unit", &["--x", "a b", "$HOME"]);
    assert_eq!(text(&output).trim(), "args --x|a b|$HOME");
    assert!(host.has("post.txt"), "setup:scripts did not run");
    assert_eq!(host.run("build:debug", &[]).status.code(), Some(3));
}

#[test]
fn tests_of_node_without_a_script() {
    if !node() {
        return;
    }
    let good = "require('node:test')('good', () => {})";
    let bad = "require('node:test')('bad', () => { throw new Error('bad') })";
    let mut host = Host::start(".", &[("package.json", "{}"), ("src/a.test.js", good)]);
    assert_eq!(host.resolve("setup:deps", &[])["skip"]["because"], "package.json has no dependencies");
    let output = host.run("test:unit", &[]);
    assert!(output.status.success() && text(&output).contains("pass 1"), "{}", text(&output));
    fs::write(host.project.path().join("src/b.test.js"), bad).unwrap();
    assert_eq!(host.run("test:unit", &[]).status.code(), Some(1));
}

#[test]
fn a_workspace_from_its_root_and_from_a_package() {
    if !node() {
        return;
    }
    for dir in [".", "p/a"] {
        let mut host = Host::start(dir, WORKSPACE);
        let output = host.run("test:unit", &["--x"]);
        assert_eq!(text(&output).trim(), "this is b --x", "{}", String::from_utf8_lossy(&output.stderr));
        assert!(host.has("node_modules/b") && !host.has("p/a/package-lock.json"));
    }
}

#[test]
fn what_is_read_and_what_is_refused() {
    let mut host = Host::start(".", &[("README.md", "")]);
    let answer = host.describe()["result"].take();
    assert_eq!(answer, json!({"applies": false, "because": ["no package.json"], "reads": ["package.json"]}));

    let mut host = Host::start(".", &[("package.json", "{\n  \"name\": \"a\",\n}")]);
    let error = host.describe()["error"].take();
    assert_eq!((error["code"].as_i64(), error["data"]["line"].as_u64()), (Some(2002), Some(3)));

    let locks = [("package.json", "{}"), ("yarn.lock", "# yarn lockfile v1"), ("pnpm-lock.yaml", "")];
    let mut host = Host::start(".", &locks);
    let message = host.describe()["error"]["message"].to_string();
    assert!(message.contains("yarn.lock") && message.contains("pnpm-lock.yaml"), "{message}");

    let mut host = Host::start("p/a", WORKSPACE);
    let answer = host.describe()["result"].take();
    assert!(answer["because"].to_string().contains("a package of the workspace in ."), "{answer}");
    assert!(list(&answer["reads"]).contains(&"package.json".to_owned()));

    let mut host = Host::start(".", WORKSPACE);
    let answer = host.describe()["result"].take();
    let at: Vec<&str> =
        answer["caches"].as_array().unwrap().iter().filter_map(|cache| cache["at"].as_str()).collect();
    assert_eq!(at, ["node_modules", "p/a/node_modules", "p/b/node_modules"]);
}

#[test]
fn an_installation_that_runs_the_projects_code_shares_nothing() {
    let deps = r#"{"packageManager":"yarn@4.5.0","dependencies":{"a":"1"}}"#;
    let files = [
        ("package.json", deps),
        ("yarn.lock", "__metadata:\n"),
        (".yarnrc.yml", "yarnPath: .yarn/yarn.cjs\n"),
    ];
    let mut host = Host::start(".", &files);
    assert_eq!(host.describe()["result"]["caches"][0]["scope"], "environment");
    assert!(host.resolve("setup:deps", &[])["action"].get("fetches").is_none());
    fs::write(host.project.path().join(".yarnrc.yml"), "nodeLinker: node-modules\n").unwrap();
    assert_eq!(host.describe()["result"]["caches"][0]["scope"], "shared");
    assert_eq!(host.resolve("setup:deps", &[])["action"]["fetches"], true);
}
