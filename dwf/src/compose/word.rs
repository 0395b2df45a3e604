//! Single words of an answer: what they may be.

use std::collections::BTreeMap;

use super::error::{Asker, ComposeError};
use super::option::Chosen;
use crate::config::{ImageSection, is_package};
use crate::error::printable;
use crate::plan::is_place;

/// What every composed image has: certificates, and a first process that reaps and passes signals on.
const ALWAYS: [&str; 2] = ["ca-certificates", "tini"];

/// A word for a message.
pub(super) fn excerpt(text: &str) -> String {
    format!("{:?}", printable(text, 80))
}

/// The packages that anybody asks for, sorted, each once, with its version where one is asked for.
pub(super) fn packages(chosen: &[Chosen<'_>], section: &ImageSection) -> Result<Vec<String>, ComposeError> {
    let mut asked: Vec<(Asker, &str)> = ALWAYS.iter().map(|name| (Asker::Project, *name)).collect();
    for chosen in chosen {
        for text in &chosen.option.packages {
            if !is_package(text) {
                return Err(chosen.wrong(format!("{} is no package", excerpt(text))));
            }
            asked.push((chosen.asker.clone(), text));
        }
    }
    asked.extend(section.packages.iter().map(|text| (Asker::Project, text.get_ref().as_str())));
    let mut found: BTreeMap<&str, (Asker, Option<&str>)> = BTreeMap::new();
    for (asker, text) in asked {
        let (name, version) = match text.split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        match found.get(name) {
            Some((first, Some(other))) if version.is_some_and(|version| version != *other) => {
                let what = format!("the version of package {name}");
                let second = (&asker, version.unwrap_or_default().to_owned());
                return Err(ComposeError::conflict(what, (first, (*other).to_owned()), second));
            }
            Some((_, Some(_))) => {}
            _ => {
                found.insert(name, (asker, version));
            }
        }
    }
    let written = |(name, (_, version)): (&str, (Asker, Option<&str>))| match version {
        Some(version) => format!("{name}={version}"),
        None => name.to_owned(),
    };
    Ok(found.into_iter().map(written).collect())
}

/// Why this cannot be a place in an image.
pub(super) fn place(path: &str) -> Result<(), String> {
    match is_place(path) {
        true => Ok(()),
        false => {
            Err(format!("{} is no place in an image: it is absolute, without `..` or signs", excerpt(path)))
        }
    }
}

/// Why this cannot be run.
pub(super) fn command(words: &[String]) -> Result<(), String> {
    match words.first() {
        None => Err("a step or probe has no program".to_owned()),
        Some(program) if program.is_empty() => Err("the program of a step or probe is empty".to_owned()),
        _ if words.iter().any(|word| word.contains('\0')) => Err("a step or probe holds a NUL".to_owned()),
        _ => Ok(()),
    }
}
