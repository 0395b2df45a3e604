//! What a devflow.toml must fulfil beyond its types.

use std::collections::BTreeSet;

use devflow_oci::{ImageRef, environment, fingerprint, target};
use globset::Glob;
use toml::Spanned;

use super::diagnostic::{Diagnostic, Source};
use super::model::{Container, File};
use super::secrets;
use crate::error::{nearest, printable};

/// What is wrong, and where; the source is added by whoever has it.
pub(super) type Wrong = (std::ops::Range<usize>, String);

/// Checks what can be said without looking at the project.
pub(super) fn check(file: &File, source: &Source) -> Result<(), Diagnostic> {
    let rules = [project, targets, commands, services, extensions, image, caches, secrets::check];
    let wrong = rules.iter().try_for_each(|rule| rule(file)).and_then(|()| container(&file.container));
    wrong.map_err(|(span, message)| Diagnostic::new(source, span, message))
}

pub(super) fn wrong<T>(at: &Spanned<T>, message: impl Into<String>) -> Result<(), Wrong> {
    Err((at.span(), message.into()))
}

fn project(file: &File) -> Result<(), Wrong> {
    let Some(stacks) = &file.project.stack else {
        let message = "`[project] stack` is missing: name the stacks, such as stack = [\"NAME\"]";
        return Err((0..0, message.to_owned()));
    };
    let mut seen = BTreeSet::new();
    for stack in stacks.get_ref() {
        if !seen.insert(stack.get_ref()) {
            return wrong(stack, format!("`{}` is named twice", stack.get_ref()));
        }
    }
    if let Some(name) = &file.project.name
        && !is_plain_name(name.get_ref())
    {
        return wrong(name, "a project's name has letters, digits, `.`, `_` and `-` only");
    }
    for member in &file.project.members {
        if !is_inside(member.get_ref()) {
            return wrong(member, "a member is a folder inside the project, without `..`");
        }
    }
    Ok(())
}

fn targets(file: &File) -> Result<(), Wrong> {
    for (name, commands) in &file.targets {
        if !is_plain_name(name.get_ref()) {
            return wrong(name, "a target's name has letters, digits, `.`, `_` and `-` only");
        }
        if commands.is_empty() {
            return wrong(name, format!("target `{}` names no command", name.get_ref()));
        }
    }
    Ok(())
}

fn commands(file: &File) -> Result<(), Wrong> {
    for (name, command) in &file.commands {
        if let Some(run) = &command.run {
            if run.get_ref().first().is_none_or(String::is_empty) {
                return wrong(run, format!("`run` of `{}` names no program", name.get_ref()));
            }
            if run.get_ref().iter().any(|word| word.contains('\0')) {
                return wrong(run, "no program can be given a NUL");
            }
        }
        if command
            .args
            .iter()
            .map(Spanned::get_ref)
            .chain(command.env.values())
            .any(|text| text.contains('\0'))
        {
            return wrong(name, format!("`args` or `env` of `{}` hold a NUL", name.get_ref()));
        }
    }
    Ok(())
}

fn services(file: &File) -> Result<(), Wrong> {
    for (name, service) in &file.services {
        let text = name.get_ref();
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !plain
            || !text.starts_with(ends)
            || !text.ends_with(ends)
            || text.len() > 63
            || text == "localhost"
        {
            return wrong(name, "a service's name is a host's: small letters, digits and `-`, at most 63");
        }
        match service.image.get_ref().parse::<ImageRef>() {
            Ok(image) if image.tag().is_none() && image.digest().is_none() => {
                return wrong(
                    &service.image,
                    "a service's image has a tag or a digest, which says what it is",
                );
            }
            Ok(_) => {}
            Err(error) => return wrong(&service.image, error.to_string()),
        }
        for words in service.command.iter().chain(&service.ready) {
            if words.get_ref().first().is_none_or(String::is_empty) {
                return wrong(words, "this names no program");
            }
            if words.get_ref().iter().any(|word| word.contains('\0')) {
                return wrong(words, "no program can be given a NUL");
            }
        }
        if service.env.values().any(|text| text.contains('\0')) {
            return wrong(name, format!("`env` of service `{text}` holds a NUL"));
        }
    }
    let known =
        |wanted: &&Spanned<String>| !file.services.keys().any(|name| name.get_ref() == wanted.get_ref());
    match file.commands.values().flat_map(|command| &command.services).find(known) {
        Some(wanted) => {
            let names = file.services.keys().map(|name| name.get_ref().as_str());
            let near = nearest(wanted.get_ref(), names).map(|near| format!("; did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            wrong(wanted, format!("there is no [services.{}]{near}", printable(wanted.get_ref(), 80)))
        }
        None => Ok(()),
    }
}

fn extensions(file: &File) -> Result<(), Wrong> {
    for path in file.extensions.values().filter_map(|section| section.path.as_ref()) {
        if !is_inside(path.get_ref()) {
            return wrong(path, "an extension that came with the project lies inside it, without `..`");
        }
    }
    Ok(())
}

fn image(file: &File) -> Result<(), Wrong> {
    if let Some(base) = &file.image.base {
        match base.get_ref().parse::<ImageRef>() {
            Ok(name) if name.tag().is_none() => {
                return wrong(base, "a base image has a tag, which says what it is: debian:bookworm-slim");
            }
            Ok(_) => {}
            Err(error) => return wrong(base, error.to_string()),
        }
    }
    for (at, source) in file.image.sources.iter().flatten().enumerate() {
        let mut before = file.image.sources.iter().flatten().take(at);
        if before.any(|other| other.get_ref() == source.get_ref()) {
            return wrong(source, "this source is named twice");
        }
    }
    match file.image.packages.iter().find(|package| !is_package(package.get_ref())) {
        Some(package) => {
            wrong(package, "a package is NAME or NAME=VERSION, in the distribution's own spelling")
        }
        None => Ok(()),
    }
}

/// Whether this names a package of a distribution, with a version or without. A name that ends in `-` would remove it.
pub fn is_package(text: &str) -> bool {
    let (name, version) = text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version)));
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is = |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    let plain = starts(name) && is(name, b"+.-") && !name.bytes().any(|b| b.is_ascii_uppercase());
    plain && !name.ends_with('-') && version.is_none_or(|version| starts(version) && is(version, b".+:~-"))
}

fn caches(file: &File) -> Result<(), Wrong> {
    match &file.cache.root {
        Some(root) if !is_inside(root.get_ref()) || is_here(root.get_ref()) => wrong(
            root,
            "the cache root is a folder inside the project, without `..`; another place is for \
             DWF_CACHE_ROOT to say",
        ),
        _ => Ok(()),
    }
}

fn container(container: &Container) -> Result<(), Wrong> {
    if let Some(image) = &container.image
        && let Err(error) = image.get_ref().parse::<ImageRef>()
    {
        return wrong(image, error.to_string());
    }
    if let Some(path) = &container.dockerfile
        && !is_inside(path.get_ref())
    {
        return wrong(path, "this is a path inside the project, without `..`");
    }
    for input in &container.fingerprint_inputs {
        if let Err(error) = fingerprint::check(input.get_ref()) {
            return wrong(input, error.to_string());
        }
    }
    for name in &container.pass_env {
        pass_env(name)?;
    }
    let mut taken = BTreeSet::new();
    for mount in &container.mounts {
        if !is_inside(mount.source.get_ref()) {
            return wrong(&mount.source, "a mount's source lies inside the project");
        }
        place(&mount.target, &mut taken)?;
    }
    container.tmpfs.iter().try_for_each(|path| place(path, &mut taken))
}

fn pass_env(name: &Spanned<String>) -> Result<(), Wrong> {
    let text = name.get_ref();
    let is_glob = text.contains(['*', '?', '[', '{']);
    if !is_glob && !environment::is_name(text) {
        return wrong(name, format!("{text:?} is not a variable's name, nor a glob of such names"));
    }
    if !is_glob && !environment::may_come_from_host(text) {
        return wrong(name, format!("{text} cannot be let through: it would change the engine's client"));
    }
    match Glob::new(text) {
        Ok(_) => Ok(()),
        Err(error) => wrong(name, error.to_string()),
    }
}

/// A place in the container that nothing else takes.
fn place<'a>(path: &'a Spanned<String>, taken: &mut BTreeSet<&'a str>) -> Result<(), Wrong> {
    let text = path.get_ref();
    if let Err(error) = target::check_target(text) {
        return wrong(path, error.to_string());
    }
    if text.contains([',', ':']) {
        return wrong(path, "a place in the container has no `,` and no `:`");
    }
    match taken.insert(text) {
        true => Ok(()),
        false => wrong(path, format!("two mounts want {text}")),
    }
}

fn is_plain_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_inside(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('/')
        && !text.chars().any(char::is_control)
        && text.split('/').all(|part| part != "..")
}

/// Whether a path that is inside is the folder itself.
fn is_here(text: &str) -> bool {
    text.split('/').all(|part| part.is_empty() || part == ".")
}
