//! The host's side: asks the built extension over its pipe, and runs the steps it answers.

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
pub(crate) struct Host {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub(crate) project: TempDir,
    dir: &'static str,
}

impl Host {
    pub(crate) fn start(dir: &'static str, files: &[(&str, &str)]) -> Self {
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

    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
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

    pub(crate) fn describe(&mut self) -> Value {
        let params = self.about();
        self.ask("project/describe", params)
    }

    pub(crate) fn resolve(&mut self, name: &str, args: &[&str]) -> Value {
        let mut params = self.about();
        params["command"] = name.into();
        params["args"] = args.into();
        self.ask("command/resolve", params)["result"].take()
    }

    /// Runs a command's needs and then its steps; the output of the last step.
    pub(crate) fn run(&mut self, name: &str, args: &[&str]) -> Output {
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

    pub(crate) fn has(&self, path: &str) -> bool {
        self.project.path().join(path).exists()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

pub(crate) fn list(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether the machine has Node and npm: without them only the answers can be looked at.
pub(crate) fn node() -> bool {
    let found = ["/usr/local/bin", "/usr/bin"].iter().any(|dir| Path::new(dir).join("npm").exists());
    if !found {
        eprintln!("no npm on this machine: nothing was carried out");
    }
    found
}
