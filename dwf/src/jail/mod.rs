//! The jail of extensions: they may read the project, run themselves and the system's programs, and
//! nothing else: no writing anywhere, no network of any kind, no signal to others.
//!
//! Invariant: a jail is prepared whole before the process is there; what is missing is known by then.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod grants;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Jail, Parts};
pub use grants::{Bounds, Grants, of_system};
#[cfg(target_os = "linux")]
pub use linux::{Jail, Parts};

pub use crate::config::Jail as Policy;

use crate::error::{Exit, Explain};

/// Why there is no jail.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// Parts are missing, and the user wants all of them.
    #[error("extensions have to be jailed, and this machine cannot do it")]
    Missing(Vec<&'static str>),
    /// The kernel refused a part that it has.
    #[error("the jail of an extension cannot be built: {0}")]
    Build(String),
}

impl Explain for JailError {
    fn exit(&self) -> Exit {
        match self {
            Self::Missing(_) => Exit::Refused,
            Self::Build(_) => Exit::Machine,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Missing(parts) => {
                Some(parts.iter().map(|part| format!("  missing: {part}")).collect::<Vec<_>>().join("\n"))
            }
            Self::Build(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(_) => {
                Some("your own configuration says `jail = \"required\"` in [extensions]".to_owned())
            }
            Self::Build(_) => None,
        }
    }
}

/// Makes jails, each with what all of them share.
#[derive(Debug)]
pub struct Jailer {
    /// What the user wants.
    pub policy: Policy,
    /// What this machine has.
    pub parts: Parts,
}

impl Jailer {
    /// Looks what this machine can do, unless nobody wants to know.
    pub fn new(policy: Policy) -> Self {
        let parts = if policy == Policy::Off { Parts::default() } else { Parts::find() };
        Self { policy, parts }
    }

    /// What extensions go without.
    pub fn missing(&self) -> Vec<&'static str> {
        if self.policy == Policy::Off { Vec::new() } else { self.parts.missing() }
    }

    /// A jail with these grants; none where the user wants none.
    pub fn jail(&self, grants: &Grants) -> Result<Option<Jail>, JailError> {
        match self.policy {
            Policy::Off => Ok(None),
            Policy::Required if !self.parts.missing().is_empty() => {
                Err(JailError::Missing(self.parts.missing()))
            }
            Policy::Required | Policy::Auto => Jail::build(&self.parts, grants).map(Some),
        }
    }
}
