//! What a devflow.toml must fulfil beyond its types.

use toml::Spanned;

use super::diagnostic::{Diagnostic, Source};
use super::model::File;

/// Checks what can be said without looking at the project.
pub(super) fn check(file: &File, source: &Source) -> Result<(), Diagnostic> {
    let wrong = |span: std::ops::Range<usize>, message: String| Err(Diagnostic::new(source, span, message));
    if file.project.stack.is_none() {
        return wrong(
            0..0,
            "`[project] stack` is missing: name the stacks, such as stack = [\"NAME\"]".to_owned(),
        );
    }
    if let Some(name) = &file.project.name
        && !is_plain_name(name.get_ref())
    {
        return wrong(name.span(), "a project's name has letters, digits, `.`, `_` and `-` only".to_owned());
    }
    for member in &file.project.members {
        if !is_inside(member.get_ref()) {
            return wrong(member.span(), "a member is a folder inside the project, without `..`".to_owned());
        }
    }
    for (name, commands) in &file.targets {
        if !is_plain_name(name.get_ref()) {
            return wrong(
                name.span(),
                "a target's name has letters, digits, `.`, `_` and `-` only".to_owned(),
            );
        }
        if commands.is_empty() {
            return wrong(name.span(), format!("target `{}` names no command", name.get_ref()));
        }
    }
    let paths = [&file.container.dockerfile];
    for path in paths.into_iter().flatten().chain(&file.container.fingerprint_inputs) {
        if !is_inside(path.get_ref()) {
            return wrong(path.span(), "this is a path inside the project, without `..`".to_owned());
        }
    }
    if let Some(root) = &file.cache.root
        && !is_inside(root.get_ref())
    {
        let message =
            "the cache root lies inside the project; DWF_CACHE_ROOT may name another place".to_owned();
        return wrong(root.span(), message);
    }
    for glob in &file.container.pass_env {
        if let Err(error) = globset::Glob::new(glob.get_ref()) {
            return wrong(glob.span(), format!("this is neither a name nor a glob: {}", error.kind()));
        }
    }
    for mount in &file.container.mounts {
        if !is_inside(mount.source.get_ref()) {
            return wrong(mount.source.span(), "a mount's source lies inside the project".to_owned());
        }
        absolute(&mount.target, source)?;
    }
    for path in &file.container.tmpfs {
        absolute(path, source)?;
    }
    for (name, command) in &file.commands {
        if let Some(run) = &command.run
            && run.get_ref().is_empty()
        {
            return wrong(run.span(), format!("`run` of `{}` names no program", name.get_ref()));
        }
        if command.timeout == Some(0) {
            return wrong(name.span(), format!("the timeout of `{}` is 0 s", name.get_ref()));
        }
    }
    Ok(())
}

fn absolute(path: &Spanned<String>, source: &Source) -> Result<(), Diagnostic> {
    let text = path.get_ref();
    let plain = !text.chars().any(|c| c.is_control() || matches!(c, ',' | ':'));
    if text.starts_with('/') && plain && text.split('/').all(|part| part != "..") {
        Ok(())
    } else {
        Err(Diagnostic::new(
            source,
            path.span(),
            "this is an absolute path in the container, without `..`, `,` and `:`",
        ))
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
