//! From what a person wrote to the actions it means.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::Action;
use devflow_protocol::name::CommandName;
use toml::Spanned;

use super::answers::Answers;
use super::error::PlanError;
use super::origin::Origin;
use crate::config::{CommandSection, Diagnostic, Loaded, SecretSection, Source};
use crate::error::nearest;
use crate::name::{FullName, Wanted};

/// Which actions are meant, where that is written, and what is said about them.
type More<'a> = (Wanted, &'a Spanned<String>, &'a CommandSection);

/// Every command that can be asked for, and the project's own words about them.
#[derive(Debug)]
pub struct Catalog<'a> {
    config: &'a Loaded,
    offered: Vec<FullName>,
    /// Where in `offered` each command is: a project may have thousands, and each may need others by name.
    places: BTreeMap<CommandName, Vec<usize>>,
    own: BTreeMap<FullName, &'a CommandSection>,
    more: BTreeMap<CommandName, Vec<More<'a>>>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The actions' names, sorted.
    pub names: Vec<FullName>,
    /// Arguments for the only one of them.
    pub args: Vec<String>,
}

impl<'a> Catalog<'a> {
    /// Collects what the extensions offer and what devflow.toml adds.
    pub fn new(config: &'a Loaded, answers: &Answers) -> Result<Self, PlanError> {
        let mut offered: Vec<FullName> = Vec::new();
        for described in &answers.described {
            for command in &described.result.commands {
                offered.push(FullName {
                    member: described.member.clone(),
                    stack: Some(described.stack.clone()),
                    command: command.name.clone(),
                });
            }
        }
        let (own, places) = (BTreeMap::new(), BTreeMap::new());
        let mut catalog = Self { config, offered, places, own, more: BTreeMap::new() };
        for (key, section) in &config.file.commands {
            let wanted: Wanted = key.get_ref().parse().map_err(|message| catalog.at(key, message, None))?;
            if section.run.is_some() {
                let name = catalog.own_name(key, &wanted)?;
                catalog.own.insert(name, section);
            } else {
                let command = wanted.command.clone();
                catalog.more.entry(command).or_default().push((wanted, key, section));
            }
        }
        let own: Vec<FullName> = catalog.own.keys().cloned().collect();
        catalog.offered.extend(own);
        catalog.offered.sort();
        for (at, name) in catalog.offered.iter().enumerate() {
            catalog.places.entry(name.command.clone()).or_default().push(at);
        }
        for name in &catalog.offered {
            let more = catalog.more.get(&name.command).into_iter().flatten();
            let mut about = more.filter(|(wanted, ..)| wanted.matches(name));
            if let (Some((_, first, _)), Some((_, second, _))) = (about.next(), about.next()) {
                let message = format!("{name} is meant here and by `{}`", first.get_ref());
                return Err(catalog.at(second, message, None));
            }
        }
        for (key, section) in &config.file.commands {
            if section.run.is_none() {
                catalog.spanned(key)?;
            }
            for need in &section.needs {
                catalog.spanned(need)?;
            }
        }
        Ok(catalog)
    }

    fn own_name(&self, key: &Spanned<String>, wanted: &Wanted) -> Result<FullName, PlanError> {
        if wanted.stack.is_some() {
            let message = "a command with `run` is the project's own: write it without a stack".to_owned();
            return Err(self.at(key, message, None));
        }
        let member = wanted.member.clone().unwrap_or_default();
        Ok(FullName { member, stack: None, command: wanted.command.clone() })
    }

    /// Every name that can be asked for, sorted.
    pub fn names(&self) -> &[FullName] {
        &self.offered
    }

    /// The project's own action of that name.
    pub fn own(&self, name: &FullName) -> Option<&'a CommandSection> {
        self.own.get(name).copied()
    }

    /// What devflow.toml says about an extension's action, in the order it says it.
    pub fn more(&self, name: &FullName) -> impl Iterator<Item = &'a CommandSection> {
        let more = self.more.get(&name.command).into_iter().flatten();
        more.filter(|(wanted, ..)| wanted.matches(name)).map(|(.., section)| *section)
    }

    /// The project's secrets.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&'a Spanned<String>, &'a SecretSection)> {
        self.config.file.secrets.iter()
    }

    /// What an action needs: what its extension says, and what devflow.toml adds.
    pub fn needs<'b>(
        &self,
        name: &FullName,
        actions: impl IntoIterator<Item = &'b Action>,
    ) -> Result<BTreeSet<FullName>, PlanError> {
        let said = self.needs_said(name, actions)?;
        Ok(said.into_iter().map(|(need, _)| need).collect())
    }

    /// What an action needs, each as often as it is said, with who said it.
    pub fn needs_said<'b>(
        &self,
        name: &FullName,
        actions: impl IntoIterator<Item = &'b Action>,
    ) -> Result<Vec<(FullName, Origin)>, PlanError> {
        let said = actions.into_iter().flat_map(|action| &action.needs);
        let own = |need: &CommandName| {
            let by = name.stack.clone().map_or(Origin::Default, Origin::Extension);
            (FullName { command: need.clone(), ..name.clone() }, by)
        };
        let mut needs: Vec<(FullName, Origin)> = said.map(own).collect();
        for section in self.own(name).into_iter().chain(self.more(name)) {
            for need in &section.needs {
                let by = Origin::Config(need.span());
                needs.extend(self.spanned(need)?.into_iter().map(|name| (name, by.clone())));
            }
        }
        Ok(needs)
    }

    /// The targets that ask for an action, by name, each with the place where devflow.toml says so.
    pub fn targets_of(&self, name: &FullName) -> Result<Vec<(String, Origin)>, PlanError> {
        let mut found: BTreeMap<String, Origin> = BTreeMap::new();
        for (target, commands) in &self.config.file.targets {
            for command in commands {
                if self.spanned(command)?.contains(name) {
                    found.entry(target.get_ref().clone()).or_insert(Origin::Config(command.span()));
                }
            }
        }
        for target in crate::config::DEFAULT_TARGETS {
            let own = self.config.file.targets.keys().any(|known| known.get_ref() == target);
            let commands = crate::config::default_target(target).filter(|_| !own);
            if commands.is_some_and(|commands| commands.contains(&name.command)) {
                found.insert(target.to_owned(), Origin::Default);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The text that the places of devflow.toml are in.
    pub fn source(&self) -> Option<&'a Source> {
        self.config.source.as_ref()
    }

    /// The actions of a target: one of devflow.toml, or a default one.
    pub fn target(&self, name: &str) -> Result<Selection, PlanError> {
        let targets = &self.config.file.targets;
        let mut names = Vec::new();
        if let Some((_, commands)) = targets.iter().find(|(known, _)| known.get_ref() == name) {
            for command in commands {
                names.extend(self.spanned(command)?);
            }
        } else if let Some(commands) = crate::config::default_target(name) {
            names.extend(self.offered.iter().filter(|name| commands.contains(&name.command)).cloned());
            if names.is_empty() {
                let commands: Vec<&str> = commands.iter().map(|command| command.as_str()).collect();
                return Err(PlanError::Usage {
                    message: format!("no stack of this project offers any of {}", commands.join(", ")),
                    hint: Some(format!("say in devflow.toml what `{name}` is: [targets] {name} = [\"…\"]")),
                });
            }
        } else {
            let known =
                targets.keys().map(|name| name.get_ref().as_str()).chain(crate::config::DEFAULT_TARGETS);
            let known: BTreeSet<&str> = known.collect();
            return Err(PlanError::Usage {
                message: format!("no target is named `{name}`"),
                hint: Some(match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the targets are: {}", Vec::from_iter(known).join(", ")),
                }),
            });
        }
        Ok(Self::selection(names, Vec::new()))
    }

    /// The actions of commands on the command line, and the arguments for the only one of them.
    pub fn commands(&self, written: &[String], args: &[String]) -> Result<Selection, PlanError> {
        let mut names = Vec::new();
        for text in written {
            let usage = |message, hint| PlanError::Usage { message, hint };
            let wanted: Wanted = text.parse().map_err(|message| usage(message, None))?;
            let found = self.matching(&wanted);
            if found.is_empty() {
                let hint = self.nearest_to(&wanted);
                return Err(usage(format!("no stack of this project offers `{wanted}`"), hint));
            }
            names.extend(found);
        }
        let selection = Self::selection(names, args.to_vec());
        if !args.is_empty() && selection.names.len() > 1 {
            let names: Vec<String> = selection.names.iter().map(FullName::to_string).collect();
            return Err(PlanError::Usage {
                message: format!("arguments after `--` are for one action, and {} match", names.len()),
                hint: Some(format!("name one of: {}", names.join(", "))),
            });
        }
        Ok(selection)
    }

    fn selection(mut names: Vec<FullName>, args: Vec<String>) -> Selection {
        names.sort();
        names.dedup();
        Selection { names, args }
    }

    fn matching(&self, wanted: &Wanted) -> Vec<FullName> {
        let places = self.places.get(&wanted.command).into_iter().flatten();
        places.map(|at| &self.offered[*at]).filter(|name| wanted.matches(name)).cloned().collect()
    }

    /// The actions that a name in devflow.toml means: at least one.
    pub(super) fn spanned(&self, text: &Spanned<String>) -> Result<Vec<FullName>, PlanError> {
        let wanted: Wanted = text.get_ref().parse().map_err(|message| self.at(text, message, None))?;
        let found = self.matching(&wanted);
        if found.is_empty() {
            let message = format!("no stack of this project offers `{wanted}`");
            return Err(self.at(text, message, self.nearest_to(&wanted)));
        }
        Ok(found)
    }

    fn nearest_to(&self, wanted: &Wanted) -> Option<String> {
        let names: Vec<String> = self.offered.iter().map(FullName::to_string).collect();
        let commands: Vec<&str> = self.offered.iter().map(|name| name.command.as_str()).collect();
        let near = nearest(wanted.command.as_str(), commands.iter().copied())
            .filter(|near| wanted.stack.is_none() && *near != wanted.command.as_str())
            .or_else(|| nearest(&wanted.to_string(), names.iter().map(String::as_str)));
        near.map(|near| format!("did you mean `{near}`?"))
    }

    /// What devflow.toml says.
    pub(super) fn config(&self) -> &'a Loaded {
        self.config
    }

    /// What is wrong at a place of devflow.toml.
    pub(super) fn at(&self, text: &Spanned<String>, message: String, help: Option<String>) -> PlanError {
        let nowhere = Source { path: crate::config::FILE.into(), text: "".into() };
        let source = self.config.source.as_ref().unwrap_or(&nowhere);
        PlanError::Config(Box::new(Diagnostic::new(source, text.span(), message).help(help)))
    }
}
