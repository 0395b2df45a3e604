//! The command line.

pub mod cache;
mod digest;
pub mod down;
pub mod explain;
pub mod ext;
pub mod image;
pub mod output;
pub mod shell;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use digest::PlanDigest;

use crate::config::{EngineChoice, Profile};

/// Runs a project's whole gate exactly as CI runs it.
#[derive(Debug, Parser)]
#[command(name = "dwf", version, about, disable_help_subcommand = false)]
pub struct Cli {
    /// What all commands share.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Run as if started in this directory
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Where actions run [default: container]
    #[arg(long, value_enum, global = true)]
    pub profile: Option<Profile>,
    /// The container engine [default: auto]
    #[arg(long, value_enum, global = true)]
    pub engine: Option<EngineChoice>,
    /// Refuse what devflow.lock does not pin [default: in CI, where there is a lock]
    #[arg(long, global = true)]
    pub locked: bool,
    /// Record what is said to and by extensions
    #[arg(long, value_name = "FILE", global = true)]
    pub trace_ext: Option<PathBuf>,
    /// Say more: the output of actions that passed, what extensions wrote to standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// At a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands of dwf.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gate: a target's commands and what they need
    Verify {
        /// A target of devflow.toml
        #[arg(default_value = "pr")]
        target: String,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Run some commands (`dwf test:unit` is short for `dwf run test:unit`)
    Run {
        /// Commands: [member#][stack/]verb[:selector]
        #[arg(required = true, value_name = "COMMAND")]
        commands: Vec<String>,
        #[command(flatten)]
        options: RunOptions,
        /// Arguments for the one action that matches
        #[arg(last = true, value_name = "ARGS")]
        args: Vec<String>,
    },
    /// Print what would run, and run nothing
    Plan {
        /// A target or commands [default: pr]
        #[arg(value_name = "TARGET|COMMAND")]
        what: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// As a graph, for a program that draws it
        #[arg(long, value_enum, value_name = "LANGUAGE", conflicts_with = "json")]
        graph: Option<explain::Graph>,
        /// Arguments for the one action that matches
        #[arg(last = true, value_name = "ARGS")]
        args: Vec<String>,
    },
    /// Say of every part of an action who set it, and why the action is in the plan
    Explain(explain::Explain),
    /// Open a shell in the very environment of the actions, or run one program in it
    Shell(shell::Shell),
    /// Print the identity of the project's image
    Fingerprint(Fingerprint),
    /// Allow this project to run on the host, and the extensions it brought to be started
    Trust,
    /// Look whether this machine has what dwf needs
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove what runs left that were killed, or ended with the machine
    Down(down::Down),
    /// Write what a project needs to be verified: devflow.toml, a Dockerfile, a bake file
    Init(Init),
    /// The project's image
    Image {
        /// What about it.
        #[command(subcommand)]
        command: ImageCommand,
    },
    /// Caches
    Cache {
        /// What about them.
        #[command(subcommand)]
        command: cache::Command,
    },
    /// Extensions
    Ext {
        /// What about them.
        #[command(subcommand)]
        command: ExtCommand,
    },
    /// `dwf <verb>:<selector>`, `dwf check:<target>`.
    #[command(external_subcommand)]
    Short(Vec<String>),
}

/// How to run.
#[derive(Debug, Clone, Default, Args)]
pub struct RunOptions {
    /// How many actions run at once [default: the smaller of the processors and 4]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=512))]
    pub jobs: Option<u32>,
    /// After a failure, still run what does not depend on it
    #[arg(long)]
    pub keep_going: bool,
    /// Run every action, whatever is known of earlier runs
    #[arg(long)]
    pub force: bool,
    /// Run nothing unless the plan has this digest (`dwf plan` prints it)
    #[arg(long, value_name = "DIGEST")]
    pub expect_plan: Option<PlanDigest>,
    /// How it is shown and reported.
    #[command(flatten)]
    pub output: output::OutputOptions,
}

/// `dwf fingerprint`.
#[derive(Debug, Clone, Args)]
pub struct Fingerprint {
    /// List what it is made of
    #[arg(long)]
    pub explain: bool,
    /// Name what changed since a commit, or since an earlier fingerprint
    #[arg(long, value_name = "REVISION|FINGERPRINT", conflicts_with = "explain")]
    pub diff: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `dwf init`.
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `dwf image …`.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make the image be there: pulled, or built
    Build(image::Build),
    /// Get the image from its registry
    Pull,
    /// Send the image to its registry, if it still is what the files say
    Push,
    /// List the images of this project
    List(image::List),
    /// Look for known vulnerabilities in the image
    Scan(image::Scan),
    /// Remove images of this project that no branch, tag or worktree needs
    Prune(image::Prune),
    /// Print the Dockerfile of the composed image
    Dockerfile,
    /// Pin the base images anew in devflow.lock
    Refresh,
}

/// `dwf ext …`.
#[derive(Debug, Subcommand)]
pub enum ExtCommand {
    /// List the extensions that can be found, and start none of them
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell all about one extension: versions, commands, caches, where it was found
    Info(ext::Info),
    /// Try everything that the specification demands on an extension
    Check(ext::Check),
    /// Send one request the way dwf does, and print the answer
    Call(ext::Call),
    /// Write a new extension
    New(ext::New),
    /// Answer a recorded conversation from its file, as the extension did
    Replay(ext::Replay),
    /// Write into devflow.lock exactly which bytes are an extension
    Pin(ext::Pin),
    /// Get what devflow.lock pins; the only command that downloads extensions
    Sync(ext::Sync),
    /// Move a pin to newer bytes, after showing how the answers change
    Update(ext::Update),
    /// Allow an extension that came with the project to be started
    Trust(ext::Trust),
}
