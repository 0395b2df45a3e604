//! The variables that a container is given.
//!
//! Invariant: a name is a name (never a pattern, never a flag), and no value that came from the host can change what the
//! engine's own client does.

use std::fmt;

/// Where a variable's value comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// Written into the arguments, where everyone on the machine can read it.
    Literal(String),
    /// The host's value, which goes through the client's own environment and is shown nowhere.
    FromHost(String),
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => f.debug_tuple("Literal").field(value).finish(),
            Self::FromHost(_) => f.write_str("FromHost(***)"),
        }
    }
}

impl From<&str> for EnvValue {
    fn from(value: &str) -> Self {
        Self::Literal(value.to_owned())
    }
}

impl From<String> for EnvValue {
    fn from(value: String) -> Self {
        Self::Literal(value)
    }
}

/// Why a variable cannot be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvError {
    /// Not `[A-Za-z_][A-Za-z0-9_]*`.
    Name(String),
    /// The host's value of it would change what the client does.
    Reserved(String),
    /// The value holds a NUL.
    Nul(String),
    /// Two values for it.
    Duplicate(String),
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?} is not the name of a variable: letters, digits and `_`"),
            Self::Reserved(name) => {
                write!(
                    f,
                    "the variable {name} cannot be let through: it would change what the engine's client does"
                )
            }
            Self::Nul(name) => write!(f, "the value of the variable {name} holds a NUL"),
            Self::Duplicate(name) => write!(f, "the variable {name} is given twice"),
        }
    }
}

impl std::error::Error for EnvError {}

/// Whether this can be a variable's name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a variable changes what is loaded into a program that starts, or what a tini does before one.
#[must_use]
pub fn is_loaders(name: &str) -> bool {
    ["LD_", "GLIBC_", "TINI_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Whether the host's value may go through the environment of the engine's client, which must not be changed by it.
#[must_use]
pub fn may_come_from_host(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "TMPDIR",
        "TMP",
        "TEMP",
        "IFS",
        "BASH_ENV",
        "ENV",
        "REGISTRY_AUTH_FILE",
        "NOTIFY_SOCKET",
        "DBUS_SESSION_BUS_ADDRESS",
        "GODEBUG",
        "GOMAXPROCS",
    ];
    const PREFIXES: [&str; 18] = [
        "LD_",
        "DYLD_",
        "GLIBC_",
        "MALLOC_",
        "DOCKER_",
        "CONTAINER",
        "PODMAN_",
        "BUILDAH_",
        "BUILDKIT_",
        "BUILDX_",
        "COMPOSE_",
        "STORAGE_",
        "NETAVARK_",
        "XDG_",
        "LISTEN_",
        "GO",
        "SSL_CERT_",
        "SSH_",
    ];
    let upper = name.to_ascii_uppercase();
    !NAMES.contains(&upper.as_str())
        && !upper.ends_with("_PROXY")
        && !PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

/// Checks one variable.
pub fn check(name: &str, value: &EnvValue) -> Result<(), EnvError> {
    if !is_name(name) {
        return Err(EnvError::Name(name.to_owned()));
    }
    let text = match value {
        EnvValue::Literal(text) => text,
        EnvValue::FromHost(_) if !may_come_from_host(name) => {
            return Err(EnvError::Reserved(name.to_owned()));
        }
        EnvValue::FromHost(text) => text,
    };
    if text.contains('\0') { Err(EnvError::Nul(name.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{EnvError, EnvValue, check, may_come_from_host};

    #[test]
    fn names() {
        for name in ["A", "_", "a1", "HTTP_PROXY", "tool_config_x"] {
            assert_eq!(check(name, &"v".into()), Ok(()));
        }
        for name in ["", "1A", "A B", "A=B", "AWS*", "-e", "A\n", "É", "A.B"] {
            assert_eq!(check(name, &"v".into()), Err(EnvError::Name(name.to_owned())));
        }
        assert_eq!(check("A", &"a\0".into()), Err(EnvError::Nul("A".to_owned())));
        assert_eq!(check("A", &"a\nb=c".into()), Ok(()));
    }

    #[test]
    fn from_the_host() {
        for name in ["CI", "GITHUB_SHA", "GITHUB_TOKEN", "AWS_REGION", "DEPLOY_TOKEN", "PATHS"] {
            assert!(may_come_from_host(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "LD_PRELOAD",
            "DOCKER_HOST",
            "CONTAINERS_CONF",
            "CONTAINER_HOST",
            "https_proxy",
            "GODEBUG",
        ] {
            let error = check(name, &EnvValue::FromHost("x".to_owned())).unwrap_err();
            assert_eq!(error, EnvError::Reserved(name.to_owned()));
        }
        assert_eq!(format!("{:?}", EnvValue::FromHost("s3cret".to_owned())), "FromHost(***)");
    }
}
