//! From a source to a stage of the store: fetched, compared, unpacked, made read-only.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use super::archive::{Bounds, Unpacked, unpack};
use super::error::FetchError;
use super::http::Http;
use super::magic::Magic;
use crate::lock::{Hash, Kind, Platform};
use crate::store::{self, MAX_BYTES, Mismatch, PROGRAM};

/// Where bytes come from.
#[derive(Debug, Clone)]
pub enum From {
    /// An address.
    Url(String),
    /// A file or folder.
    Path(PathBuf),
}

/// What is wanted, as far as it is known.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where it comes from.
    pub from: From,
    /// How messages call that.
    pub shown: String,
    /// The extension, when its name is known.
    pub name: Option<ExtensionName>,
    /// The program inside an archive or a folder.
    pub entry: Option<RelPath>,
    /// What is pinned; `None` when it is to be found out.
    pub pinned: Option<Pins>,
}

/// What is pinned.
#[derive(Debug, Clone)]
pub struct Pins {
    /// What the bytes are.
    pub kind: Kind,
    /// The hash of the archive, when they come in one.
    pub archive: Option<Hash>,
    /// The hash of the program, or of the tree's listing.
    pub executable: Hash,
}

/// What was brought.
#[derive(Debug, Clone)]
pub struct Brought {
    /// What the bytes are.
    pub kind: Kind,
    /// The hash of the archive, when they came in one.
    pub archive: Option<Hash>,
    /// The program inside the archive or the folder.
    pub entry: Option<RelPath>,
    /// The hash of the program, or of the tree's listing.
    pub executable: Hash,
    /// Where it runs, when it is a program that dwf knows.
    pub platform: Option<Platform>,
    /// How the program's file was called.
    pub file_name: String,
}

/// Brings what is wanted into the folder of a stage. It blocks.
pub fn bring(stage: &Path, http: &Http, wanted: &Wanted) -> Result<Brought, FetchError> {
    let content = stage.join("content");
    let (archive, found) = match &wanted.from {
        From::Path(path) if path.is_dir() => {
            store::copy_tree(path, &content).map_err(|error| wanted.unreadable(error))?;
            let entry = wanted.entry_among(&listed(path).map_err(|error| wanted.unreadable(error))?)?;
            (None, Found { kind: Kind::Tree, entry: Some(entry) })
        }
        from => wanted.file(from, stage, http)?,
    };
    let program = match (&found.entry, found.kind) {
        (Some(entry), Kind::Tree) => content.join(entry.as_str()),
        _ => content.join(PROGRAM),
    };
    let unreadable = |error| wanted.unreadable(error);
    let platform = match Magic::of(&program).map_err(unreadable)? {
        Magic::Script => Some(Platform::Any),
        Magic::Native(platform) => Some(platform),
        _ => None,
    };
    let hash = store::hash_of(found.kind, &content).map_err(unreadable)?;
    let executable = match (&wanted.pinned, Hash::from_hex(&hash)) {
        (Some(pins), _) if pins.executable.hex() != hash => {
            return Err(wanted.mismatch(&pins.executable, hash));
        }
        (_, Some(executable)) => executable,
        (_, None) => return Err(wanted.unreadable(io::Error::other("it has no hash"))),
    };
    let file_name = match (&found.entry, &wanted.from) {
        (Some(entry), _) => entry.as_str(),
        (None, From::Url(url)) => url.split(['?', '#']).next().unwrap_or(url),
        (None, From::Path(path)) => path.to_str().unwrap_or(""),
    };
    let file_name = file_name.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Brought { kind: found.kind, archive, entry: found.entry, executable, platform, file_name })
}

/// What was found to be in a stage.
struct Found {
    kind: Kind,
    entry: Option<RelPath>,
}

impl Wanted {
    /// Brings one file, which may be an archive.
    fn file(&self, from: &From, stage: &Path, http: &Http) -> Result<(Option<Hash>, Found), FetchError> {
        let unreadable = |error| self.unreadable(error);
        let raw = stage.join("raw");
        let mut new = store::create(&raw).map_err(unreadable)?;
        let (_, hash) = match from {
            From::Url(url) => http.get(url, &mut new)?,
            From::Path(path) => {
                let mut file = crate::files::open_here(path).map_err(unreadable)?;
                store::copy(&mut file, &mut new, MAX_BYTES).map_err(unreadable)?
            }
        };
        let magic = Magic::of(&raw).map_err(unreadable)?;
        let is_archive = match &self.pinned {
            Some(pins) => {
                let expected = pins.archive.as_ref().unwrap_or(&pins.executable);
                if expected.hex() != hash {
                    return Err(self.mismatch(expected, hash));
                }
                pins.archive.is_some()
            }
            None => matches!(magic, Magic::Gzip | Magic::Zstd),
        };
        let program = stage.join("content").join(PROGRAM);
        if is_archive {
            let found = self.unpack(&raw, magic, stage, &program)?;
            return Ok((Hash::from_hex(&hash), found));
        }
        let kind = match (magic, &self.pinned) {
            (_, Some(pins)) => pins.kind,
            (Magic::Script, None) => Kind::Script,
            (Magic::Native(_), None) => Kind::Elf,
            _ => {
                let reason = "it is no script (no #! line), no program for a platform that dwf knows, and \
                              no .tar.gz or .tar.zst";
                return Err(self.unknown(reason));
            }
        };
        fs::rename(&raw, &program).map_err(unreadable)?;
        store::seal(&new, true).map_err(unreadable)?;
        Ok((None, Found { kind, entry: None }))
    }

    fn unpack(&self, raw: &Path, magic: Magic, stage: &Path, program: &Path) -> Result<Found, FetchError> {
        let unreadable = |error| self.unreadable(error);
        let unpacked = stage.join("unpacked");
        DirBuilder::new().mode(0o700).create(&unpacked).map_err(unreadable)?;
        let refused = |reason| FetchError::Archive { source_shown: self.shown.clone(), reason };
        let files = unpack(File::open(raw).map_err(unreadable)?, magic, &unpacked, Bounds::default())
            .map_err(refused)?;
        let entry = self.entry_among(&files)?;
        let from = unpacked.join(entry.as_str());
        let kind = match (&self.pinned, Magic::of(&from).map_err(unreadable)?) {
            (Some(pins), _) => pins.kind,
            (None, Magic::Native(_)) => Kind::Elf,
            // Who ships a script with other files needs them.
            (None, Magic::Script) if files.len() > 1 => Kind::Tree,
            (None, Magic::Script) => Kind::Script,
            (None, _) => return Err(self.unknown(&format!("`{entry}` in it is no program"))),
        };
        if kind == Kind::Tree {
            for file in &files {
                let path = unpacked.join(file.path.as_str());
                File::open(path).and_then(|new| store::seal(&new, file.executable)).map_err(unreadable)?;
            }
            let content = stage.join("content");
            fs::remove_dir(&content).and_then(|()| fs::rename(&unpacked, &content)).map_err(unreadable)?;
        } else {
            fs::rename(&from, program).map_err(unreadable)?;
            File::open(program).and_then(|new| store::seal(&new, true)).map_err(unreadable)?;
        }
        Ok(Found { kind, entry: Some(entry) })
    }

    /// The program among some files.
    fn entry_among(&self, files: &[Unpacked]) -> Result<RelPath, FetchError> {
        let can_be = |file: &&Unpacked| match &self.entry {
            Some(entry) => file.path == *entry,
            None => {
                let name = file.path.as_str().rsplit('/').next().unwrap_or_default();
                let name = name.strip_prefix("devflow-ext-").and_then(|name| name.parse().ok());
                name.is_some_and(|name: ExtensionName| {
                    self.name.as_ref().is_none_or(|wanted| *wanted == name)
                })
            }
        };
        let found: Vec<&Unpacked> = files.iter().filter(can_be).collect();
        match (found.as_slice(), &self.entry) {
            ([one], _) if one.executable => Ok(one.path.clone()),
            ([one], _) => Err(self.unknown(&format!("`{}` in it is not executable", one.path))),
            ([], Some(entry)) => Err(self.unknown(&format!("there is no `{entry}` in it"))),
            ([], None) => Err(self.unknown("there is no devflow-ext-NAME in it")),
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|file| file.path.as_str()).collect();
                Err(self.unknown(&format!("which of these is meant? {}", names.join(", "))))
            }
        }
    }

    fn unreadable(&self, cause: io::Error) -> FetchError {
        FetchError::Read { source_shown: self.shown.clone(), cause }
    }

    fn unknown(&self, reason: &str) -> FetchError {
        FetchError::Program { source_shown: self.shown.clone(), reason: reason.to_owned() }
    }

    fn mismatch(&self, expected: &Hash, found: String) -> FetchError {
        let name = self.name.as_ref().map(ToString::to_string).unwrap_or_default();
        FetchError::Mismatch(Box::new(Mismatch {
            what: format!("extension `{name}`"),
            source_shown: self.shown.clone(),
            expected: expected.clone(),
            found,
            next: format!("if the new bytes are meant: dwf ext update {name}"),
        }))
    }
}

/// The files of a folder.
fn listed(root: &Path) -> io::Result<Vec<Unpacked>> {
    Ok(store::list(root)?
        .into_iter()
        .filter_map(|file| Some(Unpacked { path: file.path.parse().ok()?, executable: file.executable }))
        .collect())
}
