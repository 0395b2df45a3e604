//! A container as a value.
//!
//! Invariant: a container says all that distinguishes it; what every container has in common is not its to say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::environment::{EnvError, EnvValue};
use crate::image::{Entrypoint, ImageName};
use crate::mount::{Mount, MountError};
use crate::source::SourceError;
use crate::target::TargetError;
use crate::user::UserMapping;
use crate::volume::VolumeError;

/// Which network a container has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// The engine's own.
    #[default]
    Default,
    /// None but loopback.
    None,
    /// That of the container with this name, which runs, with the names that it knows. Podman does not remove that
    /// container before this one.
    Of(String),
    /// That of the process with this number on the engine's machine.
    Process(u32),
}

/// What a container's programs may do beyond what any process may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Powers {
    /// Nothing.
    #[default]
    None,
    /// What servers do before they serve: give files an owner, become another user, listen on a low port; and end
    /// what runs as that user.
    Server,
}

impl Powers {
    /// The capabilities it takes.
    pub(crate) fn capabilities(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Server => {
                &["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"]
            }
        }
    }
}

/// What a container may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Processes and threads.
    pub pids: u32,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processors.
    pub cpus: Option<f64>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pids: 4096, memory: None, cpus: None, shm_size: None }
    }
}

/// A container that could be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// Its name, by which it is found and ended.
    pub name: String,
    /// What else it is found by.
    pub labels: BTreeMap<String, String>,
    /// The image, which is there already.
    pub image: ImageName,
    /// What starts the program.
    pub entrypoint: Entrypoint,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Who runs it; without any argument, whom its image names.
    pub user: UserMapping,
    /// What its programs may do.
    pub powers: Powers,
    /// Where it starts.
    pub workdir: String,
    /// Its variables, beside the image's.
    pub env: Vec<(String, EnvValue)>,
    /// What it sees.
    pub mounts: Vec<Mount>,
    /// Where the image wants volumes; it gets none.
    pub volumes: Vec<String>,
    /// Its network.
    pub network: Network,
    /// Names by which it knows itself.
    pub hosts: Vec<String>,
    /// Whether its stdin is the client's.
    pub interactive: bool,
    /// Whether it has a terminal.
    pub tty: bool,
    /// What it may use.
    pub limits: Limits,
    /// Whether SELinux is told to let it see its mounts, where SELinux enforces.
    pub unconfined_labels: bool,
    /// A file that the engine writes the container's id to, and that must not exist yet.
    pub cidfile: Option<PathBuf>,
}

/// Why a container cannot be run as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerError {
    /// The name is none that engines take.
    Name(String),
    /// A label's key is empty or holds `=` or a control character.
    Label(String),
    /// The image's id is none.
    Image(String),
    /// There is no program.
    NoProgram,
    /// The working directory is not absolute or not normal.
    Workdir(TargetError),
    /// A name by which it knows itself is none.
    Host(String),
    /// A variable is refused.
    Env(EnvError),
    /// A mount is refused.
    Mount(MountError),
    /// A volume of the image would hide something.
    Volume(VolumeError),
    /// The file for the container's id is refused.
    Cidfile(SourceError),
    /// The image has no init process and the engine found none.
    NoInit(String),
    /// The number of processors is none.
    Cpus(String),
    /// An argument holds a NUL; this one.
    Nul(String),
    /// An argument that begins so is longer than the system takes.
    TooLong(String),
}

impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(f, "{name:?} is not a container's name: letters, digits, `_`, `.` and `-`")
            }
            Self::Label(key) => write!(f, "{key:?} is not a label's key"),
            Self::Image(id) => write!(f, "{id:?} is not an image's id"),
            Self::NoProgram => f.write_str("a container without a program"),
            Self::Workdir(error) => write!(f, "the working directory of a container: {error}"),
            Self::Host(name) => write!(f, "{name:?} is not a host's name: small letters, digits and `-`"),
            Self::Env(error) => error.fmt(f),
            Self::Mount(error) => error.fmt(f),
            Self::Volume(error) => error.fmt(f),
            Self::Cidfile(error) => write!(f, "the file for a container's id: {error}"),
            Self::NoInit(image) => {
                write!(
                    f,
                    "no init process for {image}: install catatonit, or put tini into the image as its entrypoint"
                )
            }
            Self::Cpus(cpus) => write!(f, "{cpus} is not a number of processors"),
            Self::Nul(arg) => write!(f, "the argument {arg:?} holds a NUL"),
            Self::TooLong(start) => {
                write!(f, "an argument is longer than 131071 bytes; it begins {start:?}")
            }
        }
    }
}

impl std::error::Error for ContainerError {}

impl Container {
    /// A container with the strictest settings: no mount, no variable, no stdin, but a network.
    #[must_use]
    pub fn new<S: Into<String>>(
        name: impl Into<String>,
        image: impl Into<ImageName>,
        user: UserMapping,
        argv: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            name: name.into(),
            labels: BTreeMap::new(),
            image: image.into(),
            entrypoint: Entrypoint::EngineInit,
            argv: argv.into_iter().map(Into::into).collect(),
            user,
            powers: Powers::None,
            workdir: "/".to_owned(),
            env: Vec::new(),
            mounts: Vec::new(),
            volumes: Vec::new(),
            network: Network::Default,
            hosts: Vec::new(),
            interactive: false,
            tty: false,
            limits: Limits::default(),
            unconfined_labels: false,
            cidfile: None,
        }
    }
}
