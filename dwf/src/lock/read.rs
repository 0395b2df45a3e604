//! Reading devflow.lock: bounded before it is parsed, every error with its place.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use devflow_protocol::name::ExtensionName;

use super::error::LockError;
use super::model::{Base, Entry, File, Head, Kind};
use super::value::{Hash, Platform, Source};
use super::{FILE, VERSION};
use crate::config::{self, ConfigError, Diagnostic};
use crate::files;

/// Bytes that a lock may have.
const MAX_BYTES: u64 = 1 << 20;

/// What is wrong, and where.
type Wrong = (Range<usize>, String);

/// A lock that was read.
#[derive(Debug, Clone)]
pub struct Lock {
    /// The extensions, in the order of the file.
    pub extensions: Vec<Entry>,
    /// The base images, in the order of the file.
    pub images: Vec<Base>,
    /// The text, for messages about it.
    pub source: config::Source,
}

impl Lock {
    /// The lock of a project; `None` when it has none.
    pub fn load(root: &Path) -> Result<Option<Self>, LockError> {
        let path = root.join(FILE);
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LockError::Read(error)),
            Ok(_) => {}
        }
        let bytes = files::read_here(&path, MAX_BYTES).map_err(LockError::Read)?;
        let text = String::from_utf8(bytes).map_err(|_| LockError::Encoding)?;
        Self::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)).map(Some)
    }

    /// Reads a lock's text.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let source = config::Source { path: PathBuf::from(FILE), text: text.into() };
        if let Some(span) = conflict(text) {
            let diagnostic = Diagnostic::new(&source, span, "this line marks a conflict");
            return Err(LockError::Conflict(Box::new(diagnostic)));
        }
        let head: Head = config::parse(&source).map_err(content)?;
        let (span, found) = match head.version {
            Some(version) => (version.span(), version.into_inner()),
            None => (0..0, toml::Value::Boolean(false)),
        };
        let wrong = |message: &str| Box::new(Diagnostic::new(&source, span.clone(), message));
        match found {
            toml::Value::Integer(found) if found == i64::from(VERSION) => {}
            toml::Value::Integer(found) => {
                return Err(LockError::Version(wrong(&format!(
                    "{FILE} has version {found}, which this dwf does not know"
                ))));
            }
            _ => return Err(LockError::Content(wrong(&format!("{FILE} begins with version = {VERSION}")))),
        }
        let file: File = config::parse(&source).map_err(content)?;
        check(&file.extension).and_then(|()| bases(&file.image)).map_err(|(span, message)| {
            LockError::Content(Box::new(Diagnostic::new(&source, span, message)))
        })?;
        Ok(Self { extensions: file.extension, images: file.image, source })
    }

    /// What is pinned of an extension.
    pub fn entry(&self, name: &ExtensionName) -> Option<&Entry> {
        self.extensions.iter().find(|entry| entry.name.get_ref() == name)
    }

    /// What is pinned of a base image, by its name as it is written where it is used.
    pub fn digest_of(&self, name: &str) -> Option<&Hash> {
        self.images.iter().find(|base| base.name.get_ref().to_string() == name).map(|base| &base.digest)
    }

    /// A place in the lock, underlined.
    pub fn place(&self, span: Range<usize>) -> String {
        Diagnostic::new(&self.source, span, "").shown()
    }
}

fn content(error: ConfigError) -> LockError {
    match error {
        ConfigError::Content(diagnostic) => LockError::Content(diagnostic),
        ConfigError::Read(_, error) => LockError::Read(error),
        ConfigError::Encoding(_) => LockError::Encoding,
    }
}

/// The first line that git writes where two sides could not be merged.
fn conflict(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_end();
        let marks = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
        if marks.iter().any(|mark| words == *mark || words.starts_with(&format!("{mark} "))) {
            return Some(start..start + words.len());
        }
        start += line.len();
    }
    None
}

/// What the types alone do not say.
fn check(entries: &[Entry]) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    for entry in entries {
        let name = entry.name.get_ref();
        if !seen.insert(name) {
            return Err((entry.name.span(), format!("extension `{name}` is pinned twice")));
        }
        if entry.platform.is_empty() {
            return Err((entry.name.span(), format!("extension `{name}` is pinned for no platform")));
        }
        let version = entry.version.get_ref();
        if version.is_empty() || version.len() > 100 || version.chars().any(char::is_control) {
            return Err((entry.version.span(), "this is no version".to_owned()));
        }
        artifacts(entry)?;
    }
    Ok(())
}

fn bases(images: &[Base]) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    for Base { name, .. } in images {
        if name.get_ref().digest().is_some() {
            return Err((
                name.span(),
                "the digest of an image stands in `digest`, not in its name".to_owned(),
            ));
        }
        if !seen.insert(name.get_ref()) {
            return Err((name.span(), format!("image `{}` is pinned twice", name.get_ref())));
        }
    }
    Ok(())
}

fn artifacts(entry: &Entry) -> Result<(), Wrong> {
    for (platform, artifact) in &entry.platform {
        let at = artifact.source.span();
        let wrong = |message: &str| Err((at.clone(), message.to_owned()));
        if *platform.get_ref() == Platform::Any && entry.kind == Kind::Elf {
            return Err((platform.span(), "a native program is for one platform, not for `any`".to_owned()));
        }
        match (entry.kind, &artifact.archive, &artifact.entry) {
            (Kind::Tree, _, None) => {
                return wrong("`entry` is missing: which file of the tree is the program?");
            }
            (_, Some(_), None) => {
                return wrong("`entry` is missing: which file of the archive is the program?");
            }
            (Kind::Elf | Kind::Script, None, Some(_)) => {
                return wrong("`entry` is for archives and trees only");
            }
            (Kind::Tree, None, _) if matches!(artifact.source.get_ref(), Source::Url(_)) => {
                return wrong("`archive` is missing: a tree is downloaded as an archive");
            }
            _ => {}
        }
        if *artifact.source.get_ref() == Source::Installed
            && (artifact.archive.is_some() || entry.kind == Kind::Tree)
        {
            return wrong("what is installed is one file");
        }
    }
    Ok(())
}
