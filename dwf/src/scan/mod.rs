//! Looking for known vulnerabilities in an image: it is saved as an archive, scanned, and judged.
//!
//! Invariant: only a whole report that could be read, about an image that was saved to its end, is an answer; anything
//! else is an error. The scanner never sees an engine's socket.

mod error;
mod folder;
mod scanner;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_oci::scan::{self, Report};
use devflow_oci::{Engine, Image, ImageName, ImageRef, inspect, store};

use crate::engine::{last_line, pour_unless, run};
use crate::error::Error;
use crate::files;
use crate::process::CaptureError;
use crate::report::Reporter;
use crate::signals::{Interrupted, Signals};
use crate::world::World;

pub use error::ScanError;
use folder::Folder;
pub use scanner::{Sandbox, Scanner};

/// For a question to the engine.
const ASK: Duration = Duration::from_secs(30);
/// For saving an image, for pulling the scanner's, and for scanning.
const WORK: Duration = Duration::from_secs(3600);
/// For what was stopped to remove what it made.
const TIDY: Duration = Duration::from_secs(10);
/// Bytes of an archive.
const ARCHIVE: u64 = 64 << 30;
/// Bytes of a report.
const REPORT: u64 = 256 << 20;
/// Bytes of a list of accepted findings.
const IGNORED: u64 = 1 << 20;

/// What scans with.
pub struct Scan<'a> {
    /// The engine that has the image.
    pub engine: &'a Engine,
    /// The surroundings.
    pub world: &'a World,
    /// The cache root, with links resolved.
    pub cache_root: &'a Path,
    /// The printer.
    pub reporter: &'a mut Reporter,
    /// What ends it early.
    pub signals: &'a mut Signals,
}

/// A report, and its very bytes.
#[derive(Debug)]
pub struct Scanned {
    /// What was found.
    pub report: Report,
    /// What the scanner wrote.
    pub json: Vec<u8>,
}

impl Scan<'_> {
    /// What the engine knows of an image; `None` where it is not there.
    pub async fn look(&mut self, name: &ImageRef) -> Result<Option<Image>, Error> {
        let failed = |reason: String| ScanError::Ask { name: name.to_string(), reason };
        let question = inspect::inspect(self.engine, name);
        let said = self.signals.unless(run(&question, self.world, ASK)).await?;
        let said = said.map_err(|error| failed(error.to_string()))?;
        let found = inspect::parse_inspect(said.status.success(), &said.stdout, &said.stderr);
        Ok(found.map_err(|error| failed(error.to_string()))?)
    }

    /// Scans an image, but for the findings that the project accepts.
    pub async fn scan(
        &mut self,
        name: &ImageRef,
        image: &Image,
        ignored: &[u8],
        scanner: &Scanner,
        sandbox: &Sandbox,
    ) -> Result<Scanned, Error> {
        let folder = Folder::new(self.cache_root)?;
        folder.create(scan::IGNORED)?.write_all(ignored).map_err(|error| folder.failed(error))?;
        self.reporter.note(&format!("saving {name} …"));
        self.save(name, image, &folder).await?;
        self.reporter.note(&format!("scanning with {scanner} …"));
        self.run(scanner, sandbox, &folder).await?;
        // What scanned may have left anything there.
        let json =
            files::read_here(&folder.path().join(scan::REPORT), REPORT).map_err(ScanError::NoReport)?;
        let report = Report::parse(&json).map_err(ScanError::Report)?;
        Ok(Scanned { report, json })
    }

    /// Writes the very image that was looked at into an archive.
    async fn save(&mut self, name: &ImageRef, image: &Image, folder: &Folder) -> Result<(), Error> {
        let failed = |reason: String| ScanError::Save { name: name.to_string(), reason };
        let save = store::save(self.engine, &ImageName::Id(image.id.clone()));
        let file = folder.create(scan::ARCHIVE)?;
        let saved = pour_unless(&save, self.world, (file, ARCHIVE), self.signals.within(WORK)).await;
        match saved {
            Ok(Ok(said)) if said.status.success() => Ok(()),
            Ok(Ok(said)) => Err(failed(last_line(&said.stderr).unwrap_or_default()).into()),
            Ok(Err(CaptureError::Keep(error))) => Err(folder.failed(error).into()),
            Ok(Err(error)) => Err(failed(error.to_string()).into()),
            Err((number, mut process)) => {
                process.end(self.signals.within(TIDY)).await;
                Err(ended(number, || failed(CaptureError::Timeout(WORK).to_string())))
            }
        }
    }
}

/// The findings that a project accepts, in a file of its own; none where there is no such file.
pub fn ignored(root: &Path) -> Result<Option<Vec<u8>>, ScanError> {
    let path = root.join(scan::IGNORE_FILE);
    match files::read_here(&path, IGNORED) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ScanError::Ignored(path, error)),
    }
}

/// A file that a report is to be written to.
#[derive(Debug)]
pub struct Destination(PathBuf);

impl Destination {
    /// Only a regular file is replaced; whether there can be one is known before anything is scanned.
    pub fn new(path: PathBuf) -> Result<Self, ScanError> {
        let wrong = |reason: &'static str| Err(ScanError::Destination(path.clone(), reason));
        match path.symlink_metadata() {
            Ok(meta) if !meta.is_file() => return wrong("it is there, and is not a regular file"),
            _ => {}
        }
        match path.parent() {
            Some(folder) if folder.is_dir() && path.file_name().is_some() => Ok(Self(path)),
            _ => wrong("its folder does not exist"),
        }
    }

    /// Writes the report, whole or not at all.
    pub fn write(&self, json: &[u8]) -> Result<(), ScanError> {
        let failed = |error| ScanError::Write(self.0.clone(), error);
        let folder = self.0.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)
            .map_err(failed)?;
        file.write_all(json).map_err(failed)?;
        file.persist(&self.0).map(drop).map_err(|error| failed(error.error))
    }
}

fn ended(number: Option<i32>, late: impl FnOnce() -> ScanError) -> Error {
    match number {
        Some(number) => Interrupted(number).into(),
        None => late().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_a_project_accepts_is_its_own() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ignored(dir.path()).unwrap(), None);
        let path = dir.path().join(scan::IGNORE_FILE);
        std::fs::write(&path, "CVE-1\n").unwrap();
        assert_eq!(ignored(dir.path()).unwrap().unwrap(), b"CVE-1\n");
        std::fs::rename(&path, dir.path().join("elsewhere")).unwrap();
        symlink(dir.path().join("elsewhere"), &path).unwrap();
        assert!(ignored(dir.path()).unwrap_err().to_string().contains(".trivyignore"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(ignored(dir.path()).is_err());
    }

    #[test]
    fn a_report_replaces_regular_files_only() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("old"), "old").unwrap();
        for name in ["old", "new"] {
            Destination::new(at(name)).unwrap().write(b"{}").unwrap();
            assert_eq!(std::fs::read(at(name)).unwrap(), b"{}");
            assert_eq!(at(name).metadata().unwrap().permissions().mode() & 0o777 & !0o644, 0);
        }
        symlink(at("old"), at("link")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        for name in ["link", "folder", "none/x", "old/x", ".."] {
            assert!(Destination::new(at(name)).is_err(), "{name}");
        }
        assert!(Destination::new("/dev/null".into()).is_err());
    }
}
