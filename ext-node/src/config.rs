//! The extension's settings in devflow.toml: `[extensions.node] config = { … }`.
//!
//! Invariant: what is not known is refused, so that a misspelt setting never goes unnoticed.

use std::collections::BTreeMap;

use devflow_protocol::name::CommandName;
use devflow_protocol::sdk::Failure;
use serde::Deserialize;
use serde_json::Value;

use crate::manager::Kind;

/// The settings.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// `npm`, `pnpm`, `yarn` or `bun`, whatever the files say.
    pub(crate) package_manager: Option<Kind>,
    /// The script of package.json that a command means, such as `"test:unit" = "ci-test"`.
    pub(crate) scripts: BTreeMap<CommandName, String>,
    /// Whether install scripts run: always, never, or (absent) when something has one.
    pub(crate) install_scripts: Option<bool>,
}

impl Config {
    /// Reads the settings as they stand in the request.
    pub(crate) fn parse(config: &serde_json::Map<String, Value>) -> Result<Self, Failure> {
        Self::deserialize(Value::Object(config.clone()))
            .map_err(|error| Failure::invalid_config(format!("config of the node extension: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use devflow_protocol::code;
    use serde_json::json;

    fn parse(value: Value) -> Result<Config, Failure> {
        Config::parse(value.as_object().unwrap())
    }

    #[test]
    fn known_settings() {
        let config = parse(json!({"package_manager": "pnpm", "scripts": {"test:unit": "ci-test"}})).unwrap();
        assert_eq!(config.package_manager, Some(Kind::Pnpm));
        assert_eq!(config.scripts.len(), 1);
        assert_eq!(parse(json!({})).unwrap(), Config::default());
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            json!({"package_manger": "npm"}),
            json!({"package_manager": "cargo"}),
            json!({"scripts": {"unit": "x"}}),
            json!({"install_scripts": "no"}),
        ] {
            assert_eq!(parse(bad).unwrap_err().code, code::INVALID_CONFIG);
        }
    }
}
