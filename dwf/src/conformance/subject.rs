//! The extension that is tried, and where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devflow_oci::Invocation;
use devflow_protocol::client::Limits;
use devflow_protocol::name::ExtensionName;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::discover::executable;
use crate::error::{Exit, Explain};
use crate::extension;
use crate::world::World;

/// An extension, and the folders that it is asked about.
pub struct Subject {
    /// Its file, absolute.
    pub path: PathBuf,
    /// Its name, as its file has it.
    pub name: ExtensionName,
    /// The project it is asked about.
    pub root: PathBuf,
    /// Whether somebody said that this is a project of its own.
    pub given: bool,
    /// A folder in which there is nothing.
    pub empty: PathBuf,
    /// What dwf gives it of the environment.
    pub env: BTreeMap<String, String>,
    /// What it may cost.
    pub limits: Limits,
    /// dwf itself, which can be the first program of a process that is cut off.
    pub dwf: PathBuf,
    _folder: TempDir,
}

/// Why an extension cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// The file cannot be used.
    #[error("{} {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// The file has no name of an extension.
    #[error("{} is not called devflow-ext-NAME", .0.display())]
    Name(PathBuf),
    /// The project cannot be used.
    #[error("{} is no folder that can be read", .0.display())]
    Project(PathBuf),
    /// The extension did not start.
    #[error("{} could not be started: {reason}", .path.display())]
    Start {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no place for the empty project.
    #[error("a folder for the empty project could not be made")]
    Folder(#[source] std::io::Error),
}

impl Explain for SubjectError {
    fn exit(&self) -> Exit {
        match self {
            Self::File { .. } | Self::Start { .. } => Exit::Extension,
            Self::Name(_) | Self::Project(_) => Exit::Usage,
            Self::Folder(_) => Exit::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Name(_) => Some("the file's name says which stack it is: devflow-ext-NAME".to_owned()),
            _ => None,
        }
    }
}

impl Subject {
    /// The extension in a file, to be asked about `project`, or else about an empty folder.
    pub fn new(
        world: &World,
        path: &Path,
        project: Option<&Path>,
        (initialize, request): (Option<u64>, Option<u64>),
    ) -> Result<Self, SubjectError> {
        let path = world.cwd.join(path);
        let refused = |reason| SubjectError::File { path: path.clone(), reason };
        let found = path.canonicalize().map_err(|_| refused("does not exist"))?;
        executable(&found, world).map_err(refused)?;
        let name = |path: &Path| path.file_name()?.to_str()?.strip_prefix("devflow-ext-")?.parse().ok();
        let name = name(&path).ok_or_else(|| SubjectError::Name(path.clone()))?;
        let folder = tempfile::Builder::new().prefix("dwf-check-").tempdir().map_err(SubjectError::Folder)?;
        let empty = folder.path().canonicalize().map_err(SubjectError::Folder)?;
        let root = match project {
            Some(dir) => {
                let dir = world.cwd.join(dir);
                let real = dir.canonicalize().ok().filter(|dir| dir.is_dir() && dir.to_str().is_some());
                real.ok_or(SubjectError::Project(dir))?
            }
            None => empty.clone(),
        };
        Ok(Self {
            path: found,
            name,
            given: project.is_some(),
            root,
            empty,
            env: extension::environment(world),
            limits: extension::deadlines(initialize, request),
            dwf: world.exe.clone(),
            _folder: folder,
        })
    }

    /// How it is started.
    pub fn invocation(&self) -> Invocation {
        Invocation::new(&self.path).arg("--stdio").cwd(&self.root)
    }

    /// The parameters of `project/describe` for a folder.
    pub fn describe(&self, root: &Path) -> Value {
        json!({
            "project": { "root": root.to_string_lossy(), "dir": ".", "name": "conformance" },
            "platform": { "os": "linux", "arch": std::env::consts::ARCH },
            "config": {},
        })
    }

    /// The parameters of `command/resolve` for a folder.
    pub fn resolve(&self, root: &Path, command: &str, args: &[&str]) -> Value {
        let mut params = self.describe(root);
        params["command"] = command.into();
        params["args"] = json!(args);
        params
    }
}
