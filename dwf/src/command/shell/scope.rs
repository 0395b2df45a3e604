//! Whose environment a shell has: what was written, and what it means in a plan.

use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use crate::error::{Exit, Explain};
use crate::lower::Scope;
use crate::plan::{Plan, Stack};
use crate::query::Request;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// Nothing.
    Nothing,
    /// A command.
    Command(String),
    /// A stack, in whichever member has it when none is written.
    Stack(Option<RelPath>, ExtensionName),
}

/// There is no such environment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ScopeError {
    /// It is neither a command nor a stack.
    #[error("{0}")]
    Neither(String),
    /// A stack that has no action in the gate.
    #[error("the target `{TARGET}` has no action of `{0}`")]
    NoStack(String, Vec<String>),
    /// Several could be meant.
    #[error("`{0}` could be several")]
    Several(String, Vec<String>),
    /// The command has nothing to do.
    #[error("{0} has nothing to do here: {1}")]
    Skipped(String, String),
    /// No command of the plan has anything to do.
    #[error("nothing has anything to do here, so there is no environment")]
    Empty,
}

/// The target whose stacks a shell sees when no command is named.
const TARGET: &str = "pr";

impl Explain for ScopeError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Neither(_) => Some("name a command, such as test:unit, or a stack".to_owned()),
            Self::NoStack(_, known) | Self::Several(_, known) => {
                Some(format!("name one of: {}", known.join(", ")))
            }
            Self::Skipped(..) | Self::Empty => Some("name another command: dwf plan shows them".to_owned()),
        }
    }
}

impl Named {
    /// Reads what was written: whatever is a command is one, the rest is a stack.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, ScopeError> {
        let Some(text) = text else { return Ok(Self::Nothing) };
        let message = match text.parse::<crate::name::Wanted>() {
            Ok(_) => return Ok(Self::Command(text.to_owned())),
            Err(message) => message,
        };
        let (member, stack) = match text.rsplit_once('#') {
            Some((member, stack)) => (Some(member), stack),
            None => (None, text),
        };
        match (member.map(str::parse).transpose(), stack.parse()) {
            (Ok(member), Ok(stack)) => Ok(Self::Stack(member, stack)),
            _ => Err(ScopeError::Neither(message)),
        }
    }

    /// What to ask the extensions for.
    pub(super) fn request(&self) -> Request {
        match self {
            Self::Command(text) => Request::Commands(vec![text.clone()], Vec::new()),
            Self::Nothing | Self::Stack(..) => Request::Target(TARGET.to_owned()),
        }
    }

    /// What it means in the plan that was made of that.
    pub(super) fn find<'a>(&self, plan: &'a Plan) -> Result<Scope<'a>, ScopeError> {
        match self {
            Self::Nothing if plan.actions.is_empty() => Err(ScopeError::Empty),
            Self::Nothing => Ok(Scope::All),
            Self::Command(text) => {
                let asked: Vec<_> = plan.actions.iter().filter(|action| action.requested).collect();
                match (asked.as_slice(), plan.skips.first()) {
                    ([one], None) => Ok(Scope::Action(one)),
                    ([], Some(skip)) => Err(ScopeError::Skipped(
                        skip.name.to_string(),
                        crate::error::printable(&skip.because, 200),
                    )),
                    ([], None) => Err(ScopeError::Empty),
                    (several, _) => {
                        let names = several.iter().map(|action| action.name.to_string());
                        Err(ScopeError::Several(text.clone(), names.collect()))
                    }
                }
            }
            Self::Stack(member, stack) => {
                let is = |known: &&Stack| {
                    known.stack == *stack && member.as_ref().is_none_or(|member| *member == known.member)
                };
                let found: Vec<&Stack> = plan.stacks.iter().filter(is).collect();
                match found.as_slice() {
                    [one] => Ok(Scope::Stack(one)),
                    [] => {
                        Err(ScopeError::NoStack(stack.to_string(), plan.stacks.iter().map(shown).collect()))
                    }
                    several => Err(ScopeError::Several(
                        stack.to_string(),
                        several.iter().map(|one| shown(one)).collect(),
                    )),
                }
            }
        }
    }
}

fn shown(stack: &Stack) -> String {
    match stack.member.is_here() {
        true => stack.stack.to_string(),
        false => format!("{}#{}", stack.member, stack.stack),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_a_command_or_a_stack() {
        let check = |text: Option<&str>, expected: Result<Named, ()>| {
            assert_eq!(Named::parse(text).map_err(|_| ()), expected, "{text:?}");
        };
        let command = |text: &str| Ok(Named::Command(text.to_owned()));
        let stack = |member: Option<&str>, name: &str| {
            Ok(Named::Stack(member.map(|member| member.parse().unwrap()), name.parse().unwrap()))
        };
        check(None, Ok(Named::Nothing));
        check(Some("test"), command("test"));
        check(Some("web#a/test:unit"), command("web#a/test:unit"));
        check(Some("alpha"), stack(None, "alpha"));
        check(Some("apps/web#alpha"), stack(Some("apps/web"), "alpha"));
        check(Some(".#alpha"), stack(Some("."), "alpha"));
        for wrong in ["", "../x#alpha", "Alpha", "a/b/c", "a:b:c", "-x"] {
            check(Some(wrong), Err(()));
        }
    }
}
