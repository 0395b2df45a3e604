//! Speaks to the built extension, and says its answers in one line each.
#![allow(dead_code, reason = "each test binary uses a part")]
#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A project of some files.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let place = folder.path().join(name);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The answers to `project/describe` and to each command.
pub fn exchange(folder: &Folder, config: &str, commands: &[&str], args: &[&str]) -> Vec<Value> {
    let config: Value = serde_json::from_str(config).unwrap();
    let base = json!({
        "project": {"root": folder.path(), "dir": ".", "name": "x"},
        "platform": {"os": "linux", "arch": "x86_64"},
        "config": config,
    });
    let hello = json!({"protocols": [1], "host": {"name": "test", "version": "0"}, "features": []});
    let mut requests = vec![("initialize", hello), ("project/describe", base.clone())];
    for command in commands {
        let mut params = base.clone();
        params["command"] = json!(command);
        params["args"] = json!(args);
        requests.push(("command/resolve", params));
    }
    #[expect(clippy::disallowed_methods, reason = "the extension is a program")]
    let mut child = Command::new(env!("CARGO_BIN_EXE_devflow-ext-python"))
        .arg("--stdio")
        .env_clear()
        .env("DWF_EXT_PROTOCOLS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut wire = child.stdin.take().unwrap();
    for (id, (method, params)) in requests.iter().enumerate() {
        let request = json!({"jsonrpc": "2.0", "id": id.to_string(), "method": method, "params": params});
        writeln!(wire, "{request}").unwrap();
    }
    drop(wire);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answer = |id: String| lines.iter().find(|line| line["id"].as_str() == Some(&id)).unwrap().clone();
    (1..requests.len()).map(|id| answer(id.to_string())).collect()
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

fn error(answer: &Value) -> Option<String> {
    let error = answer.get("error")?;
    let data = error.get("data").map(|data| format!(" {data}")).unwrap_or_default();
    Some(format!("{} {}{data}", error["code"], error["message"].as_str().unwrap()))
}

/// What the extension makes of a folder.
pub fn describe(folder: &Folder, config: &str) -> String {
    let answer = &exchange(folder, config, &[], &[])[0];
    error(answer).unwrap_or_else(|| {
        let because = words(&answer["result"]["because"]).join("; ");
        if answer["result"]["applies"] == true { because } else { format!("no: {because}") }
    })
}

/// The commands that it offers.
pub fn commands(folder: &Folder) -> Vec<String> {
    let answer = &exchange(folder, "{}", &[], &[])[0];
    let commands = answer["result"]["commands"].as_array().unwrap();
    commands.iter().map(|command| command["name"].as_str().unwrap().to_owned()).collect()
}

/// What commands mean.
pub fn ask(folder: &Folder, config: &str, commands: &[&str]) -> Vec<String> {
    ask_with(folder, config, commands, &[])
}

/// What commands mean with arguments.
pub fn ask_with(folder: &Folder, config: &str, commands: &[&str], args: &[&str]) -> Vec<String> {
    exchange(folder, config, commands, args).iter().skip(1).map(render).collect()
}

fn render(answer: &Value) -> String {
    if let Some(error) = error(answer) {
        return error;
    }
    let result = &answer["result"];
    if let Some(skip) = result.get("skip") {
        return format!("skip: {}", skip["because"].as_str().unwrap());
    }
    let action = &result["action"];
    let step = |step: &Value| {
        let args = words(&step["args"]).into_iter().map(|word| if word.contains('\n') { "…" } else { word });
        [step["program"].as_str().unwrap()].into_iter().chain(args).collect::<Vec<_>>().join(" ")
    };
    let mut line = action["steps"].as_array().unwrap().iter().map(step).collect::<Vec<_>>().join("; ");
    for (name, value) in action["env"].as_object().into_iter().flatten() {
        line.push_str(&format!(" {name}={}", value.as_str().unwrap()));
    }
    if let needs @ [_, ..] = &words(&action["needs"])[..] {
        line.push_str(&format!(" needs {}", needs.join(" ")));
    }
    for flag in ["fetches", "writes"] {
        if action[flag] == true {
            line.push_str(&format!(" ({flag})"));
        }
    }
    line
}
