//! `command/resolve`: what a command means for a folder, as data.
//!
//! Invariant: a resolution is exactly one of a skip, an action and alternatives; the last of these
//! always holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::describe::is_false;
use super::{Config, Platform, Project, present};
use crate::name::{CacheName, CommandName, EnvName};
use crate::path::RelPath;
#[cfg(feature = "schema")]
use crate::schema::{rule, word};
use crate::template::Template;

/// Parameters of `command/resolve`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResolveParams {
    /// The command, one of those that `project/describe` listed.
    pub command: CommandName,
    /// What the user wrote after `--`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Which folder it is about.
    pub project: Project,
    /// Where the action will run.
    pub platform: Platform,
    /// The extension's own settings.
    #[serde(default)]
    pub config: Config,
}

/// Result of `command/resolve`: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Members", into = "Members")]
#[expect(clippy::large_enum_variant, reason = "there is one per command, never a crowd")]
pub enum Resolution {
    /// There is nothing to do here, for this reason.
    Skip(Because),
    /// This is to be done.
    Action(Action),
    /// The first whose `when` holds where actions run; the last has none.
    Alternatives(Vec<Alternative>),
}

/// The members of a resolution as they stand on the wire.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Resolution", transform = rule::resolution))]
struct Members {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    skip: Option<Because>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    alternatives: Option<Vec<Alternative>>,
}

impl TryFrom<Members> for Resolution {
    type Error = String;

    fn try_from(members: Members) -> Result<Self, String> {
        match members {
            Members { skip: Some(because), action: None, alternatives: None } => Ok(Self::Skip(because)),
            Members { skip: None, action: Some(action), alternatives: None } => Ok(Self::Action(action)),
            Members { skip: None, action: None, alternatives: Some(list) } => {
                let (last, others) = list.split_last().ok_or("`alternatives` is empty")?;
                if last.when.is_some() {
                    return Err("the last of `alternatives` has a `when`".to_owned());
                }
                if others.iter().any(|alternative| alternative.when.is_none()) {
                    return Err("only the last of `alternatives` has no `when`".to_owned());
                }
                Ok(Self::Alternatives(list))
            }
            _ => Err("an answer has exactly one of `skip`, `action` and `alternatives`".to_owned()),
        }
    }
}

impl From<Resolution> for Members {
    fn from(resolution: Resolution) -> Self {
        let none = Self { skip: None, action: None, alternatives: None };
        match resolution {
            Resolution::Skip(because) => Self { skip: Some(because), ..none },
            Resolution::Action(action) => Self { action: Some(action), ..none },
            Resolution::Alternatives(list) => Self { alternatives: Some(list), ..none },
        }
    }
}

impl Resolution {
    /// A skip with its reason.
    pub fn skip(because: impl Into<String>) -> Self {
        Self::Skip(Because { because: because.into() })
    }
}

/// A reason, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Because {
    /// The reason.
    pub because: String,
}

/// One way of doing it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alternative {
    /// What must hold where the action runs; absent in the last one.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// What is done then.
    pub action: Action,
}

/// A condition on the place where actions run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct When {
    /// This program is on the action's PATH.
    #[cfg_attr(feature = "schema", schemars(with = "word::ProgramName"))]
    pub program: String,
}

/// What is to be done for a command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Action {
    /// Programs run one after the other; the first failure ends the action.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub steps: Vec<Step>,
    /// The working directory, relative to the member.
    #[serde(default)]
    pub cwd: RelPath,
    /// Variables on top of the stack's; `null` takes one away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "word::Map<word::SettableVariable, Option<Template>>"))]
    pub env: BTreeMap<EnvName, Option<Template>>,
    /// Folders in front of `PATH`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(transform = rule::folders))]
    pub path: Vec<Template>,
    /// Commands of the same stack and member that must have succeeded before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<CommandName>,
    /// Names; two actions of one stack and member that share one never run at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// Whether it downloads. It then runs no code of the project.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fetches: bool,
    /// Whether it changes the project's sources.
    #[serde(default, skip_serializing_if = "is_false")]
    pub writes: bool,
    /// What can be done ahead of time, so that the steps have less to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm: Vec<Step>,
    /// What the outcome depends on; every file of the member when absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// What it makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// Reports that its tools write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// Seconds after which it is ended.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub timeout_s: Option<u64>,
}

/// A program and its arguments; never a shell's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// A name that is looked up on `PATH`, or a path.
    #[cfg_attr(feature = "schema", schemars(extend("minLength" = 1)))]
    pub program: Template,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<Template>,
}

/// What the outcome of an action depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inputs {
    /// Globs relative to the member.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::Glob>"))]
    pub files: Vec<String>,
    /// Globs taken out of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<word::Glob>"))]
    pub exclude: Vec<String>,
    /// Variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvName>,
}

/// Something an action makes: a path of the member, a cache, or a path in a cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = rule::output))]
pub struct Output {
    /// The path, relative to the member, or to the cache when one is named.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub path: Option<RelPath>,
    /// The cache.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheName>,
}

/// A report that an action writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// Its format, such as `junit`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["junit"])))]
    pub format: String,
    /// The cache it stands in; the member's folder when absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheName>,
    /// Where.
    pub path: RelPath,
}

impl Step {
    /// A step whose words stand for themselves; a `$` in them is no placeholder.
    pub fn literal<A: AsRef<str>>(program: &str, args: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: Template::literal(program),
            args: args.into_iter().map(|arg| Template::literal(arg.as_ref())).collect(),
        }
    }
}

impl Action {
    /// An action of these steps and nothing else.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Resolution, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_resolution_is_exactly_one_thing() {
        assert_eq!(
            parse(r#"{"skip":{"because":"no tests"},"x-note":1}"#).unwrap(),
            Resolution::skip("no tests")
        );
        assert!(parse(r#"{"action":{"steps":[{"program":"a"}]}}"#).is_ok());
        assert!(parse("{}").is_err());
        assert!(parse(r#"{"skip":{"because":"x"},"action":{"steps":[]}}"#).is_err());
    }

    #[test]
    fn alternatives_end_with_the_unconditional_one() {
        let when = r#"{"when":{"program":"x"},"action":{"steps":[]}}"#;
        let plain = r#"{"action":{"steps":[]}}"#;
        assert!(parse(&format!(r#"{{"alternatives":[{when},{plain}]}}"#)).is_ok());
        for bad in [String::new(), when.to_owned(), format!("{plain},{plain}"), format!("{plain},{when}")] {
            assert!(parse(&format!(r#"{{"alternatives":[{bad}]}}"#)).is_err(), "{bad}");
        }
    }

    #[test]
    fn round_trip_keeps_the_wire_form() {
        let text = r#"{"action":{"steps":[{"program":"a","args":["b"]}],"cwd":".","env":{"GONE":null}}}"#;
        assert_eq!(serde_json::to_string(&parse(text).unwrap()).unwrap(), text);
    }
}
