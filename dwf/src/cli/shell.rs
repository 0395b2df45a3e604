//! `dwf shell`.

use clap::Args;

/// `dwf shell`.
#[derive(Debug, Clone, Args)]
pub struct Shell {
    /// A command or a stack whose environment it is: [member#][stack/]verb[:selector], or [member#]stack
    /// [default: what all stacks of the target pr agree on]
    #[arg(value_name = "COMMAND|STACK")]
    pub scope: Option<String>,
    /// A program to run in the place of a shell, and its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    pub program: Vec<String>,
}
