//! Writing a recording while extensions are talked to.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use devflow_protocol::client::{Tap, To};
use devflow_protocol::name::ExtensionName;
use serde_json::value::RawValue;

use super::{Entry, TranscriptError};
use crate::files;

/// A file that hears every conversation of a run. A failed write ends the recording, not the run.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Mutex<Option<File>>>);

impl Recorder {
    /// Begins a recording; one of an earlier run that is there is lost.
    pub fn create(path: &Path) -> Result<Self, TranscriptError> {
        let file =
            files::create_private(path).map_err(|error| TranscriptError::Write(path.to_owned(), error))?;
        Ok(Self(Arc::new(Mutex::new(Some(file)))))
    }

    /// What listens to one extension.
    pub fn tap(&self, extension: &ExtensionName) -> Tap {
        let (recorder, extension) = (self.clone(), extension.clone());
        Arc::new(move |to, line| recorder.hear(&extension, to, line))
    }

    fn hear(&self, extension: &ExtensionName, to: To, line: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = kept.as_mut() else { return };
        if let Err(error) = write(file, extension, to, line) {
            tracing::warn!(target: "devflow", "the recording ends here, it cannot be written: {error}");
            *kept = None;
        }
    }
}

fn write(file: &mut File, extension: &ExtensionName, to: To, line: &str) -> io::Result<()> {
    let message: Option<&RawValue> = serde_json::from_str(line).ok();
    let line = message.is_none().then(|| line.into());
    let mut out = serde_json::to_vec(&Entry { extension: extension.clone(), to, message, line })?;
    out.push(b'\n');
    // In one write, so that a run that is killed leaves whole lines.
    file.write_all(&out)
}
