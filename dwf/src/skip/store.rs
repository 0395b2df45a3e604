//! Where records are kept: in the user's own state, which nothing that runs ever sees.
//!
//! Invariant: a record is replaced as a whole, so two dwf at once leave one or the other; what cannot be read for
//! certain is no record.

use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use devflow_oci::hash::sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SkipError;
use super::record::{Head, Record, State, VERSION};
use crate::files;
use crate::identity::Memory;
use crate::name::FullName;

/// Bytes of a record.
const MAX_BYTES: u64 = 4 << 20;
/// Lists of inputs that are remembered, to tell what changed.
const LISTS: usize = 32;

/// The records of one workspace.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// What an engine had, the last time that it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownImage {
    /// The engine's kind.
    pub engine: String,
    /// The fingerprint that the project had.
    pub fingerprint: String,
    /// The image's id.
    pub id: String,
    /// What names its layers.
    pub layers: String,
}

/// What a record says of an action's latest run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Earlier {
    /// Nothing: there is none.
    None,
    /// Nothing, for this reason.
    Unreadable(String),
    /// This.
    Known(State),
}

impl Store {
    /// The records of the workspace at this place, below dwf's own state.
    pub fn new(root: &Path, state: &Path) -> Self {
        Self { folder: state.join("results").join(sha256(root.as_os_str().as_encoded_bytes())) }
    }

    pub(super) fn read(&self, name: &FullName) -> Earlier {
        let path = self.path(name);
        let bytes = match files::read_here(&path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if is_nothing(&error) => return Earlier::None,
            Err(error) => return Earlier::Unreadable(error.to_string()),
        };
        match serde_json::from_slice::<Head>(&bytes) {
            Ok(Head { version: VERSION }) => {}
            Ok(_) => return Earlier::Unreadable("another version of dwf wrote it".to_owned()),
            Err(_) => return Earlier::Unreadable("it is damaged".to_owned()),
        }
        match serde_json::from_slice::<Record>(&bytes) {
            Ok(record) if record.action == name.to_string() => Earlier::Known(record.state),
            _ => Earlier::Unreadable("it is damaged".to_owned()),
        }
    }

    /// Replaces what is known. Where that cannot be, an earlier record goes; where one would stay, that is an error.
    pub(super) fn write(&self, name: &FullName, state: State) -> Result<(), SkipError> {
        let path = self.path(name);
        let record = Record { version: VERSION, action: name.to_string(), state };
        let Err(source) = self.replace(&path, &record) else { return Ok(()) };
        match std::fs::remove_file(&path) {
            Err(error) if !is_nothing(&error) => Err(SkipError { path, source }),
            _ => {
                tracing::debug!(target: "devflow::skip", "{}: not recorded: {source}", path.display());
                Ok(())
            }
        }
    }

    /// The image that the project had last.
    pub fn image(&self) -> Option<KnownImage> {
        self.load(&self.folder.join("image.json"))
    }

    /// Remembers the project's image.
    pub fn keep_image(&self, image: &KnownImage) {
        // Losing it costs a question to the engine.
        let _ = self.replace(&self.folder.join("image.json"), image);
    }

    /// The lists of inputs, by their digests.
    pub(super) fn lists(&self) -> Memory {
        Memory::within(self.folder.join("inputs"), LISTS)
    }

    fn load<T: DeserializeOwned>(&self, path: &Path) -> Option<T> {
        serde_json::from_slice(&files::read_here(path, MAX_BYTES).ok()?).ok()
    }

    fn replace(&self, path: &Path, value: &impl Serialize) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.persist(path).map(|_| ()).map_err(|error| error.error)
    }

    fn path(&self, name: &FullName) -> PathBuf {
        self.folder.join("actions").join(format!("{}.json", sha256(name.to_string())))
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FullName {
        FullName { member: "a".parse().unwrap(), stack: "one".parse().ok(), command: text.parse().unwrap() }
    }

    #[test]
    fn what_is_not_whole_is_no_record() {
        let state = tempfile::tempdir().unwrap();
        let store = Store::new(Path::new("/p"), state.path());
        let (one, two) = (name("test:unit"), name("test:smoke"));
        assert_eq!(store.read(&one), Earlier::None);
        store.write(&one, State::Failed).unwrap();
        assert_eq!(store.read(&one), Earlier::Known(State::Failed));
        let text = std::fs::read_to_string(store.path(&one)).unwrap();
        let newer = text.replace("\"version\":1", "\"version\":2,\"more\":{}");
        for (wrong, reason) in [
            ("", "damaged"),
            (&text[..text.len() - 4], "damaged"),
            ("{\"version\":1}", "damaged"),
            ("[1]", "damaged"),
            (&newer, "another version"),
            // That of another action.
            (&text, "damaged"),
        ] {
            std::fs::write(store.path(&two), wrong).unwrap();
            let Earlier::Unreadable(said) = store.read(&two) else { panic!("{wrong}") };
            assert!(said.contains(reason), "{wrong}: {said}");
        }
        std::fs::write(store.path(&two), vec![b' '; MAX_BYTES as usize + 1]).unwrap();
        assert!(matches!(store.read(&two), Earlier::Unreadable(_)));
        std::fs::remove_file(store.path(&two)).unwrap();
        std::os::unix::fs::symlink(store.path(&one), store.path(&two)).unwrap();
        assert!(matches!(store.read(&two), Earlier::Unreadable(_)));
        store.write(&two, State::Started).unwrap();
        assert_eq!(store.read(&two), Earlier::Known(State::Started));
        assert_eq!(store.read(&one), Earlier::Known(State::Failed));
    }

    #[test]
    fn a_success_that_would_stay_is_an_error() {
        let state = tempfile::tempdir().unwrap();
        // No folder of records can be made here, so there is none to forget.
        let store = Store::new(Path::new("/p"), &state.path().join("file"));
        std::fs::write(state.path().join("file"), "").unwrap();
        assert!(store.write(&name("test:unit"), State::Started).is_ok());
        let store = Store::new(Path::new("/p"), state.path());
        let path = store.path(&name("test:unit"));
        // Nothing can be put over a folder, nor can it be removed like a file.
        std::fs::create_dir_all(path.join("x")).unwrap();
        assert!(store.write(&name("test:unit"), State::Started).is_err());
    }
}
