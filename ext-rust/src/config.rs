//! The extension's own settings, `[extensions.rust] config` of devflow.toml.
//!
//! Invariant: a key that is not known is an error that names it.

use devflow_protocol::message;
use devflow_protocol::sdk::Failure;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// The settings.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Features to switch on: a list, or `"all"`.
    pub(crate) features: Features,
    /// `false`: without the packages' default features.
    pub(crate) default_features: Option<bool>,
    /// Whether tests run in cargo-nextest: `"auto"` (where it is installed), or a boolean.
    pub(crate) nextest: Nextest,
    /// The profile of cargo-nextest.
    pub(crate) nextest_profile: Option<String>,
    /// Whether compilations go through sccache; by default when Cargo's configuration says so.
    pub(crate) sccache: Option<bool>,
    /// What `lint:security` runs; by default what the project has a file for.
    pub(crate) security: Option<Security>,
    /// More packages of the distribution for the composed image, such as `libssl-dev`.
    pub(crate) packages: Vec<String>,
}

/// Features to switch on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Features {
    /// These.
    List(Vec<String>),
    /// All.
    All,
}

/// Whether tests run in cargo-nextest.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Nextest {
    /// Where it is installed.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A tool for `lint:security`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Security {
    /// cargo-deny.
    Deny,
    /// cargo-audit.
    Audit,
}

impl Default for Features {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(word) if word == "all" => Ok(Self::All),
            Value::Array(list) => {
                let names =
                    list.iter().map(|name| name.as_str().filter(|name| is_feature(name)).map(str::to_owned));
                names.collect::<Option<_>>().map(Self::List).ok_or_else(|| de::Error::custom(FEATURES))
            }
            _ => Err(de::Error::custom(FEATURES)),
        }
    }
}

const FEATURES: &str = "`features` is a list of features' names, or \"all\"";

fn is_feature(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "_-+./?".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(plain)
}

impl<'de> Deserialize<'de> for Nextest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(word) if word == "auto" => Ok(Self::Auto),
            Value::Bool(true) => Ok(Self::Always),
            Value::Bool(false) => Ok(Self::Never),
            _ => Err(de::Error::custom("`nextest` is \"auto\", true or false")),
        }
    }
}

impl Config {
    /// The settings that a request came with.
    pub(crate) fn parse(given: &message::Config) -> Result<Self, Failure> {
        let wrong = |error: String| Failure::invalid_config(format!("config of the rust extension: {error}"));
        let config: Self =
            serde_json::from_value(Value::Object(given.clone())).map_err(|error| wrong(error.to_string()))?;
        if let Some(profile) = config.nextest_profile.as_deref().filter(|name| !is_plain(name)) {
            return Err(wrong(format!("`nextest_profile` {profile:?} is not a profile's name")));
        }
        if let Some(package) = config.packages.iter().find(|name| !is_distribution_package(name)) {
            return Err(wrong(format!("`packages` has {package:?}, which is not a package's name")));
        }
        Ok(config)
    }

    /// The arguments that select features.
    pub(crate) fn feature_args(&self) -> Vec<String> {
        let mut args = Vec::new();
        match &self.features {
            Features::All => args.push("--all-features".to_owned()),
            Features::List(names) if names.is_empty() => {}
            Features::List(names) => args.extend(["--features".to_owned(), names.join(",")]),
        }
        if self.default_features == Some(false) {
            args.push("--no-default-features".to_owned());
        }
        args
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

fn is_distribution_package(text: &str) -> bool {
    let (name, version) = text.split_once('=').unwrap_or((text, "0"));
    let in_version = |b: u8| b.is_ascii_alphanumeric() || b".+:~-".contains(&b);
    if version.is_empty() || !version.bytes().all(in_version) {
        return false;
    }
    let lower = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    // With a `-` at its end it would be removed.
    !name.ends_with('-')
        && name.as_bytes().first().is_some_and(lower)
        && name.bytes().all(|b| lower(&b) || b"+.-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Failure> {
        Config::parse(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn what_a_config_may_say() {
        assert_eq!(parse("{}").unwrap(), Config::default());
        assert_eq!(parse(r#"{"nextest":true}"#).unwrap().nextest, Nextest::Always);
        assert_eq!(parse(r#"{"packages":["libssl-dev=3.0~1","g++"]}"#).unwrap().packages.len(), 2);
        assert_eq!(parse(r#"{"security":"audit"}"#).unwrap().security, Some(Security::Audit));
        for (text, args) in [
            ("{}", vec![]),
            (r#"{"features":"all"}"#, vec!["--all-features"]),
            (r#"{"features":["a","b/c"]}"#, vec!["--features", "a,b/c"]),
            (r#"{"default_features":false}"#, vec!["--no-default-features"]),
        ] {
            assert_eq!(parse(text).unwrap().feature_args(), args, "{text}");
        }
    }

    #[test]
    fn what_a_config_may_not_say() {
        for (text, part) in [
            (r#"{"feature":["a"]}"#, "`feature`"),
            (r#"{"features":"some"}"#, "`features`"),
            (r#"{"features":["a --bin b"]}"#, "`features`"),
            (r#"{"features":["--bin"]}"#, "`features`"),
            (r#"{"nextest":"yes"}"#, "`nextest`"),
            (r#"{"nextest_profile":"--x"}"#, "`nextest_profile`"),
            (r#"{"security":"snyk"}"#, "snyk"),
            (r#"{"packages":["a;b"]}"#, "`packages`"),
            (r#"{"packages":["a=1 b"]}"#, "`packages`"),
            (r#"{"packages":["bash-"]}"#, "`packages`"),
        ] {
            let failure = parse(text).unwrap_err();
            assert_eq!(failure.code, devflow_protocol::code::INVALID_CONFIG, "{text}");
            assert!(failure.message.contains(part), "{text}: {}", failure.message);
        }
    }
}
