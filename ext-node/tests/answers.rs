//! Answers that are carried out: the built extension is asked over its pipe about real projects, and
//! the steps it answers are run with the machine's own Node. Nothing here needs the network.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "this is a test from its first line to its last"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

#[expect(clippy::disallowed_methods, reason = "these tests are the host")]
fn command(program: &str) -> Command {
    Command::new(program)
}

/// The extension's process, and the project it is asked about.
struct Host {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    project: TempDir,
    dir: &'static str,
}

impl Host {
    fn start(dir: &'static str, files: &[(&str, &str)]) -> Self {
        let project = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = project.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut child = command(env!("CARGO_BIN_EXE_devflow-ext-node"))
            .arg("--stdio")
            .env_clear()
            .env("DWF_EXT_PROTOCOLS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut host = Self { child, input, output, project, dir };
        let answer = host.ask("initialize", json!({"protocols": [1], "host": {"name": "t", "version": "0"}}));
        assert_eq!(answer["result"]["extension"]["name"], "node");
        host
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params});
        writeln!(self.input.as_mut().unwrap(), "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn about(&self) -> Value {
        json!({"project": {"root": self.project.path(), "dir": self.dir, "name": "t"},
            "platform": {"os": "linux", "arch": "x86_64"}})
    }

    fn describe(&mut self) -> Value {
        let params = self.about();
        self.ask("project/describe", params)
    }

    fn resolve(&mut self, name: &str, args: &[&str]) -> Value {
        let mut params = self.about();
        params["command"] = name.into();
        params["args"] = args.into();
        self.ask("command/resolve", params)["result"].take()
    }

    /// Runs a command's needs and then its steps; the output of the last step.
    fn run(&mut self, name: &str, args: &[&str]) -> Output {
        let action = self.resolve(name, args)["action"].take();
        assert!(action.is_object(), "{name} is no action");
        for need in list(&action["needs"]) {
            assert!(self.run(&need, &[]).status.success(), "{need}");
        }
        let member = self.project.path().join(self.dir);
        let root = self.project.path().to_str().unwrap().to_owned();
        let fill = |text: String| text.replace("${workspace}", &root).replace("$$", "$");
        let mut path: Vec<String> = list(&action["path"]).into_iter().map(fill).collect();
        path.push("/usr/local/bin:/usr/bin:/bin".to_owned());
        let home = self.project.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let mut last = None;
        for step in action["steps"].as_array().unwrap() {
            let output = command(step["program"].as_str().unwrap())
                .args(list(&step["args"]).into_iter().map(fill))
                .current_dir(&member)
                .env_clear()
                .envs(BTreeMap::from([("PATH", path.join(":")), ("HOME", home.display().to_string())]))
                .env("npm_config_cache", home.join("npm"))
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let failed = !output.status.success();
            last = Some(output);
            if failed {
                break;
            }
        }
        last.unwrap()
    }

    fn has(&self, path: &str) -> bool {
        self.project.path().join(path).exists()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn list(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether the machine has Node and npm: without them only the answers can be looked at.
fn node() -> bool {
    let found = ["/usr/local/bin", "/usr/bin"].iter().any(|dir| Path::new(dir).join("npm").exists());
    if !found {
        eprintln!("no npm on this machine: nothing was carried out");
    }
    found
}

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
