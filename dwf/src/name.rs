//! Full names: `[member#][stack/]verb:selector`.

use std::fmt;
use std::str::FromStr;

use devflow_protocol::name::{CommandName, ExtensionName};
use devflow_protocol::path::RelPath;
use serde::{Serialize, Serializer};

/// What one action is called, everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FullName {
    /// The member's folder; `.` is not written.
    pub member: RelPath,
    /// The stack; absent in a project's own commands.
    pub stack: Option<ExtensionName>,
    /// The command.
    pub command: CommandName,
}

impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if !self.member.is_here() {
            text.push_str(self.member.as_str());
            text.push('#');
        }
        if let Some(stack) = &self.stack {
            text.push_str(stack.as_str());
            text.push('/');
        }
        text.push_str(self.command.as_str());
        f.pad(&text)
    }
}

impl Serialize for FullName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A name as a person writes it: what is left out matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The member, when it is written.
    pub member: Option<RelPath>,
    /// The stack, when it is written.
    pub stack: Option<ExtensionName>,
    /// The command, its selector completed.
    pub command: CommandName,
}

impl Wanted {
    /// Whether this name means that action.
    pub fn matches(&self, name: &FullName) -> bool {
        self.command == name.command
            && self.member.as_ref().is_none_or(|member| *member == name.member)
            && (self.stack.is_none() || self.stack == name.stack)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(member) = &self.member {
            write!(f, "{member}#")?;
        }
        if let Some(stack) = &self.stack {
            write!(f, "{stack}/")?;
        }
        write!(f, "{}", self.command)
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (member, rest) = match text.rsplit_once('#') {
            Some((member, rest)) => (Some(member), rest),
            None => (None, text),
        };
        let (stack, command) = match rest.split_once('/') {
            Some((stack, command)) => (Some(stack), command),
            None => (None, rest),
        };
        let whole = match (command.contains(':'), default_selector(command)) {
            (true, _) => command.to_owned(),
            (false, Some(selector)) => format!("{command}:{selector}"),
            (false, None) => {
                return Err(format!("`{command}` is not a command: write verb:selector, such as test:unit"));
            }
        };
        Ok(Self {
            member: member.map(str::parse).transpose().map_err(|error| format!("{error}"))?,
            stack: stack.map(str::parse).transpose().map_err(|error| format!("{error}"))?,
            command: whole.parse().map_err(|error| format!("{error}"))?,
        })
    }
}

/// What a bare verb means.
pub fn default_selector(verb: &str) -> Option<&'static str> {
    Some(match verb {
        "setup" => "deps",
        "fmt" => "check",
        "lint" => "static",
        "build" => "debug",
        "test" => "unit",
        "package" => "artifact",
        "release" => "candidate",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for text in ["test:unit", "alpha/test:unit", "apps/web#beta/test:unit", "apps/web#lint:policy"] {
            let wanted: Wanted = text.parse().unwrap();
            let full = FullName {
                member: wanted.member.clone().unwrap_or_default(),
                stack: wanted.stack.clone(),
                command: wanted.command.clone(),
            };
            assert_eq!(full.to_string(), text);
            assert_eq!(wanted.to_string(), text);
            assert!(wanted.matches(&full));
        }
    }

    #[test]
    fn bare_verbs_have_a_meaning() {
        let wanted: Wanted = "alpha/test".parse().unwrap();
        assert_eq!(wanted.to_string(), "alpha/test:unit");
        for bad in ["", "nothing", "a#b#c:d:e", "../x#test:unit", "Alpha/test:unit", "x/y/test:unit"] {
            assert!(bad.parse::<Wanted>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_left_out_matches_everything() {
        let name = FullName {
            member: "web".parse().unwrap(),
            stack: Some("beta".parse().unwrap()),
            command: "test:unit".parse().unwrap(),
        };
        for text in ["test", "test:unit", "beta/test", "web#test:unit", "web#beta/test:unit"] {
            assert!(text.parse::<Wanted>().unwrap().matches(&name), "{text}");
        }
        for text in ["lint", "alpha/test", "api#test:unit"] {
            assert!(!text.parse::<Wanted>().unwrap().matches(&name), "{text}");
        }
    }
}
