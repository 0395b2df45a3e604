//! The world around the process, read once at the door: arguments, environment, directory, user.
//!
//! Invariant: nothing else in dwf reads the environment or asks where it is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::{Exit, Explain};
use crate::redact::Hidden;

/// How the names of variables begin that hold secrets.
pub const SECRET: &str = "DWF_SECRET_";

/// What the process was started with.
#[derive(Debug, Clone)]
pub struct World {
    /// The arguments, the program's name first.
    pub args: Vec<OsString>,
    /// The variables whose name and value are UTF-8, without those that hold secrets.
    pub env: BTreeMap<String, String>,
    /// The variables `DWF_SECRET_NAME`, which nothing that dwf starts inherits.
    pub secrets: BTreeMap<String, String>,
    /// What nothing prints.
    pub hidden: Hidden,
    /// The working directory.
    pub cwd: PathBuf,
    /// The program itself, as a path with links resolved.
    pub exe: PathBuf,
    /// The effective user.
    pub uid: u32,
    /// Whether standard error is a terminal.
    pub terminal: bool,
    /// Whether standard input and output both are.
    pub interactive: bool,
    path: OnceLock<Vec<PathFolder>>,
}

/// A folder of `PATH`.
#[derive(Debug, Clone)]
pub struct PathFolder {
    /// As it is written.
    pub written: PathBuf,
    /// With links resolved, and what it is; `None` where it is relative or not there.
    pub real: Option<(PathBuf, Metadata)>,
}

/// The process has no usable surroundings.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The working directory is gone or unreadable.
    #[error("the working directory cannot be read")]
    Cwd(#[source] std::io::Error),
    /// The program's own path is unknown.
    #[error("the path of dwf itself cannot be read")]
    Exe(#[source] std::io::Error),
    /// `HOME` is missing or relative.
    #[error("HOME is not set to an absolute path")]
    Home,
}

impl Explain for WorldError {
    fn exit(&self) -> Exit {
        Exit::Machine
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cwd(_) => Some("change to a directory that exists, or use -C DIR".to_owned()),
            Self::Exe(_) => None,
            Self::Home => Some("set HOME to your home directory".to_owned()),
        }
    }
}

impl World {
    /// Reads the surroundings of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the door where the environment is read")]
    pub fn read() -> Result<Self, WorldError> {
        let exe = std::env::current_exe().and_then(|exe| exe.canonicalize()).map_err(WorldError::Exe)?;
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let (secrets, env): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::env::vars_os().filter_map(text).partition(|(name, _)| name.starts_with(SECRET));
        let hidden = Hidden::default();
        for value in secrets.values() {
            hidden.hide_file(value);
        }
        Ok(Self {
            args: std::env::args_os().collect(),
            env,
            secrets,
            hidden,
            cwd: std::env::current_dir().map_err(WorldError::Cwd)?,
            exe,
            uid: nix::unistd::geteuid().as_raw(),
            terminal: std::io::stderr().is_terminal(),
            interactive: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
            path: OnceLock::new(),
        })
    }

    /// A variable, when it is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The folders of `PATH`, looked up when they are first asked for, and then no more.
    pub fn path(&self) -> &[PathFolder] {
        self.path.get_or_init(|| {
            let look = |written: PathBuf| {
                let real = written.is_absolute().then(|| written.canonicalize().ok()).flatten();
                let real = real.and_then(|real| real.metadata().ok().map(|meta| (real, meta)));
                PathFolder { written, real }
            };
            std::env::split_paths(self.var("PATH").unwrap_or("")).map(look).collect()
        })
    }

    /// Whether this is a CI run.
    pub fn ci(&self) -> bool {
        self.var("CI").is_some_and(|value| value != "false" && value != "0")
    }

    /// The user's home directory.
    pub fn home(&self) -> Result<PathBuf, WorldError> {
        self.absolute("HOME").ok_or(WorldError::Home)
    }

    /// The folder of dwf's own state, which no container ever sees.
    pub fn state(&self) -> Result<PathBuf, WorldError> {
        self.xdg("XDG_STATE_HOME", ".local/state")
    }

    /// The folder of what dwf keeps for the user: extensions that were fetched.
    pub fn data(&self) -> Result<PathBuf, WorldError> {
        self.xdg("XDG_DATA_HOME", ".local/share")
    }

    /// The user's own configuration file.
    pub fn user_config(&self) -> Option<PathBuf> {
        Some(self.xdg("XDG_CONFIG_HOME", ".config").ok()?.join("config.toml"))
    }

    /// The folder in which dwf and its companions were installed.
    pub fn install_dir(&self) -> &Path {
        self.exe.parent().unwrap_or(Path::new("/"))
    }

    fn xdg(&self, name: &str, below_home: &str) -> Result<PathBuf, WorldError> {
        // A relative XDG path is to be ignored (XDG Base Directory Specification).
        let base = match self.absolute(name) {
            Some(base) => base,
            None => self.home()?.join(below_home),
        };
        Ok(base.join("devflow"))
    }

    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}
