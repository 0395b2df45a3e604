//! `dwf explain`, and the languages of `dwf plan --graph`.

use clap::{Args, ValueEnum};

/// `dwf explain`.
#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// Commands: [member#][stack/]verb[:selector]
    #[arg(required = true, value_name = "COMMAND")]
    pub commands: Vec<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Arguments for the one action that matches
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// A language in which a graph can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Graph {
    /// Mermaid, which many web pages draw by themselves
    Mermaid,
    /// Graphviz
    Dot,
}
