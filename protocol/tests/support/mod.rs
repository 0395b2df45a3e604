//! What the tests of conversations share: the examples, and the schema as a judge.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use devflow_protocol::COOKIE;
use devflow_protocol::schema::Definition;
use jsonschema::Validator;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Every example: its name, and where it is.
pub fn examples() -> Vec<(&'static str, PathBuf)> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let path = search_path();
    for interpreter in ["python3", "jq", "node"] {
        let is_there = std::env::split_paths(&path).any(|folder| folder.join(interpreter).is_file());
        assert!(is_there, "{interpreter} is missing: .ci/engines installs what the tests need");
    }
    vec![
        ("hello-py", scripts.join("devflow-ext-hello-py")),
        ("hello-sh", scripts.join("devflow-ext-hello-sh")),
        ("hello-js", scripts.join("devflow-ext-hello-js")),
        ("hello-c", c_example()),
        ("hello", rust_example()),
    ]
}

/// The example in C, compiled once.
fn c_example() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello.c");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hello-c-{}", std::process::id()));
        compile(&source, &program);
        program
    };
    BUILT.get_or_init(build).clone()
}

#[expect(clippy::disallowed_methods, reason = "a compiler is a process, too")]
fn compile(source: &Path, program: &Path) {
    let mut compiler = std::process::Command::new("cc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-o"]).arg(program).arg(source);
    let output = compiler.arg("-ljansson").output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}\n.ci/engines installs what the tests need");
}

/// The example in Rust.
pub fn rust_example() -> PathBuf {
    // target/debug/deps/conversation-… and target/debug/examples/devflow-ext-hello
    let test = std::env::current_exe().unwrap();
    let rust = test.ancestors().nth(2).unwrap().join("examples/devflow-ext-hello");
    assert!(
        rust.exists(),
        "{} is missing: cargo build -p devflow-protocol --all-features --examples",
        rust.display()
    );
    rust
}

#[expect(clippy::disallowed_methods, reason = "the interpreters are where the user has them")]
fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// A program in an empty environment, its streams piped.
#[expect(clippy::disallowed_methods, reason = "the examples are tested as the processes they are")]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", search_path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// An extension as dwf starts it.
pub fn extension(program: &Path) -> Command {
    let mut command = command(program);
    command.arg("--stdio").env(COOKIE, "1");
    command
}

/// Writes everything, closes standard input, and reads everything.
pub async fn talk(program: &Path, input: &str) -> (Vec<Value>, ExitStatus) {
    let mut child = extension(program).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = async move {
        // An extension may end before it has read all.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
    };
    let both = async { tokio::join!(writing, child.wait_with_output()).1.unwrap() };
    let output = tokio::time::timeout(Duration::from_secs(60), both).await.expect("it never ended");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let answers = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    (answers, output.status)
}

/// Holds every line of one conversation against the schema.
pub struct Judge {
    validators: HashMap<Definition, Validator>,
    asked: HashMap<String, String>,
}

impl Judge {
    pub fn new() -> Self {
        let validator = |definition: Definition| {
            jsonschema::draft202012::options().build(&definition.schema().unwrap()).unwrap()
        };
        let validators = Definition::ALL.map(|definition| (definition, validator(definition)));
        Self { validators: HashMap::from(validators), asked: HashMap::new() }
    }

    /// The value is what the definition says.
    pub fn check(&self, definition: Definition, value: &Value) {
        let errors: Vec<_> = self.validators[&definition]
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{value} is no {}: {errors:#?}", definition.name());
    }

    /// Whether the value is what the definition says.
    pub fn fits(&self, definition: Definition, value: &Value) -> bool {
        self.validators[&definition].is_valid(value)
    }

    /// A line from the host.
    pub fn host_says(&mut self, message: &Value) {
        self.check(Definition::HostMessage, message);
        self.ask(message);
    }

    /// A line from the host that need not be right.
    pub fn ask(&mut self, message: &Value) {
        if let (Some(id), Some(method)) = (message["id"].as_str(), message["method"].as_str()) {
            self.asked.insert(id.to_owned(), method.to_owned());
        }
    }

    /// A line from the extension; an answer ends its request.
    pub fn extension_says(&mut self, message: &Value) {
        self.check(Definition::ExtensionMessage, message);
        let Some(id) = message["id"].as_str() else { return };
        let method = self.asked.remove(id).unwrap_or_else(|| panic!("nobody asked for {message}"));
        if let (Some(result), Some(definition)) = (message.get("result"), Definition::result(&method)) {
            self.check(definition, result);
        }
    }

    /// Whether every request has been answered.
    pub fn is_done(&self) -> bool {
        self.asked.is_empty()
    }
}
