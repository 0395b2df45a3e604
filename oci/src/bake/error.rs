//! Why a bake file is not used.

use std::fmt;

/// Why a bake file is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BakeError {
    /// It is no HCL, or nothing that can be a bake file.
    Syntax(String),
    /// It asks for something that dwf does not do for a file that came with a project.
    Refused {
        /// The target.
        target: String,
        /// The attribute.
        attribute: String,
        /// Its line, where it could be told.
        line: Option<usize>,
        /// What is wrong with it.
        problem: String,
    },
}

impl fmt::Display for BakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(problem) => write!(f, "it is not a bake file: {problem}"),
            Self::Refused { target, attribute, line, problem } => {
                write!(f, "its target `{target}` ")?;
                if let Some(line) = line {
                    write!(f, "(line {line}) ")?;
                }
                write!(f, "has `{attribute}`, {problem}")
            }
        }
    }
}

impl std::error::Error for BakeError {}
