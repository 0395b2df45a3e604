//! Small projects, and the extension's answers about them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use devflow_protocol::message::{Action, DescribeResult, Resolution, Step};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A project in a temporary folder.
pub(crate) struct Project {
    root: tempfile::TempDir,
    dir: &'static str,
    config: Value,
}

impl Project {
    /// A project of these files, with a lock as Cargo makes it.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self::without_lock(files);
        project.cargo(&["generate-lockfile", "--offline", "--quiet"]);
        project
    }

    pub(crate) fn without_lock(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let place = root.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        Self { root, dir: ".", config: json!({}) }
    }

    /// The same project, asked about one of its folders.
    pub(crate) fn in_dir(self, dir: &'static str) -> Self {
        Self { dir, ..self }
    }

    pub(crate) fn with_config(self, config: Value) -> Self {
        Self { config, ..self }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(self.dir).join(path)
    }

    pub(crate) fn describe(&self) -> DescribeResult {
        self.ask("project/describe", json!({}))
    }

    pub(crate) fn resolve(&self, command: &str, args: &[&str]) -> Resolution {
        self.ask("command/resolve", json!({"command": command, "args": args}))
    }

    /// The actions of a resolution that can run here; none for a skip.
    pub(crate) fn actions(&self, command: &str, args: &[&str]) -> Vec<Action> {
        match self.resolve(command, args) {
            Resolution::Skip(_) => Vec::new(),
            Resolution::Action(action) => vec![action],
            Resolution::Alternatives(list) => list
                .into_iter()
                .filter(|alternative| alternative.when.is_none() || has_nextest())
                .map(|alternative| alternative.action)
                .collect(),
        }
    }

    /// Runs an action as dwf does; all that it printed, when it succeeds.
    pub(crate) fn run(&self, action: &Action) -> Result<String, String> {
        let mut printed = String::new();
        for step in action.warm.iter().chain(&action.steps) {
            let output = self.spawn(step, action);
            printed += &format!("$ {step:?}\n");
            printed += &String::from_utf8_lossy(&output.stdout);
            printed += &String::from_utf8_lossy(&output.stderr);
            if !output.status.success() {
                return Err(printed);
            }
        }
        Ok(printed)
    }

    pub(crate) fn run_all(&self, command: &str) {
        for action in self.actions(command, &[]) {
            self.run(&action).unwrap_or_else(|printed| panic!("{command}: {printed}"));
        }
    }

    /// Every project has a build folder of its own: Cargo's names in there depend on the path
    /// below the workspace only, so two projects of one name would take each other's results.
    fn spawn(&self, step: &Step, action: &Action) -> Output {
        let args: Vec<&str> = step.args.iter().map(|arg| arg.as_str()).collect();
        let mut command = program(step.program.as_str());
        command
            .args(args)
            .current_dir(self.path("."))
            .env("CARGO_TARGET_DIR", self.root.path().join("built"));
        for (name, value) in &action.env {
            match value {
                Some(value) => command.env(name.as_str(), value.as_str()),
                None => command.env_remove(name.as_str()),
            };
        }
        command.output().unwrap()
    }

    fn cargo(&self, args: &[&str]) {
        let output = program("cargo").args(args).current_dir(self.path(".")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, more: Value) -> T {
        let mut params = json!({
            "project": {"root": self.root.path(), "dir": self.dir, "name": "sample"},
            "platform": {"os": "linux", "arch": "x86_64"},
            "config": self.config,
        });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let hello = json!({"protocols": [1], "host": {"name": "dwf", "version": "0.1.0"}});
        let answers = talk(&[("initialize", hello), (method, params)]);
        let result = answers[1].get("result").unwrap_or_else(|| panic!("{}", answers[1]));
        serde_json::from_value(result.clone()).unwrap()
    }
}

/// Whether the machine has cargo-nextest.
pub(crate) fn has_nextest() -> bool {
    program("cargo-nextest").args(["nextest", "--version"]).output().is_ok()
}

fn talk(requests: &[(&str, Value)]) -> Vec<Value> {
    let mut child = program(env!("CARGO_BIN_EXE_devflow-ext-rust"))
        .arg("--stdio")
        .env("DWF_EXT_PROTOCOLS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    for (at, (method, params)) in requests.iter().enumerate() {
        let request = json!({"jsonrpc": "2.0", "id": at.to_string(), "method": method, "params": params});
        writeln!(pipe, "{request}").unwrap();
    }
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let mut answers: Vec<Value> =
        output.stdout.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    answers.sort_by_key(|answer| answer["id"].as_str().map(str::to_owned));
    assert_eq!(answers.len(), requests.len(), "{answers:?}");
    answers
}

#[expect(clippy::disallowed_methods, reason = "a test tries the answers with the real programs")]
fn program(name: impl AsRef<Path>) -> Command {
    let mut command = Command::new(name.as_ref());
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "NEXTEST", "NEXTEST_PROFILE", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.env("CARGO_TERM_COLOR", "never");
    command
}
