//! The extension's own settings, `[extensions.python] config` of devflow.toml.
//!
//! Invariant: a key that is not known is an error that names it.

use devflow_protocol::message;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::Failure;
use serde::Deserialize;
use serde_json::Value;

use crate::requirement::normalise;

/// The settings.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The tool that installs; by default told by lock files and pyproject.toml.
    pub(crate) manager: Option<Manager>,
    /// The extras to install; by default those for development.
    pub(crate) extras: Option<Vec<String>>,
    /// The dependency groups to install; by default those for development.
    pub(crate) groups: Option<Vec<String>>,
    /// The interpreter that makes the virtual environment; `python3` by default.
    pub(crate) python: Option<String>,
    /// The requirements files that pip installs; by default those with the usual names.
    pub(crate) requirements: Option<Vec<RelPath>>,
}

/// A tool that installs dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Manager {
    /// pip, which is also what fills Hatch's environments here.
    Pip,
    /// uv.
    Uv,
    /// Poetry.
    Poetry,
    /// PDM.
    Pdm,
    /// Hatch: pip installs what its environments list.
    Hatch,
}

impl Manager {
    /// Its name, which is its program's where it has one.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Hatch => "hatch",
        }
    }

    /// Its lock file, when it cannot do without.
    pub(crate) fn lock(self) -> Option<&'static str> {
        match self {
            Self::Pip | Self::Hatch => None,
            Self::Uv => Some("uv.lock"),
            Self::Poetry => Some("poetry.lock"),
            Self::Pdm => Some("pdm.lock"),
        }
    }
}

impl Config {
    /// The settings that a request came with.
    pub(crate) fn parse(given: &message::Config) -> Result<Self, Failure> {
        let wrong =
            |error: String| Failure::invalid_config(format!("config of the python extension: {error}"));
        let mut config: Self =
            serde_json::from_value(Value::Object(given.clone())).map_err(|error| wrong(error.to_string()))?;
        if let Some(python) = config.python.as_deref().filter(|python| !is_name(python)) {
            return Err(wrong(format!("`python` {python:?} is not a program's name, such as python3.12")));
        }
        for (key, list) in [("extras", &mut config.extras), ("groups", &mut config.groups)] {
            for name in list.iter_mut().flatten() {
                if !is_name(name) {
                    return Err(wrong(format!("`{key}` has {name:?}, which is not a name")));
                }
                *name = normalise(name);
            }
        }
        Ok(config)
    }

    /// The interpreter that makes the virtual environment.
    pub(crate) fn python(&self) -> &str {
        self.python.as_deref().unwrap_or("python3")
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Failure> {
        Config::parse(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn what_a_config_may_say() {
        assert_eq!(parse("{}").unwrap().python(), "python3");
        assert_eq!(parse(r#"{"manager":"uv"}"#).unwrap().manager, Some(Manager::Uv));
        let config = parse(r#"{"extras":["Dev_Tools"],"groups":[],"python":"python3.12"}"#).unwrap();
        assert_eq!(config.extras, Some(vec!["dev-tools".to_owned()]));
        assert_eq!(config.groups, Some(vec![]));
        assert_eq!(config.python(), "python3.12");
    }

    #[test]
    fn what_a_config_may_not_say() {
        for (text, part) in [
            (r#"{"managers":"uv"}"#, "`managers`"),
            (r#"{"manager":"conda"}"#, "conda"),
            (r#"{"python":"/usr/bin/python3"}"#, "`python`"),
            (r#"{"python":""}"#, "`python`"),
            (r#"{"groups":["--all"]}"#, "`groups`"),
            (r#"{"extras":"dev"}"#, "sequence"),
            (r#"{"requirements":["../x.txt"]}"#, "../x.txt"),
        ] {
            let failure = parse(text).unwrap_err();
            assert_eq!(failure.code, devflow_protocol::code::INVALID_CONFIG, "{text}");
            assert!(failure.message.contains(part), "{text}: {}", failure.message);
        }
    }
}
