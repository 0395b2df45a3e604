//! Why there is no plan.

use devflow_protocol::name::ExtensionName;

use crate::config::Diagnostic;
use crate::error::{Exit, Explain};
use crate::name::FullName;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A command that nobody offers, written in the configuration.
    #[error("{}", .0.message())]
    Config(Box<Diagnostic>),
    /// A command that nobody offers, written on the command line.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// No stack applies here.
    #[error("nothing to verify: no stack was found here")]
    Nothing(Vec<String>),
    /// A stack that the configuration names and that is not there.
    #[error("stack `{stack}` does not apply to any folder it was asked about")]
    NotApplied {
        /// The stack.
        stack: ExtensionName,
        /// What the extension said.
        because: Vec<String>,
    },
    /// Two wishes that cannot both come true.
    #[error("{what}: {first} says {first_wish}, {second} says {second_wish}")]
    Conflict {
        /// What they disagree about.
        what: String,
        /// Who asked first.
        first: String,
        /// For what.
        first_wish: String,
        /// Who asked second.
        second: String,
        /// For what.
        second_wish: String,
    },
    /// Actions that wait for each other.
    #[error("these commands need each other: {}", list(.names))]
    Cycle {
        /// Round the whole cycle: the last is the first once more.
        names: Vec<FullName>,
        /// Whether one extension said all of it.
        by_extension: bool,
    },
}

fn list(names: &[FullName]) -> String {
    names.iter().map(FullName::to_string).collect::<Vec<_>>().join(" → ")
}

impl Explain for PlanError {
    fn exit(&self) -> Exit {
        match self {
            Self::Conflict { .. } => Exit::Extension,
            // What one extension says of one folder is its own fault; else the project says it.
            Self::Cycle { by_extension: true, .. } => Exit::Extension,
            _ => Exit::Usage,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Config(diagnostic) => Some(diagnostic.shown()),
            Self::Nothing(because) | Self::NotApplied { because, .. } if !because.is_empty() => {
                Some(because.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
            }
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::Nothing(_) => {
                Some("name the project's stacks in devflow.toml: [project] stack = [\"NAME\"]".to_owned())
            }
            Self::NotApplied { stack, .. } => Some(format!(
                "take `{stack}` out of `stack`, or set required = false in [extensions.{stack}]"
            )),
            Self::Conflict { .. } => Some("one of the two must change; dwf never picks a winner".to_owned()),
            _ => None,
        }
    }
}
