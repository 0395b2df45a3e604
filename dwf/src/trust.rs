//! Consent: what a project may only do after its user said so, outside the project.
//!
//! Invariant: consent is bound to the project's place and to what it was given for; a change of
//! either takes it away.

use std::path::{Path, PathBuf};

use devflow_oci::hash::{sha256, sha256_framed};

use crate::error::{Exit, Explain};
use crate::files;
use crate::project::Project;

/// Bytes of an executable that consent can be given to.
const EXECUTABLE: u64 = 256 << 20;

/// Something was refused.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The project wants to run on this machine.
    #[error("this project asks to run on the host, and nobody outside it has agreed")]
    Host,
    /// The project brought an extension.
    #[error("extension `{0}` came with this project, and nobody outside it has agreed to start it")]
    Extension(String),
    /// The workspace is another user's.
    #[error("{} belongs to another user", .0.display())]
    Owner(PathBuf),
    /// Consent could not be recorded.
    #[error("consent cannot be recorded in {}", .0.display())]
    Record(PathBuf, #[source] std::io::Error),
}

impl Explain for TrustError {
    fn exit(&self) -> Exit {
        match self {
            Self::Record(..) => Exit::Machine,
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Host => Some(
                "if you trust it: --profile host for once, or for this configuration: dwf trust".to_owned(),
            ),
            Self::Extension(_) => Some("if you have read it and trust it: dwf trust".to_owned()),
            Self::Owner(_) => Some("run dwf as the owner of the project".to_owned()),
            Self::Record(..) => None,
        }
    }
}

/// Where a user's consent to one project stands.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    digest: String,
}

impl Record {
    /// The record for a project as it is now.
    pub fn new(project: &Project, state: &Path) -> Self {
        let root = sha256(project.root.as_os_str().as_encoded_bytes());
        let text = project.config.source.as_ref().map(|source| source.text.to_string()).unwrap_or_default();
        // Which bytes a lock pins is part of what was seen; that they are these is looked at when they start.
        let lock = project.lock.as_ref().map(|lock| lock.source.text.to_string()).unwrap_or_default();
        let mut parts = vec![text.into_bytes(), lock.into_bytes()];
        for (name, section) in &project.config.file.extensions {
            if let Some(path) = &section.path {
                parts.push(name.get_ref().as_str().as_bytes().to_vec());
                // What cannot be read cannot be started either.
                parts.push(files::read(&project.root.join(path.get_ref()), EXECUTABLE).unwrap_or_default());
            }
        }
        Self { path: state.join("trust").join(root), digest: sha256_framed(parts) }
    }

    /// Whether consent was given to exactly this.
    pub fn given(&self) -> bool {
        std::fs::read_to_string(&self.path).is_ok_and(|text| text.trim() == self.digest)
    }

    /// Records consent.
    pub fn give(&self) -> Result<(), TrustError> {
        use std::os::unix::fs::DirBuilderExt;

        let failed = |error| TrustError::Record(self.path.clone(), error);
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        std::io::Write::write_all(&mut file, format!("{}\n", self.digest).as_bytes()).map_err(failed)?;
        file.persist(&self.path).map(|_| ()).map_err(|error| failed(error.error))
    }
}

/// Refuses a project of another user, unless root asks.
pub fn check_owner(project: &Project, uid: u32) -> Result<(), TrustError> {
    use std::os::unix::fs::MetadataExt;

    let owner = project.root.metadata().map(|meta| meta.uid()).unwrap_or(u32::MAX);
    if uid == 0 || owner == uid { Ok(()) } else { Err(TrustError::Owner(project.root.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_for_exactly_what_was_seen() {
        let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let config = "[project]\nstack = [\"x\"]\n[extensions.x]\npath = \"tools/x\"\n";
        std::fs::create_dir(dir.path().join("tools")).unwrap();
        std::fs::write(dir.path().join("tools/x"), "one").unwrap();
        std::fs::write(dir.path().join("devflow.toml"), config).unwrap();
        let record = || Record::new(&Project::load(dir.path()).unwrap(), state.path());
        assert!(!record().given());
        record().give().unwrap();
        assert!(record().given());
        std::fs::write(dir.path().join("tools/x"), "two").unwrap();
        assert!(!record().given());
        std::fs::write(dir.path().join("tools/x"), "one").unwrap();
        assert!(record().given());
        let lock = dir.path().join("devflow.lock");
        std::fs::write(&lock, "version = 1\n").unwrap();
        assert!(!record().given());
        std::fs::remove_file(&lock).unwrap();
        assert!(record().given());
        std::fs::write(dir.path().join("devflow.toml"), format!("{config}# more\n")).unwrap();
        assert!(!record().given());
    }
}
