//! What devflow.lock pins: found in the store, or where it was pinned.
//!
//! Invariant: what is found here says which bytes it has to be; only `launch` reads them, since what it hashed is what
//! runs. What can only be told, because nothing could start, is told here.

use std::path::{Path, PathBuf};

use devflow_protocol::name::ExtensionName;

use super::{DiscoverError, Found, Origin, Pinned, Places, Witness, executable, unusable};
use crate::config::Diagnostic;
use crate::error::{Exit, Explain};
use crate::lock::{self, Artifact, Entry, Hash, Kind, Lock, Platform, Source};
use crate::store::{self, Mismatch, PROGRAM, Store, StoreError};

/// Why what is pinned cannot be had, or what is not pinned may not be.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The lock says nothing about this platform.
    #[error("extension `{name}` is not pinned for {platform}")]
    Platform {
        /// Its name.
        name: ExtensionName,
        /// This platform.
        platform: String,
        /// Where the lock speaks of it.
        place: String,
    },
    /// Only what is pinned may be used.
    #[error("{} does not pin {}, and --locked (or CI) allows nothing else", lock::FILE, listed(.0))]
    Unpinned(Vec<ExtensionName>),
    /// It was not fetched yet.
    #[error("extension `{name}` is not in the store")]
    NotInStore {
        /// Its name.
        name: ExtensionName,
        /// Where it is to come from.
        source_shown: String,
    },
    /// A file that was pinned cannot be read.
    #[error("extension `{name}` is pinned, and {path} cannot be used")]
    Unreadable {
        /// Its name.
        name: ExtensionName,
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// devflow.toml and the lock name different files.
    #[error("`path` of extension `{name}` is not what {} pins", lock::FILE)]
    Disagreement {
        /// Its name.
        name: ExtensionName,
        /// Both places.
        places: String,
    },
    /// The bytes are others.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn listed(names: &[ExtensionName]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Explain for PinError {
    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            _ => Exit::Refused,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Platform { place, .. } => Some(place.clone()),
            Self::NotInStore { source_shown, .. } => Some(format!("  source  {source_shown}")),
            Self::Disagreement { places, .. } => Some(places.clone()),
            Self::Mismatch(error) => error.detail(),
            Self::Store(error) => error.detail(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Platform { name, .. } => {
                Some(format!("on a machine of this kind: dwf ext pin {name} (or its address)"))
            }
            Self::Unpinned(names) => {
                let names: Vec<&str> = names.iter().map(ExtensionName::as_str).collect();
                Some(format!("pin them, and commit {}: dwf ext pin {}", lock::FILE, names.join(" ")))
            }
            Self::NotInStore { .. } => Some("get it: dwf ext sync".to_owned()),
            Self::Unreadable { name, .. } | Self::Disagreement { name, .. } => {
                Some(format!("pin the one that is meant: dwf ext pin {name}, or dwf ext update {name}"))
            }
            Self::Mismatch(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

impl Places<'_> {
    /// Refuses what the lock does not pin when `locked`; in CI it does so anyway where there is a lock.
    pub fn locked(mut self, locked: bool) -> Self {
        self.locked = locked || (self.world.ci() && self.project.lock.is_some());
        self
    }

    /// Fails when only what is pinned may be used and some of these are not.
    pub fn all_pinned<'a>(&self, names: impl Iterator<Item = &'a ExtensionName>) -> Result<(), PinError> {
        let pinned = |name: &ExtensionName| self.lock().is_some_and(|lock| lock.entry(name).is_some());
        let missing: Vec<ExtensionName> =
            names.filter(|name| self.locked && !pinned(name)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(PinError::Unpinned(missing)) }
    }

    fn lock(&self) -> Option<&Lock> {
        self.project.lock.as_ref()
    }

    /// What is pinned under a name; `None` when nothing is.
    pub fn pinned(&self, name: &ExtensionName) -> Result<Option<Found>, DiscoverError> {
        let Some((lock, entry)) = self.lock().and_then(|lock| Some((lock, lock.entry(name)?))) else {
            return Ok(None);
        };
        let Some(artifact) = Platform::this().and_then(|platform| entry.artifact(platform)) else {
            let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
            let place = lock.place(entry.name.span());
            return Err(PinError::Platform { name: name.clone(), platform, place }.into());
        };
        self.agreed(lock, entry, artifact)?;
        let store = Store::new(self.world).map_err(StoreError::World).map_err(PinError::Store)?;
        let stored = store.find(&artifact.executable).map_err(PinError::Store)?;
        let is_stored = stored.is_some();
        let stored = stored.map(|root| match (&artifact.entry, entry.kind) {
            (Some(inside), Kind::Tree) => (root.join(inside.get_ref().as_str()), root),
            _ => (root.join(PROGRAM), root),
        });
        let mut witness = None;
        let (path, root) = match (artifact.source.get_ref(), stored) {
            (Source::Project(source), stored) => {
                let (seen, here) = self.in_project(entry, artifact, source.as_str())?;
                match (stored, here) {
                    (Some(stored), _) => {
                        witness = Some(seen);
                        stored
                    }
                    (None, Some(here)) => here,
                    // Nothing can start; but an archive that was changed is the first thing to know.
                    (None, None) => {
                        let shown = artifact.source.get_ref().to_string();
                        seen.compare(name, &shown)?;
                        return Err(not_in_store(name, artifact).into());
                    }
                }
            }
            (_, Some(stored)) => stored,
            (Source::Installed, None) => {
                let found = self.search(name)?;
                let root = found.path.parent().map(Path::to_owned).unwrap_or_default();
                (found.path, root)
            }
            (Source::Url(_) | Source::File(_), None) => return Err(not_in_store(name, artifact).into()),
        };
        executable(&path, self.world).map_err(|reason| unusable(name, &path, reason))?;
        let home = self.world.home().map_err(StoreError::World).map_err(PinError::Store)?;
        let pin = Pinned {
            kind: entry.kind,
            sha256: artifact.executable.hex().to_owned(),
            root,
            reads: entry.reads.iter().map(|folder| folder.path(&home)).collect(),
            brought: !entry.reads.is_empty() || matches!(artifact.source.get_ref(), Source::Project(_)),
            stored: is_stored,
            source_shown: artifact.source.get_ref().to_string(),
            witness,
        };
        Ok(Some(Found {
            name: name.clone(),
            path,
            origin: Origin::Lock,
            shadows: Vec::new(),
            pin: Some(pin),
        }))
    }

    /// What is pinned in the project, and the program and its folder, unless it is in an archive.
    fn in_project(
        &self,
        entry: &Entry,
        artifact: &Artifact,
        source: &str,
    ) -> Result<(Witness, Option<(PathBuf, PathBuf)>), PinError> {
        let unreadable = |cause| PinError::unreadable(entry.name.get_ref(), source, cause);
        let path = self.project.root.join(source).canonicalize().map_err(unreadable)?;
        if !path.starts_with(&self.project.root) {
            return Err(unreadable(std::io::Error::other("a link leads out of the project")));
        }
        let (hash, tree, here) = match (&artifact.archive, &artifact.entry, entry.kind) {
            (Some(archive), ..) => (archive, false, None),
            (None, Some(inside), Kind::Tree) => {
                let here = (path.join(inside.get_ref().as_str()), path.clone());
                (&artifact.executable, true, Some(here))
            }
            (None, ..) => {
                let root = path.parent().map(Path::to_owned).unwrap_or_default();
                (&artifact.executable, false, Some((path.clone(), root)))
            }
        };
        Ok((Witness { path, tree, hash: hash.clone() }, here))
    }

    /// Fails when devflow.toml names another file than the lock.
    fn agreed(&self, lock: &Lock, entry: &Entry, artifact: &Artifact) -> Result<(), PinError> {
        let name = entry.name.get_ref();
        let sections = &self.project.config.file.extensions;
        let section = sections.iter().find(|(known, _)| known.get_ref() == name);
        let Some(written) = section.and_then(|(_, section)| section.path.as_ref()) else { return Ok(()) };
        let written_path: PathBuf = Path::new(written.get_ref()).components().collect();
        let pinned_path = match (artifact.source.get_ref(), &artifact.entry, entry.kind) {
            (Source::Project(folder), Some(inside), Kind::Tree) => {
                Some(Path::new(folder.as_str()).join(inside.get_ref().as_str()))
            }
            (Source::Project(file), ..) => Some(PathBuf::from(file.as_str())),
            _ => None,
        };
        let same_path = pinned_path.is_some_and(|path| path == written_path);
        let same_bytes = || {
            let hash = self
                .project
                .root
                .join(written.get_ref())
                .canonicalize()
                .and_then(|path| store::hash_file(&path));
            entry.kind != Kind::Tree && hash.is_ok_and(|hash| hash == artifact.executable.hex())
        };
        if same_path || same_bytes() {
            return Ok(());
        }
        let source = self.project.config.source.as_ref();
        let config = source.map(|source| Diagnostic::new(source, written.span(), "").shown());
        let pinned = lock.place(artifact.source.span());
        let places = config.into_iter().chain([pinned]).collect::<Vec<_>>().join("\n");
        Err(PinError::Disagreement { name: name.clone(), places })
    }
}

fn not_in_store(name: &ExtensionName, artifact: &Artifact) -> PinError {
    PinError::NotInStore { name: name.clone(), source_shown: artifact.source.get_ref().to_string() }
}

impl PinError {
    fn unreadable(name: &ExtensionName, path: &str, cause: std::io::Error) -> Self {
        Self::Unreadable { name: name.clone(), path: path.to_owned(), cause }
    }

    /// The bytes of a file or folder are others than those that are pinned.
    fn mismatch(name: &ExtensionName, path: &Path, source: &str, expected: Hash, found: String) -> Self {
        Self::Mismatch(Box::new(Mismatch {
            what: format!("extension `{name}` ({})", path.display()),
            source_shown: source.to_owned(),
            expected,
            found,
            next: format!("if the new bytes are meant: dwf ext update {name}"),
        }))
    }
}

impl Pinned {
    /// What to say of bytes that could not be read, or whose hash is `Ok` and not the pinned one.
    pub fn refuse(&self, name: &ExtensionName, path: &Path, found: std::io::Result<String>) -> PinError {
        let shown = || path.display().to_string();
        match (found, Hash::from_hex(&self.sha256)) {
            (Ok(found), _) if self.stored => StoreError::Changed { path: self.root.clone(), found }.into(),
            (Err(cause), _) if self.stored => StoreError::Io(self.root.clone(), cause).into(),
            (Ok(found), Some(expected)) => {
                PinError::mismatch(name, path, &self.source_shown, expected, found)
            }
            (Ok(_), None) => {
                PinError::unreadable(name, &shown(), std::io::Error::other("its pin is no SHA-256"))
            }
            (Err(cause), _) => PinError::unreadable(name, &shown(), cause),
        }
    }
}

impl Witness {
    /// Fails unless it still is what the lock says.
    pub fn compare(&self, name: &ExtensionName, source: &str) -> Result<(), PinError> {
        let Self { path, tree, hash } = self;
        let found = if *tree { store::hash_tree(path) } else { store::hash_file(path) };
        match found {
            Ok(found) if found == hash.hex() => Ok(()),
            Ok(found) => Err(PinError::mismatch(name, path, source, hash.clone(), found)),
            Err(cause) => Err(PinError::unreadable(name, &path.display().to_string(), cause)),
        }
    }
}
