//! What scans: the installed program, or its image.

use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use devflow_oci::reference::ImageRefError;
use devflow_oci::{Container, ImageName, ImageRef, scan, store, user_args};

use super::{Folder, Scan, ScanError, TIDY, WORK, ended};
use crate::engine::{last_line, on_path, run_unless};
use crate::error::{Error, printable};
use crate::estate::Estate;
use crate::owner::LABEL;
use crate::process::{self, CaptureError, Captured};
use crate::session::{self, Target};

/// The folder of the database, in the cache root; no cache can be called so.
const DATABASE: &str = ".scan";
/// Lines of what it said that are shown when it broke.
const WORDS: usize = 12;

/// What scans.
#[derive(Debug)]
pub enum Scanner {
    /// The program of this machine.
    Program(PathBuf),
    /// Its image, which the engine has.
    Image(ImageRef),
}

impl fmt::Display for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(path) => path.display().fmt(f),
            Self::Image(name) => name.fmt(f),
        }
    }
}

/// What a scanner's container is given besides.
#[derive(Debug)]
pub struct Sandbox {
    /// What would be left of it if dwf were killed.
    pub estate: Estate,
    /// Whether SELinux would keep it from its folders.
    pub selinux: bool,
}

impl Scan<'_> {
    /// The program on `PATH`; else its image, which is pulled when the engine does not have it.
    pub async fn scanner(&mut self, root: &Path, wanted: Option<&ImageRef>) -> Result<Scanner, Error> {
        if let Some(program) = on_path(scan::PROGRAM, root, self.world) {
            return Ok(Scanner::Program(program));
        }
        let ours = || {
            let wrong = |error: ImageRefError| ScanError::Ask {
                name: scan::IMAGE.to_owned(),
                reason: error.to_string(),
            };
            scan::IMAGE.parse::<ImageRef>().map_err(wrong)
        };
        let name = wanted.cloned().map_or_else(ours, Ok)?;
        if self.look(&name).await?.is_some() {
            return Ok(Scanner::Image(name));
        }
        self.reporter.note(&format!("pulling {name}, for there is no `{}` on PATH …", scan::PROGRAM));
        let pull = store::pull(self.engine, &name);
        let missing =
            |reason: String| ScanError::Missing { image: name.to_string(), pull: pull.to_string(), reason };
        let reason = match run_unless(&pull, self.world, self.signals.within(WORK)).await {
            Ok(Ok(said)) if said.status.success() => return Ok(Scanner::Image(name)),
            Ok(Ok(said)) => last_line(&said.stderr).unwrap_or_default(),
            Ok(Err(error)) => error.to_string(),
            Err((number, mut process)) => {
                process.end(self.signals.within(TIDY)).await;
                return Err(ended(number, || missing(CaptureError::Timeout(WORK).to_string())));
            }
        };
        Err(missing(reason).into())
    }

    /// Lets a scanner read the archive of a folder and write its report there.
    pub(super) async fn run(
        &mut self,
        scanner: &Scanner,
        sandbox: &Sandbox,
        folder: &Folder,
    ) -> Result<(), Error> {
        let (invocation, target) = match scanner {
            Scanner::Program(program) => (scan::run(program, folder.path()), None),
            Scanner::Image(name) => {
                let container = self.container(name, sandbox, folder)?;
                let target = Target { engine: self.engine.clone(), name: container.name.clone() };
                (container.run(self.engine).map_err(ScanError::Container)?, Some(target))
            }
        };
        let broke = |how: String, words: &str| ScanError::Broke {
            scanner: scanner.to_string(),
            how,
            words: last_lines(words),
        };
        match run_unless(&invocation, self.world, self.signals.within(WORK)).await {
            Ok(Ok(Captured { status, stderr, .. })) => match status.success() {
                true => Ok(()),
                false => Err(broke(process::ending(status), &stderr).into()),
            },
            Ok(Err(error)) => Err(broke(error.to_string(), "").into()),
            Err((number, mut process)) => {
                match &target {
                    Some(_) => session::stop(&mut process, target.as_ref(), TIDY, self.world).await?,
                    None => process.end(self.signals.within(TIDY)).await,
                }
                Err(ended(number, || broke(CaptureError::Timeout(WORK).to_string(), "")))
            }
        }
    }

    fn container(&self, name: &ImageRef, sandbox: &Sandbox, folder: &Folder) -> Result<Container, ScanError> {
        // Whoever runs dwf made these folders; the project may be somebody else's.
        let meta = folder.path().metadata().map_err(|error| folder.failed(error))?;
        let user = user_args(self.engine, (meta.uid(), meta.gid()), None).map_err(ScanError::User)?;
        let database = self.database()?;
        let folders = (folder.path(), database.as_path());
        let id = format!("dwf-{}-scan", sandbox.estate.run);
        let image = ImageName::Ref(name.clone());
        let mut container = scan::container(&id, image, user, folders, |name| self.world.var(name));
        container.labels = [("dwf.run", &sandbox.estate.run), (LABEL, &sandbox.estate.owner)]
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .into();
        container.unconfined_labels = sandbox.selinux;
        Ok(container)
    }

    /// The scanner's database, which outlives a scan.
    fn database(&self) -> Result<PathBuf, ScanError> {
        let path = self.cache_root.join(DATABASE);
        let failed = |error| ScanError::Folder(path.clone(), error);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        // A link could lead a container to write anywhere.
        match path.symlink_metadata().map_err(failed)?.is_dir() {
            true => Ok(path),
            false => Err(failed(std::io::ErrorKind::NotADirectory.into())),
        }
    }
}

/// The last lines of what was said, safe to print.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = &lines[lines.len().saturating_sub(WORDS)..];
    lines.iter().map(|line| format!("  {}", printable(line.trim_end(), 400))).collect::<Vec<_>>().join("\n")
}
