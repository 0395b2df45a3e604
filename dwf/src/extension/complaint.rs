//! What an extension finds wrong with the project: shown at its place, as dwf shows its own errors.

use std::ops::Range;

use devflow_protocol::client::{AnswerData, ClientError};
use devflow_protocol::code;
use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use crate::config::{Diagnostic, Source};
use crate::error::{Exit, Explain};
use crate::files;
use crate::project::Project;

/// Bytes of a file that is still shown.
const FILE_BYTES: u64 = 4 << 20;

/// A file of the project, or its configuration of the extension, is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Complaint {
    message: String,
    place: Option<String>,
    extension: ExtensionName,
    help: Option<String>,
}

impl Explain for Complaint {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn detail(&self) -> Option<String> {
        let by = format!("says extension `{}`", self.extension);
        Some(match &self.place {
            Some(place) => format!("{place}\n{by}"),
            None => by,
        })
    }

    fn hint(&self) -> Option<String> {
        self.help.clone()
    }
}

/// The complaint that an error is, if it is one; `dir` is the member that was asked about.
pub fn complaint(
    project: &Project,
    dir: &RelPath,
    extension: &ExtensionName,
    error: &ClientError,
) -> Option<Complaint> {
    let ClientError::Answer { code, message, data } = error else { return None };
    let (message, diagnostic) = match *code {
        code::INVALID_PROJECT => in_project(project, dir, message, data),
        code::INVALID_CONFIG => (message.clone(), in_config(project, extension, message)),
        _ => return None,
    };
    let (message, place) = match diagnostic {
        Some(diagnostic) => (diagnostic.message().to_owned(), Some(diagnostic.shown())),
        None => (message, None),
    };
    Some(Complaint { message, place, extension: extension.clone(), help: data.help.clone() })
}

fn in_project(
    project: &Project,
    dir: &RelPath,
    message: &str,
    data: &AnswerData,
) -> (String, Option<Diagnostic>) {
    let Some(file) = &data.file else { return (message.to_owned(), None) };
    let line = data.line.unwrap_or(1);
    let [long, short] = [format!("{file}:{line}: "), format!("{file}: ")];
    let message = message.strip_prefix(&long).or(message.strip_prefix(&short)).unwrap_or(message);
    let diagnostic = file.parse::<RelPath>().ok().and_then(|file| {
        let source = source(project, &file.below(dir))?;
        let span = span_of(&source.text, line);
        Some(Diagnostic::new(&source, span, message))
    });
    (format!("{file}:{line}: {message}"), diagnostic)
}

/// A file of the project; one that a link leads out of it is not shown.
fn source(project: &Project, file: &RelPath) -> Option<Source> {
    let path = project.root.join(file.as_str()).canonicalize().ok()?;
    let bytes = path.starts_with(&project.root).then(|| files::read(&path, FILE_BYTES).ok())??;
    Some(Source { path: file.as_str().into(), text: String::from_utf8(bytes).ok()?.into() })
}

/// The bytes of a line without its indentation.
fn span_of(text: &str, line: u64) -> Range<usize> {
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let line = text[start..].lines().next().unwrap_or("");
    start + (line.len() - line.trim_start().len())..start + line.trim_end().len()
}

/// The place in devflow.toml: the first key that the extension names, or all that it was given.
fn in_config(project: &Project, extension: &ExtensionName, message: &str) -> Option<Diagnostic> {
    let source = project.config.source.as_ref()?;
    let (_, section) = project.config.file.extensions.iter().find(|(name, _)| name.get_ref() == extension)?;
    let all = section.config.span();
    let text = source.text.get(all.start..)?;
    let named = message.split('`').skip(1).step_by(2);
    let key = named.filter(|word| section.config.get_ref().contains_key(*word)).find_map(|word| {
        let at =
            text.match_indices(word).find(|(at, _)| text[at + word.len()..].trim_start().starts_with('='))?.0;
        Some(all.start + at..all.start + at + word.len())
    });
    Some(Diagnostic::unknown_name(source, key.unwrap_or(all), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found() {
        let text = "one\n  two \n\nfour";
        for (line, expected) in [(1, "one"), (2, "two"), (3, ""), (4, "four"), (9, "")] {
            assert_eq!(&text[span_of(text, line)], expected, "{line}");
        }
    }
}
