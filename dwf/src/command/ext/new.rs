//! `dwf ext new`: a new extension from a template.
//!
//! Invariant: a template is data, and nothing that is there is written over.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use crate::cli::ext::New;
use crate::command::Context;
use crate::error::{Error, Exit, Explain, printable};

/// A folder for each language. In the files and their names `{{name}}` is the extension's name, and
/// `{{NAME}}` that name as it stands in `DWF_EXT_NAME`.
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../protocol/examples/templates");

/// Why there is no new extension.
#[derive(Debug, thiserror::Error)]
enum NewError {
    /// There is no such template.
    #[error("there is no template for `{written}`")]
    Language { written: String, known: Vec<String> },
    /// Something is where a file has to go.
    #[error("{} is there already; nothing was written", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl Explain for NewError {
    fn exit(&self) -> Exit {
        match self {
            Self::Language { .. } | Self::Exists(_) => Exit::Usage,
            Self::Write(..) => Exit::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Language { known, .. } => Some(format!("there are: {}", known.join(", "))),
            Self::Exists(_) => Some("name another folder: dwf ext new NAME --lang LANGUAGE DIR".to_owned()),
            Self::Write(..) => None,
        }
    }
}

pub(super) async fn run(context: &mut Context<'_>, options: New) -> Result<bool, Error> {
    let template = template(&options.lang)?;
    let name = options.name.as_str();
    let start = context.world.cwd.join(context.global.directory.clone().unwrap_or_default());
    let folder = start.join(options.dir.unwrap_or_else(|| format!("devflow-ext-{name}").into()));
    let fill = |text: &str| {
        let variable = name.to_ascii_uppercase().replace('-', "_");
        text.replace("{{name}}", name).replace("{{NAME}}", &variable)
    };
    for entry in template.entries() {
        let path = folder.join(fill(&own_name(entry.path())));
        if path.symlink_metadata().is_ok() {
            return Err(NewError::Exists(path).into());
        }
    }
    let mut written = Vec::new();
    write(template, &folder, &fill, &mut written)?;
    let lines: String = written.iter().map(|path| format!("{}\n", path.display())).collect();
    context.reporter.result(&lines).map_err(crate::command::stage::print_failed)?;
    context.reporter.note(&format!("how to try it: {}", folder.join("README.md").display()));
    Ok(true)
}

fn template(language: &str) -> Result<&'static Dir<'static>, NewError> {
    let mut languages: Vec<_> = TEMPLATES.dirs().collect();
    languages.sort_by_key(|dir| dir.path());
    let found = languages.iter().find(|dir| dir.path() == Path::new(language));
    found.copied().ok_or_else(|| NewError::Language {
        written: printable(language, 80),
        known: languages.iter().map(|dir| own_name(dir.path())).collect(),
    })
}

fn own_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn write(
    dir: &Dir<'_>,
    folder: &Path,
    fill: &impl Fn(&str) -> String,
    written: &mut Vec<PathBuf>,
) -> Result<(), NewError> {
    let failed = |path: &Path, error| NewError::Write(path.to_owned(), error);
    DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(|error| failed(folder, error))?;
    for entry in dir.entries() {
        let path = folder.join(fill(&own_name(entry.path())));
        match entry {
            DirEntry::Dir(dir) => write(dir, &path, fill, written)?,
            DirEntry::File(file) => {
                let text = fill(&String::from_utf8_lossy(file.contents()));
                // What names its interpreter is there to be started.
                let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
                let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
                let outcome = file.and_then(|mut file| file.write_all(text.as_bytes()));
                outcome.map_err(|error| failed(&path, error))?;
                written.push(path);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_is_complete_and_names_its_extension() {
        assert!(TEMPLATES.files().next().is_none(), "a template is a folder");
        for language in TEMPLATES.dirs() {
            let shown = language.path().display();
            let readme = language.get_file(language.path().join("README.md"));
            assert!(readme.is_some(), "{shown} does not say how to try it");
            let dir = tempfile::tempdir().unwrap();
            let fill = |text: &str| text.replace("{{name}}", "xyz").replace("{{NAME}}", "XYZ");
            let mut written = Vec::new();
            write(language, dir.path(), &fill, &mut written).unwrap();
            for path in &written {
                let text = std::fs::read_to_string(path).unwrap() + &path.to_string_lossy();
                assert!(!text.to_lowercase().contains("{{name"), "{} is not filled in", path.display());
            }
            assert!(
                written.iter().any(|path| std::fs::read_to_string(path).unwrap().contains("devflow-ext-xyz"))
            );
        }
    }

    #[test]
    fn an_unknown_language_is_answered_with_those_there_are() {
        let error = template("cobol").unwrap_err();
        let languages: Vec<String> = TEMPLATES.dirs().map(|dir| own_name(dir.path())).collect();
        let hint = error.hint().unwrap();
        assert!(languages.len() >= 5 && languages.iter().all(|language| hint.contains(language)), "{hint}");
        assert!(template("..").is_err() && template("").is_err());
    }
}
