//! A stack's own part of the image: what all its members ask for, each thing once.

use std::collections::BTreeMap;

use devflow_oci::ImageRef;
use devflow_protocol::message::ImageStep;
use devflow_protocol::name::{EnvName, ExtensionName};
use devflow_protocol::path::RelPath;

use super::error::{Asker, ComposeError};
use super::option::Chosen;
use super::quote;
use super::word::{command, excerpt, place};
use crate::plan::is_literal;
use crate::plan::is_reserved;

/// What one stack adds.
pub(super) struct Part<'a> {
    pub(super) stack: &'a ExtensionName,
    /// Places that are copied, by the image they come from.
    pub(super) copies: Vec<(ImageRef, Vec<&'a str>)>,
    /// Symbolic links: target and place.
    pub(super) links: Vec<&'a [String; 2]>,
    /// Variables with their quoted values.
    pub(super) env: BTreeMap<&'a EnvName, String>,
    /// Folders in front of `PATH`.
    pub(super) path: Vec<&'a str>,
    /// What is run.
    pub(super) work: Vec<Work<'a>>,
    /// What must succeed in the end.
    pub(super) probes: Vec<&'a Vec<String>>,
}

/// Steps, and the files that they read.
#[derive(Default, PartialEq)]
pub(super) struct Work<'a> {
    /// Each file in the member, and in the project.
    pub(super) files: Vec<(&'a RelPath, RelPath)>,
    /// Program and arguments, and whether root runs it.
    pub(super) steps: Vec<(&'a [String], bool)>,
}

impl Part<'_> {
    pub(super) fn images(&self) -> impl Iterator<Item = &ImageRef> {
        self.copies.iter().map(|(from, _)| from)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = RelPath> {
        self.work.iter().flat_map(|work| work.files.iter().map(|(_, file)| file.clone()))
    }
}

/// The parts, in the order of the stacks' names.
pub(super) fn parts<'a>(chosen: &'a [Chosen<'a>]) -> Result<Vec<Part<'a>>, ComposeError> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    let mut variables: BTreeMap<&EnvName, (&Asker, &str)> = BTreeMap::new();
    for chosen in chosen {
        variables_agree(chosen, &mut variables)?;
        if parts.last().is_none_or(|part| part.stack != chosen.stack) {
            parts.push(Part {
                stack: chosen.stack,
                copies: Vec::new(),
                links: Vec::new(),
                env: BTreeMap::new(),
                path: Vec::new(),
                work: Vec::new(),
                probes: Vec::new(),
            });
        }
        if let Some(part) = parts.last_mut() {
            part.add(chosen)?;
        }
    }
    Ok(parts)
}

/// A variable has one value in an image, whoever sets it.
fn variables_agree<'a>(
    chosen: &'a Chosen<'_>,
    known: &mut BTreeMap<&'a EnvName, (&'a Asker, &'a str)>,
) -> Result<(), ComposeError> {
    for (name, value) in &chosen.option.env {
        let (first, wish) = *known.entry(name).or_insert((&chosen.asker, value));
        if wish != value {
            let what = format!("the variable {name} of the image");
            let second = (&chosen.asker, excerpt(value));
            return Err(ComposeError::conflict(what, (first, excerpt(wish)), second));
        }
    }
    Ok(())
}

impl<'a> Part<'a> {
    fn add(&mut self, chosen: &'a Chosen<'a>) -> Result<(), ComposeError> {
        let option = chosen.option;
        for copy in &option.copy {
            let from = source(&copy.from).map_err(|reason| chosen.wrong(reason))?;
            for path in &copy.paths {
                self.copy(&from, path);
            }
        }
        for link in &option.links {
            if link[0].is_empty() || link[0].contains('\0') {
                return Err(chosen.wrong(format!("the link at {} leads nowhere", excerpt(&link[1]))));
            }
            once(&mut self.links, link);
        }
        for (name, value) in &option.env {
            if is_reserved(name) {
                return Err(chosen.wrong(format!("it sets {name}, which is not an extension's to set")));
            }
            let quoted = quote::value(value)
                .ok_or_else(|| chosen.wrong(format!("the value of {name} holds a control character")))?;
            self.env.insert(name, quoted);
        }
        for folder in &option.path {
            place(folder).map_err(|reason| chosen.wrong(reason))?;
            once(&mut self.path, folder.as_str());
        }
        self.work(chosen)?;
        for probe in &option.probe {
            command(probe).map_err(|reason| chosen.wrong(reason))?;
            once(&mut self.probes, probe);
        }
        Ok(())
    }

    fn copy(&mut self, from: &ImageRef, path: &'a str) {
        match self.copies.iter_mut().find(|(known, _)| known == from) {
            Some((_, paths)) => once(paths, path),
            None => self.copies.push((from.clone(), vec![path])),
        }
    }

    /// Steps that read files have a folder of their own; all others are the same wherever they were asked for.
    fn work(&mut self, chosen: &'a Chosen<'a>) -> Result<(), ComposeError> {
        let mut work = Work::default();
        for file in &chosen.option.files {
            let source = file.below(chosen.member);
            if file.is_here() || !is_literal(source.as_str()) {
                return Err(chosen.wrong(format!("the file {} cannot be copied", excerpt(source.as_str()))));
            }
            once(&mut work.files, (file, source));
        }
        let known = self.work.iter().filter(|work| work.files.is_empty()).flat_map(|work| work.steps.clone());
        let known: Vec<_> = known.filter(|_| work.files.is_empty()).collect();
        for step in &chosen.option.steps {
            let step = checked(step).map_err(|reason| chosen.wrong(reason))?;
            if !known.contains(&step) {
                work.steps.push(step);
            }
        }
        if work != Work::default() {
            self.work.push(work);
        }
        Ok(())
    }
}

fn once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// An image to copy from. It says its tag: without one it could be the name of another part of the text, and nobody
/// would know what was copied.
fn source(text: &str) -> Result<ImageRef, String> {
    match text.parse::<ImageRef>() {
        Ok(name) if name.is_bare() => Err(format!("the image {} has neither tag nor digest", excerpt(text))),
        Ok(name) => Ok(name),
        Err(_) => Err(format!("{} is not the name of an image", excerpt(text))),
    }
}

fn checked(step: &ImageStep) -> Result<(&[String], bool), String> {
    command(&step.run)?;
    match step.user.as_deref() {
        Some("root") => Ok((&step.run, true)),
        Some("dwf") | None => Ok((&step.run, false)),
        Some(other) => Err(format!("{} is no user of the image: it is `root` or `dwf`", excerpt(other))),
    }
}
