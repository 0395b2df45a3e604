//! Consent: what a project may only do after its user said so, outside the project.
//!
//! Invariant: consent is bound to the project's place and to the very bytes it was given for; a
//! change of either takes it away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use devflow_oci::hash::{is_sha256, sha256, sha256_framed};

use crate::error::{Exit, Explain, printable};
use crate::files;
use crate::project::Project;
use crate::world::World;

/// The variable by which one's own CI consents to extensions: hashes, with commas between them.
const VARIABLE: &str = "DWF_TRUST";

/// Bytes of a record.
const RECORD: u64 = 64 << 10;

/// Something was refused.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The project wants to run on this machine.
    #[error("this project asks to run on the host, and nobody outside it has agreed")]
    Host,
    /// The project brought an extension.
    #[error("extension `{name}` came with this project, and nobody outside it has agreed to start it")]
    Extension {
        /// Its name.
        name: String,
        /// Its file.
        path: PathBuf,
        /// What consent would be bound to.
        sha256: String,
        /// What the project wants it to read besides.
        reads: Vec<PathBuf>,
    },
    /// The workspace is another user's.
    #[error("{} belongs to another user", .0.display())]
    Owner(PathBuf),
    /// Consent could not be recorded.
    #[error("consent cannot be recorded in {}", .0.display())]
    Record(PathBuf, #[source] std::io::Error),
    /// The variable holds something else.
    #[error("{VARIABLE} is a list of SHA-256 hashes with commas between them, and {0:?} is none")]
    Variable(String),
}

impl Explain for TrustError {
    fn exit(&self) -> Exit {
        match self {
            Self::Record(..) => Exit::Machine,
            Self::Variable(_) => Exit::Usage,
            _ => Exit::Refused,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Extension { path, sha256, reads, .. } => {
                let reads = reads.iter().map(|folder| format!("\n  reads   {}", folder.display()));
                Some(format!("  file    {}\n  sha256  {sha256}{}", path.display(), reads.collect::<String>()))
            }
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Host => Some(
                "if you trust it: --profile host for once, or for this configuration: dwf trust".to_owned(),
            ),
            Self::Extension { name, sha256, .. } => Some(format!(
                "if you have read it and trust it: dwf ext trust {name} (all that the project brought: \
                 dwf trust; in a CI of your own: {VARIABLE}={sha256})"
            )),
            Self::Owner(_) => Some("run dwf as the owner of the project".to_owned()),
            Self::Record(..) | Self::Variable(_) => None,
        }
    }
}

/// Where a user's consent to one project stands: a line for each thing that was agreed to.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    host: String,
    lines: BTreeSet<String>,
}

impl Record {
    /// The record of a project as it is now.
    pub fn new(project: &Project, state: &Path) -> Self {
        let root = sha256(project.root.as_os_str().as_encoded_bytes());
        let path = state.join("trust").join(root);
        let text = project.config.source.as_ref().map(|source| source.text.to_string()).unwrap_or_default();
        // A record that cannot be read agrees to nothing.
        let lines = files::read(&path, RECORD).unwrap_or_default();
        let lines = String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect();
        // Which bytes a lock pins is part of what was seen.
        let lock = project.lock.as_ref().map(|lock| lock.source.text.to_string()).unwrap_or_default();
        Self { path, host: format!("host {}", sha256_framed([text, lock])), lines }
    }

    /// Whether this project may decide, as it is configured now, to run on the host.
    pub fn given(&self) -> bool {
        self.lines.contains(&self.host)
    }

    /// Consents to the project as it is configured now.
    pub fn give(&mut self) -> Result<(), TrustError> {
        self.lines.retain(|line| !line.starts_with("host "));
        self.lines.insert(self.host.clone());
        self.write()
    }

    /// Consents to an extension that is exactly this.
    pub fn allow(&mut self, sha256: &str) -> Result<(), TrustError> {
        self.lines.insert(extension(sha256));
        self.write()
    }

    /// Whose consent it takes to start what came with the project.
    pub fn consent(&self, world: &World) -> Result<Consent, TrustError> {
        let lines = self.lines.iter().filter_map(|line| line.strip_prefix("extension "));
        let mut agreed: BTreeSet<String> = lines.map(str::to_owned).collect();
        for text in world.var(VARIABLE).into_iter().flat_map(|text| text.split(',')).map(str::trim) {
            let hash = text.strip_prefix("sha256:").unwrap_or(text);
            if !is_sha256(hash) {
                return Err(TrustError::Variable(printable(text, 80)));
            }
            agreed.insert(hash.to_owned());
        }
        Ok(Consent(agreed))
    }

    fn write(&self) -> Result<(), TrustError> {
        use std::os::unix::fs::DirBuilderExt;

        let failed = |error| TrustError::Record(self.path.clone(), error);
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let text: String = self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
        file.persist(&self.path).map(|_| ()).map_err(|error| failed(error.error))
    }
}

/// What consent is bound to: the bytes, and with them what they are to read besides.
pub fn token(sha256: &str, reads: &[PathBuf]) -> String {
    let paths = reads.iter().map(|folder| folder.as_os_str().as_encoded_bytes());
    match reads {
        [] => sha256.to_owned(),
        _ => sha256_framed(std::iter::once(sha256.as_bytes()).chain(paths)),
    }
}

fn extension(sha256: &str) -> String {
    format!("extension {sha256}")
}

/// The extensions of one project that may be started.
#[derive(Debug, Clone, Default)]
pub struct Consent(BTreeSet<String>);

impl Consent {
    /// Whether these bytes were agreed to.
    pub fn covers(&self, sha256: &str) -> bool {
        self.0.contains(sha256)
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
        let config = "[project]\nstack = [\"x\"]\n";
        let write = |text: &str| std::fs::write(dir.path().join("devflow.toml"), text).unwrap();
        let record = || Record::new(&Project::load(dir.path()).unwrap(), state.path());
        let mut world = World::read().unwrap();
        let (one, two) = (sha256("one"), sha256("two"));

        write(config);
        record().allow(&one).unwrap();
        assert!(!record().given());
        record().give().unwrap();
        assert!(record().given());
        write(&format!("{config}# more\n"));
        assert!(!record().given());
        let consent = record().consent(&world).unwrap();
        assert!(consent.covers(&one) && !consent.covers(&two));

        world.env.insert(VARIABLE.to_owned(), format!("sha256:{two}, {}", sha256("three")));
        assert!(record().consent(&world).unwrap().covers(&two));
        for bad in ["yes", ",", &two.to_uppercase(), &format!("{two} {two}")] {
            world.env.insert(VARIABLE.to_owned(), bad.to_owned());
            assert!(record().consent(&world).is_err(), "{bad}");
        }
    }
}
