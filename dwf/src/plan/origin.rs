//! Who set each part of a plan, as the merge saw it.
//!
//! Invariant: whoever puts a part into the plan says here on whose word; none of it is in the digest.

use std::collections::BTreeMap;
use std::ops::Range;

use devflow_protocol::name::{EnvName, ExtensionName};
use devflow_protocol::path::RelPath;

use crate::name::FullName;

/// On whose word something is in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An extension's answer.
    Extension(ExtensionName),
    /// devflow.toml, at these bytes.
    Config(Range<usize>),
    /// Whoever started dwf.
    CommandLine,
    /// dwf, because of what other actions make and this one reads.
    Order,
    /// dwf, because nobody said anything.
    Default,
}

/// A part of an action; what is in a choice has the choice's number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The condition of a choice.
    When(usize),
    /// A step of a choice, by number.
    Step(usize, usize),
    /// The working directory of a choice.
    Cwd(usize),
    /// A variable of a choice.
    Env(usize, EnvName),
    /// The folders in front of `PATH` of a choice.
    Path(usize),
    /// Another action that must have succeeded.
    Need(FullName),
    /// Another action that must have ended.
    After(FullName),
    /// A lock.
    Lock(String),
    /// Whether it downloads.
    Fetches,
    /// Whether it changes the sources.
    Writes,
    /// Its time.
    Timeout,
    /// What the outcome depends on.
    Inputs,
    /// What it makes.
    Outputs,
    /// The reports that it writes.
    Reports,
}

/// Who set what, of a whole plan. The first of several had the last word, the others said what it is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    actions: BTreeMap<(FullName, Part), Vec<Origin>>,
    stacks: BTreeMap<(RelPath, ExtensionName), Origin>,
}

impl Origins {
    /// Who set a part of an action; nobody, where it has no such part.
    pub fn of(&self, name: &FullName, part: Part) -> &[Origin] {
        self.actions.get(&(name.clone(), part)).map_or(&[], Vec::as_slice)
    }

    /// Who set what the actions of a stack share.
    pub fn of_stack(&self, member: &RelPath, stack: &ExtensionName) -> Option<&Origin> {
        self.stacks.get(&(member.clone(), stack.clone()))
    }

    /// What is said of one action from here on.
    pub(super) fn about<'a>(&'a mut self, name: &'a FullName) -> About<'a> {
        About { origins: self, name }
    }

    pub(super) fn stack(&mut self, member: &RelPath, stack: &ExtensionName, by: Origin) {
        self.stacks.insert((member.clone(), stack.clone()), by);
    }
}

/// Takes down what is said of one action.
pub(super) struct About<'a> {
    origins: &'a mut Origins,
    name: &'a FullName,
}

impl About<'_> {
    /// This is the word that counts for a part, in the place of any earlier one.
    pub(super) fn set(&mut self, part: Part, by: Origin) {
        self.origins.actions.insert((self.name.clone(), part), vec![by]);
    }

    /// This is another one who asked for a part, or something that went into it.
    pub(super) fn add(&mut self, part: Part, by: Origin) {
        let all = self.origins.actions.entry((self.name.clone(), part)).or_default();
        if !all.contains(&by) {
            all.push(by);
        }
    }
}
