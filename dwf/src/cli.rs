//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
        /// Arguments for the one action that matches
        #[arg(last = true, value_name = "ARGS")]
        args: Vec<String>,
    },
    /// Print the identity of the project's image
    Fingerprint {
        /// List what it is made of
        #[arg(long)]
        explain: bool,
    },
    /// Allow this project to run on the host, and the extensions it brought to be started
    Trust,
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
}
