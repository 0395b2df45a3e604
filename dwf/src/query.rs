//! Asking the extensions everything a plan needs.
//!
//! Invariant: all answers are in before anything is merged, and every extension has ended before
//! anything runs.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::{
    self, Alternative, DescribeParams, Platform, Resolution, ResolveParams, method,
};
use devflow_protocol::name::{CommandName, ExtensionName};
use devflow_protocol::path::RelPath;
use futures_util::future::{join_all, try_join_all};

use crate::config::Diagnostic;
use crate::discover::{Found, Origin};
use crate::error::{Error, nearest};
use crate::extension::{Context, Extension, Problem, Words, complaint};
use crate::name::FullName;
use crate::plan::{Answers, Catalog, Described, PlanError, Selection, check_description, check_resolution};
use crate::project::Project;

/// What was asked for on the command line.
#[derive(Debug, Clone)]
pub enum Request {
    /// A target's commands.
    Target(String),
    /// These commands, with arguments for the only one.
    Commands(Vec<String>, Vec<String>),
}

/// Everything that was asked and answered.
#[derive(Debug)]
pub struct Asked {
    /// The answers.
    pub answers: Answers,
    /// What was asked for.
    pub selection: Selection,
    /// That, and everything it needs.
    pub closure: BTreeSet<FullName>,
    /// What the user should know about what was asked.
    pub notes: Vec<String>,
    /// What the extensions had to say besides, by name.
    pub words: BTreeMap<ExtensionName, Words>,
}

/// Which extensions to ask about which folders.
#[derive(Debug)]
pub struct Questions {
    /// Extension by extension: the folders.
    pub folders: BTreeMap<ExtensionName, Vec<RelPath>>,
    /// Extensions that are only being tried; that one does not apply is no error.
    pub optional: BTreeSet<ExtensionName>,
    /// Folders that say themselves that they have a stack.
    pub claimed: Vec<(ExtensionName, RelPath)>,
    /// A stack that a folder holds is not looked for below it.
    pub undeclared: bool,
}

impl Questions {
    /// What to ask, from the configuration; `own` are the extensions that came with dwf.
    pub fn new(project: &Project, own: Vec<ExtensionName>) -> Result<Self, PlanError> {
        let declared = project.stacks();
        let undeclared = declared.is_none();
        let stacks = declared.unwrap_or(own);
        let mut folders: BTreeMap<ExtensionName, Vec<RelPath>> = BTreeMap::new();
        let mut claimed = Vec::new();
        for member in &project.members {
            for stack in member.stacks.as_ref().unwrap_or(&stacks) {
                folders.entry(stack.clone()).or_default().push(member.dir.clone());
            }
            claimed.extend(member.stacks.iter().flatten().map(|stack| (stack.clone(), member.dir.clone())));
        }
        let sections = &project.config.file.extensions;
        if let (Some(source), Some((name, _))) =
            (&project.config.source, sections.iter().find(|(name, _)| !folders.contains_key(name.get_ref())))
        {
            let near = nearest(name.get_ref().as_str(), folders.keys().map(ExtensionName::as_str));
            let message = format!("`{}` is no stack of this project", name.get_ref());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            return Err(PlanError::Config(Box::new(
                Diagnostic::new(source, name.span(), message).help(help),
            )));
        }
        let spared = sections.iter().filter(|(_, section)| !section.required);
        let spared: BTreeSet<ExtensionName> = spared.map(|(name, _)| name.get_ref().clone()).collect();
        claimed.retain(|(stack, _)| !spared.contains(stack));
        let optional = if undeclared { folders.keys().cloned().collect() } else { spared };
        Ok(Self { folders, optional, claimed, undeclared })
    }
}

/// Asks everything of the extensions that were found for the questions.
pub async fn ask(
    project: &Project,
    context: &Context,
    request: &Request,
    questions: &Questions,
    platform: Platform,
    found: Vec<Found>,
) -> Result<Asked, Error> {
    // Nobody starts before it is known that all may.
    let launches = try_join_all(found.iter().map(|found| context.launcher.prepare(found))).await?;
    let started = join_all(launches.into_iter().map(|launch| Extension::start(launch, context))).await;
    let mut extensions = BTreeMap::new();
    for extension in started {
        let extension = extension?;
        extensions.insert(extension.name().clone(), extension);
    }
    let answers = Answers { pins: pins(project, &found), ..Answers::default() };
    let mut session = Asking { project, extensions, platform, answers, notes: Vec::new() };
    let result = session.everything(request, questions).await;
    let ended = join_all(
        session.extensions.into_iter().map(|(name, extension)| async { (name, extension.end().await) }),
    )
    .await;
    let (selection, closure) = result?;
    let words = ended.into_iter().collect();
    Ok(Asked { answers: session.answers, selection, closure, notes: session.notes, words })
}

struct Asking<'a> {
    project: &'a Project,
    extensions: BTreeMap<ExtensionName, Extension>,
    platform: Platform,
    answers: Answers,
    notes: Vec<String>,
}

impl Asking<'_> {
    async fn everything(
        &mut self,
        request: &Request,
        questions: &Questions,
    ) -> Result<(Selection, BTreeSet<FullName>), Error> {
        self.versions().await?;
        self.describe(questions).await?;
        let catalog = Catalog::new(&self.project.config, &self.answers)?;
        let selection = match request {
            Request::Target(name) => catalog.target(name)?,
            Request::Commands(written, args) => catalog.commands(written, args)?,
        };
        let closure = self.resolve(&catalog, &selection).await?;
        Ok((selection, closure))
    }

    async fn versions(&mut self) -> Result<(), Error> {
        for (name, section) in &self.project.config.file.extensions {
            let Some(range) = &section.version else { continue };
            let Some(extension) = self.extensions.get_mut(name.get_ref()) else { continue };
            let found = extension.info.extension.version.clone();
            if !range.get_ref().contains(&found) {
                let allowed = range.get_ref().to_string();
                return Err(extension.fail(Problem::Version { found, allowed }, None).await.into());
            }
        }
        let versions = self.extensions.values();
        self.answers.versions =
            versions.map(|ext| (ext.name().clone(), ext.info.extension.version.clone())).collect();
        Ok(())
    }

    async fn describe(&mut self, questions: &Questions) -> Result<(), Error> {
        let mut because: BTreeMap<ExtensionName, Vec<String>> = BTreeMap::new();
        let asked =
            questions.folders.iter().flat_map(|(stack, dirs)| dirs.iter().map(move |dir| (stack, dir)));
        let this = &*self;
        let answers = join_all(asked.map(|(stack, dir)| async move {
            let params = DescribeParams {
                project: folder(this.project, dir),
                platform: this.platform.clone(),
                config: config(this.project, stack),
            };
            let answer = match this.extensions.get(stack) {
                Some(extension) => extension.describe(params).await,
                None => Ok(message::DescribeResult::default()),
            };
            (stack.clone(), dir.clone(), answer)
        }))
        .await;
        for (stack, member, answer) in answers {
            let result = match answer {
                Ok(result) => result,
                Err(problem) => return Err(self.blame(&stack, &member, None, problem).await),
            };
            if !result.applies {
                because.entry(stack).or_default().extend(result.because);
                continue;
            }
            if let Err(broken) = check_description(&result) {
                let problem = Problem::Answer { method: method::DESCRIBE, reason: broken.reason };
                return Err(self.blame(&stack, &member, None, problem).await);
            }
            self.answers.described.push(Described { member, stack, result });
        }
        for (stack, dir) in &questions.claimed {
            if !self.answers.described.iter().any(|d| d.stack == *stack && d.member == *dir) {
                let because = vec![format!("{dir}/{} says that it has this stack", crate::config::FILE)];
                return Err(PlanError::NotApplied { stack: stack.clone(), because }.into());
            }
        }
        let applies =
            |stack: &ExtensionName| self.answers.described.iter().any(|described| described.stack == *stack);
        for stack in questions.folders.keys().filter(|stack| !questions.optional.contains(stack)) {
            if !applies(stack) {
                let because = because.remove(stack).unwrap_or_default();
                return Err(PlanError::NotApplied { stack: stack.clone(), because }.into());
            }
        }
        if questions.undeclared {
            let at_root: BTreeSet<ExtensionName> = self
                .answers
                .described
                .iter()
                .filter(|d| d.member.is_here())
                .map(|d| d.stack.clone())
                .collect();
            let (taken, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.answers.described)
                .into_iter()
                .partition(|d| d.member.is_here() || !at_root.contains(&d.stack));
            self.answers.described = taken;
            self.notes.extend(left.iter().map(|d| {
                format!(
                    "{} in {} is left to {} in the root; `members` in devflow.toml says otherwise",
                    d.stack, d.member, d.stack
                )
            }));
        }
        if self.answers.described.is_empty() && self.project.config.file.commands.is_empty() {
            let lines = because.into_iter().map(|(stack, lines)| {
                let mut lines: Vec<String> =
                    lines.iter().map(|line| crate::error::printable(line, 200)).collect();
                lines.dedup();
                lines.truncate(3);
                format!("{stack}: {}", lines.join("; "))
            });
            return Err(PlanError::Nothing(lines.collect()).into());
        }
        Ok(())
    }

    /// Resolves what was asked for, then what that needs, until nothing new is needed.
    async fn resolve(
        &mut self,
        catalog: &Catalog<'_>,
        selection: &Selection,
    ) -> Result<BTreeSet<FullName>, Error> {
        let mut closure: BTreeSet<FullName> = BTreeSet::new();
        let mut open: BTreeSet<FullName> = selection.names.iter().cloned().collect();
        while !open.is_empty() {
            let mut next = BTreeSet::new();
            for (name, answer) in self.resolve_all(catalog, selection, &open).await {
                let actions = match answer {
                    None => Vec::new(),
                    Some((stack, Err(problem))) => {
                        return Err(self.blame(&stack, &name.member, Some(&name.command), problem).await);
                    }
                    Some((stack, Ok(resolution))) => {
                        if let Err(reason) = self.checked(&name, &stack, &resolution) {
                            let problem = Problem::Answer { method: method::RESOLVE, reason };
                            return Err(self.blame(&stack, &name.member, Some(&name.command), problem).await);
                        }
                        let actions = actions_of(&resolution);
                        self.answers.resolved.insert(name.clone(), resolution);
                        actions
                    }
                };
                next.extend(catalog.needs(&name, &actions)?);
            }
            // In a chain each round brings one, so a round must not touch all that are there.
            closure.extend(open);
            open = next.into_iter().filter(|name| !closure.contains(name)).collect();
        }
        Ok(closure)
    }

    async fn resolve_all(
        &self,
        catalog: &Catalog<'_>,
        selection: &Selection,
        names: &BTreeSet<FullName>,
    ) -> Vec<(FullName, Option<(ExtensionName, Result<Resolution, Problem>)>)> {
        join_all(names.iter().map(|name| async move {
            let stack = name.stack.as_ref().filter(|_| catalog.own(name).is_none());
            let Some((stack, extension)) = stack.and_then(|stack| Some((stack, self.extensions.get(stack)?)))
            else {
                return (name.clone(), None);
            };
            let more = catalog.more(name).flat_map(|section| &section.args);
            let mut args: Vec<String> = more.map(|arg| arg.get_ref().clone()).collect();
            if selection.names.contains(name) {
                args.extend(selection.args.iter().cloned());
            }
            let params = ResolveParams {
                command: name.command.clone(),
                args,
                project: folder(self.project, &name.member),
                platform: self.platform.clone(),
                config: config(self.project, stack),
            };
            (name.clone(), Some((stack.clone(), extension.resolve(params).await)))
        }))
        .await
    }

    fn checked(&self, name: &FullName, stack: &ExtensionName, resolution: &Resolution) -> Result<(), String> {
        let mut described = self.answers.described.iter();
        match described.find(|d| d.member == name.member && d.stack == *stack) {
            Some(described) => {
                check_resolution(resolution, &described.result).map_err(|broken| broken.reason)
            }
            None => Ok(()),
        }
    }

    /// What an extension did wrong, or says is wrong with the project; it has been ended.
    async fn blame(
        &mut self,
        stack: &ExtensionName,
        dir: &RelPath,
        command: Option<&CommandName>,
        problem: Problem,
    ) -> Error {
        if let Problem::Client(error) = &problem
            && let Some(complaint) = complaint(self.project, dir, stack, error)
        {
            return complaint.into();
        }
        let place = if dir.is_here() { "the project's root".to_owned() } else { format!("`{dir}`") };
        let asked = match command {
            Some(command) => format!("{command} in {place}"),
            None => place,
        };
        match self.extensions.get_mut(stack) {
            Some(extension) => extension.fail(problem, Some(asked)).await.into(),
            None => PlanError::NotApplied { stack: stack.clone(), because: Vec::new() }.into(),
        }
    }
}

/// A member as extensions hear of it.
pub fn folder(project: &Project, dir: &RelPath) -> message::Project {
    message::Project {
        root: project.root.to_string_lossy().into_owned(),
        dir: dir.clone(),
        name: project.name.clone(),
    }
}

/// The settings of an extension in devflow.toml.
pub fn config(project: &Project, stack: &ExtensionName) -> message::Config {
    let sections = &project.config.file.extensions;
    let section = sections.iter().find(|(name, _)| name.get_ref() == stack);
    match section.map(|(_, section)| serde_json::to_value(section.config.get_ref())) {
        Some(Ok(serde_json::Value::Object(config))) => config,
        _ => message::Config::new(),
    }
}

/// What devflow.lock says of the extensions that it pins.
fn pins(project: &Project, found: &[Found]) -> BTreeMap<ExtensionName, String> {
    let pinned = found.iter().filter(|found| found.origin == Origin::Lock);
    let entry = |found: &Found| Some(project.lock.as_ref()?.entry(&found.name)?.digest());
    pinned.filter_map(|found| Some((found.name.clone(), entry(found)?))).collect()
}

fn actions_of(resolution: &Resolution) -> Vec<message::Action> {
    match resolution {
        Resolution::Skip(_) => Vec::new(),
        Resolution::Action(action) => vec![action.clone()],
        Resolution::Alternatives(list) => {
            list.iter().map(|Alternative { action, .. }| action.clone()).collect()
        }
    }
}

/// Where actions run: containers are Linux, on the machine's own architecture.
pub fn platform(host: bool) -> Platform {
    let os = if host { std::env::consts::OS } else { "linux" };
    Platform { os: os.to_owned(), arch: std::env::consts::ARCH.to_owned() }
}
