//! The jail where there is none: systems that are not Linux.

use std::fmt;
use std::io;

use serde::Serialize;

use super::{Grants, JailError};

/// What this machine can do: nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Parts {}

impl Parts {
    /// Nothing is there.
    pub fn find() -> Self {
        Self {}
    }

    /// What is missing.
    pub fn missing(&self) -> Vec<&'static str> {
        vec!["the jail: it needs Linux"]
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none")
    }
}

/// No jail.
#[derive(Debug)]
pub struct Jail {}

impl Jail {
    pub(super) fn build(_parts: &Parts, _grants: &Grants) -> Result<Self, JailError> {
        Ok(Self {})
    }

    /// Another one like it.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Does nothing.
    pub fn enter(&mut self) -> io::Result<()> {
        Ok(())
    }
}
