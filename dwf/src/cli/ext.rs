//! The command line of `dwf ext …`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

/// `dwf ext info`.
#[derive(Debug, Args)]
pub struct Info {
    /// The extension
    pub name: ExtensionName,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `dwf ext check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The extension's file
    pub path: PathBuf,
    /// A project that the extension applies to [default: an empty one]
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// How to tell
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How the checks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// Test Anything Protocol.
    Tap,
    /// JUnit's XML.
    Junit,
    /// JSON.
    Json,
}

/// `dwf ext call`.
#[derive(Debug, Args)]
pub struct Call {
    /// The extension
    pub name: ExtensionName,
    /// The request's method
    pub method: String,
    /// The request's parameters, as JSON; what is left out is filled in from the project
    #[arg(default_value = "{}")]
    pub params: String,
}

/// `dwf ext new`.
#[derive(Debug, Args)]
pub struct New {
    /// The extension's name
    pub name: ExtensionName,
    /// What it is written in
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: String,
    /// The folder to write it into [default: devflow-ext-NAME]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `dwf ext replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// What `--trace-ext` recorded
    pub file: PathBuf,
    /// Speak as this extension [default: the only one in the file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<ExtensionName>,
    /// Serve on standard input and output
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// `dwf ext pin`.
#[derive(Debug, Args)]
pub struct Pin {
    /// Names of extensions that can be found, paths (with a `/`), or addresses, in which {target},
    /// {os} and {arch} stand for each platform
    #[arg(required = true, value_name = "NAME|PATH|URL")]
    pub what: Vec<String>,
    /// The extension's name, where a file does not say it
    #[arg(long)]
    pub name: Option<ExtensionName>,
    /// The program inside an archive or a folder, where there are several
    #[arg(long, value_name = "PATH")]
    pub entry: Option<RelPath>,
    /// A folder outside its own that it has to be able to read (may be repeated)
    #[arg(long, value_name = "DIR")]
    pub read: Vec<String>,
}

/// `dwf ext sync`.
#[derive(Debug, Args)]
pub struct Sync {
    /// These extensions only [default: all that the lock pins]
    pub names: Vec<ExtensionName>,
}

/// `dwf ext update`.
#[derive(Debug, Args)]
pub struct Update {
    /// The extension
    pub name: ExtensionName,
    /// Where the newer bytes are [default: where it is found today]
    #[arg(value_name = "PATH|URL")]
    pub from: Vec<String>,
    /// Show how the answers change, and leave the lock as it is
    #[arg(long)]
    pub diff: bool,
}

/// `dwf ext trust`.
#[derive(Debug, Args)]
pub struct Trust {
    /// The extension
    pub name: ExtensionName,
}
