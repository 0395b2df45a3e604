//! Programs that tests start.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A program to start: a value until it is run. Its environment is empty but for `PATH`.
#[derive(Debug, Clone)]
pub struct Spec {
    program: String,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: Option<PathBuf>,
    user: (u32, u32),
}

/// What a program did.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its exit code, or 128 and the signal, as a shell has it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// A program that runs.
#[derive(Debug)]
pub struct Started {
    /// The child.
    pub child: Child,
}

impl Spec {
    /// A program, found on the test machine's `PATH` or by its path.
    #[expect(clippy::disallowed_methods, reason = "the only place where tests read the environment")]
    pub fn new(program: impl Into<String>) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::from([("PATH".to_owned(), path), ("LANG".to_owned(), "C.UTF-8".to_owned())]),
            cwd: None,
            user: (0, 0),
        }
    }

    /// Starts another program, with all else as it is.
    pub fn program(mut self, program: &str) -> Self {
        self.program = program.to_owned();
        self
    }

    /// Takes a variable away.
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Adds arguments.
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A variable's value.
    pub fn get_env(&self, name: &str) -> &str {
        self.env.get(name).map_or("", String::as_str)
    }

    /// Sets the working directory.
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// Runs as this user and group.
    pub fn user(mut self, user: (u32, u32)) -> Self {
        self.user = user;
        self
    }

    /// Puts a program in front, such as `unshare -n`; this one becomes its arguments.
    pub fn under<S: Into<String>>(mut self, front: impl IntoIterator<Item = S>) -> Self {
        let mut words = front.into_iter().map(Into::into);
        let program = words.next().unwrap_or_default();
        let inner = std::mem::replace(&mut self.program, program);
        self.args = words.chain([inner]).chain(std::mem::take(&mut self.args)).collect();
        self
    }

    #[expect(clippy::disallowed_methods, reason = "the only place where tests start processes")]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if self.user != (0, 0) {
            command.uid(self.user.0).gid(self.user.1);
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self) -> Run {
        let output = self.command().output().unwrap_or_else(|error| panic!("{}: {error}", self.program));
        Run::new(output.status, &output.stdout, &output.stderr)
    }

    /// Starts it, in a process group of its own, and returns at once.
    pub fn start(&self) -> Started {
        let child = self.command().process_group(0).spawn();
        Started { child: child.unwrap_or_else(|error| panic!("{}: {error}", self.program)) }
    }
}

impl Started {
    /// Waits for its end.
    pub fn wait(self) -> Run {
        let output = self.child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
        Run::new(output.status, &output.stdout, &output.stderr)
    }
}

impl Run {
    fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self { code, stdout: text(stdout), stderr: text(stderr) }
    }

    /// Fails unless it ended with this code; shows everything it said.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Fails unless its standard error has this text.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "{text:?} is missing:\n{self}");
        self
    }
}

impl Run {
    /// The lines by which dwf says that each failed action can be run again.
    pub fn reproducing(&self) -> Vec<&str> {
        self.stderr.lines().filter_map(|line| line.strip_prefix("reproduce: ")).collect()
    }

    /// The line that `RUST_LOG=devflow=debug` shows for an action, which dwf calls by this name.
    #[track_caller]
    pub fn line_of(&self, action: &str) -> &str {
        let head = format!("# DEBUG devflow::action {action}");
        let mut lines = self.stderr.lines().skip_while(|line| *line != head).skip(1);
        lines.next().unwrap_or_else(|| panic!("{head:?} and its line are missing:\n{self}"))
    }

    /// The digest of the plan.
    #[track_caller]
    pub fn digest(&self) -> &str {
        let digest = self.stderr.lines().find_map(|line| line.strip_prefix("plan       "));
        digest.unwrap_or_else(|| panic!("no plan:\n{self}"))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
