//! Finding extensions: which file is `devflow-ext-<name>`, and why it may be believed.
//!
//! Invariant: nothing here starts a program, and the operating system never searches for one.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use devflow_protocol::name::ExtensionName;
use serde::Serialize;

use crate::config::Diagnostic;
use crate::error::{Exit, Explain};
use crate::lock::{Hash, Kind};
use crate::project::Project;
use crate::world::{PathFolder, World};

mod pinned;

#[cfg(test)]
mod tests;

pub use pinned::PinError;

const PREFIX: &str = "devflow-ext-";

/// Where an extension was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A `DWF_EXT_<NAME>` variable.
    Variable,
    /// devflow.lock.
    Lock,
    /// `path` in devflow.toml.
    Config,
    /// The folder of dwf itself.
    Own,
    /// A folder of `PATH`.
    SearchPath,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Variable => "from the environment",
            Self::Lock => "pinned by devflow.lock",
            Self::Config => "from devflow.toml",
            Self::Own => "came with dwf",
            Self::SearchPath => "on PATH",
        })
    }
}

/// An extension that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its name.
    pub name: ExtensionName,
    /// Its file, absolute.
    pub path: PathBuf,
    /// Where it was found.
    pub origin: Origin,
    /// Files of the same name that come later.
    pub shadows: Vec<PathBuf>,
    /// Which bytes it has to be, when devflow.lock says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pinned>,
}

impl Found {
    /// What it has to be able to read besides the project and itself.
    pub fn reads(&self) -> &[PathBuf] {
        self.pin.as_ref().map_or(&[], |pin| &pin.reads)
    }
}

/// Exactly which bytes an extension is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pinned {
    /// What the bytes are.
    pub kind: Kind,
    /// SHA-256 of the file, or of a tree's listing: 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The folder of a tree, or the folder that the file is in.
    pub root: PathBuf,
    /// Folders outside that it has to be able to read.
    pub reads: Vec<PathBuf>,
    /// Whether the bytes, or the wish to read more, came with the project.
    pub brought: bool,
    /// Whether `root` is a folder of the store.
    #[serde(skip)]
    pub stored: bool,
    /// Where they come from, as the lock has it.
    #[serde(skip)]
    pub source_shown: String,
    /// What has to be as it was pinned, though it does not run.
    #[serde(skip)]
    pub witness: Option<Witness>,
}

/// A file or folder of the project that the store has the bytes of. It is compared all the same: otherwise a laptop would
/// go on with what its store has, and CI would fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The file or folder, with links resolved.
    pub path: PathBuf,
    /// Whether it is a folder.
    pub tree: bool,
    /// Its hash.
    pub hash: Hash,
}

/// A place or file that was not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The folder of `PATH`, or the file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Why an extension cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// No file of that name.
    #[error("no extension `{name}` was found: no devflow-ext-{name} beside dwf or on PATH")]
    Missing {
        /// Its name.
        name: ExtensionName,
        /// What was looked at and not believed.
        refused: Vec<Refused>,
        /// Extensions that are there.
        known: Vec<String>,
        /// Where devflow.toml names it.
        place: Option<String>,
    },
    /// A file that was named cannot be used.
    #[error("extension `{name}`: {} {reason}", .path.display())]
    Unusable {
        /// Its name.
        name: ExtensionName,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// devflow.lock allows another one, or none.
    #[error(transparent)]
    Pin(#[from] PinError),
}

impl Explain for DiscoverError {
    fn exit(&self) -> Exit {
        match self {
            Self::Missing { .. } => Exit::Usage,
            Self::Unusable { .. } => Exit::Extension,
            Self::Pin(error) => error.exit(),
        }
    }

    fn detail(&self) -> Option<String> {
        if let Self::Pin(error) = self {
            return error.detail();
        }
        let Self::Missing { refused, place, .. } = self else { return None };
        let line = |refused: &Refused| format!("  {} {}", refused.path.display(), refused.reason);
        let mut lines: Vec<String> = place.iter().cloned().collect();
        if !refused.is_empty() {
            lines.push("not looked at:".to_owned());
            lines.extend(refused.iter().map(line));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { name, known, .. } => {
                let near = crate::error::nearest(name.as_str(), known.iter().map(String::as_str));
                Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("install devflow-ext-{name}, or list what is there with: dwf ext list"),
                })
            }
            Self::Unusable { .. } => None,
            Self::Pin(error) => error.hint(),
        }
    }
}

/// The places to look in, in order.
#[derive(Debug)]
pub struct Places<'a> {
    world: &'a World,
    project: &'a Project,
    dirs: Vec<(PathBuf, Origin)>,
    /// Only what devflow.lock pins may be used.
    locked: bool,
    /// Folders of `PATH` that are not believed.
    pub refused: Vec<Refused>,
}

impl<'a> Places<'a> {
    /// Looks at the folders of `PATH`, and at none of their files.
    pub fn new(world: &'a World, project: &'a Project) -> Self {
        let mut dirs = vec![(world.install_dir().to_owned(), Origin::Own)];
        let mut refused: Vec<Refused> = Vec::new();
        for (written, dir) in search_path(&project.root, world) {
            match dir {
                Ok(dir) if dirs.iter().all(|(known, _)| *known != dir) => {
                    dirs.push((dir.to_owned(), Origin::SearchPath));
                }
                Err(Some(reason)) if refused.iter().all(|known| known.path != written) => {
                    refused.push(Refused { path: written.to_owned(), reason: reason.to_owned() });
                }
                _ => {}
            }
        }
        Self { world, project, dirs, locked: false, refused }.locked(false)
    }

    /// Finds one extension by name.
    pub fn find(&self, name: &ExtensionName) -> Result<Found, DiscoverError> {
        if self.locked {
            self.all_pinned(std::iter::once(name))?;
        } else if let Some(found) = self.variable(name)? {
            return Ok(found);
        }
        match self.pinned(name)? {
            Some(found) => Ok(found),
            None => self.unpinned(name),
        }
    }

    /// What the user's environment names.
    fn variable(&self, name: &ExtensionName) -> Result<Option<Found>, DiscoverError> {
        let variable = format!("DWF_EXT_{}", name.as_str().to_ascii_uppercase().replace('-', "_"));
        let Some(path) = self.world.var(&variable).map(PathBuf::from) else { return Ok(None) };
        if !path.is_absolute() {
            return Err(unusable(name, &path, &format!("is not an absolute path ({variable})")));
        }
        executable(&path, self.world).map_err(|reason| unusable(name, &path, reason))?;
        Ok(Some(Found { name: name.clone(), path, origin: Origin::Variable, shadows: Vec::new(), pin: None }))
    }

    /// Finds an extension as if there were no lock and no variable.
    pub fn unpinned(&self, name: &ExtensionName) -> Result<Found, DiscoverError> {
        if let Some(path) = self.configured(name) {
            let real = path.canonicalize().map_err(|_| unusable(name, &path, "does not exist"))?;
            executable(&real, self.world).map_err(|reason| unusable(name, &path, reason))?;
            return Ok(Found {
                name: name.clone(),
                path: real,
                origin: Origin::Config,
                shadows: Vec::new(),
                pin: None,
            });
        }
        self.search(name)
    }

    /// Looks beside dwf and on `PATH`.
    fn search(&self, name: &ExtensionName) -> Result<Found, DiscoverError> {
        let mut refused = self.refused.clone();
        let mut found: Option<Found> = None;
        for (dir, origin) in &self.dirs {
            let path = dir.join(format!("{PREFIX}{name}"));
            if path.symlink_metadata().is_err() {
                continue;
            }
            match (executable(&path, self.world), &mut found) {
                (Ok(()), Some(first)) => first.shadows.push(path),
                (Ok(()), None) => {
                    found = Some(Found {
                        name: name.clone(),
                        path,
                        origin: *origin,
                        shadows: Vec::new(),
                        pin: None,
                    });
                }
                (Err(reason), _) => refused.push(Refused { path, reason: reason.to_owned() }),
            }
        }
        found.ok_or_else(|| DiscoverError::Missing {
            name: name.clone(),
            refused,
            known: self.names().iter().map(ExtensionName::to_string).collect(),
            place: self.place(name),
        })
    }

    /// The names of what can be found, or is pinned.
    pub fn names(&self) -> BTreeSet<ExtensionName> {
        let sections = self.project.config.file.extensions.iter();
        let brought =
            sections.filter(|(_, section)| section.path.is_some()).map(|(name, _)| name.get_ref().clone());
        let own = self.world.env.keys().filter_map(|name| name.strip_prefix("DWF_EXT_"));
        let own = own.filter_map(|name| name.to_ascii_lowercase().replace('_', "-").parse().ok());
        let pinned = self.project.lock.iter().flat_map(|lock| &lock.extensions);
        let pinned = pinned.map(|entry| entry.name.get_ref().clone());
        brought
            .chain(own)
            .chain(pinned)
            .chain(self.dirs.iter().flat_map(|(dir, _)| extensions_in(dir)))
            .collect()
    }

    /// Files that are called like extensions, by names that no extension can have.
    pub fn misnamed(&self) -> Vec<Refused> {
        let files =
            self.dirs.iter().flat_map(|(dir, _)| files_in(dir).into_iter().map(|file| dir.join(file)));
        let refused = files.filter(|path| path.file_name().and_then(extension_of).is_none());
        let reason = "is no name of an extension: lower-case letters, digits and -";
        refused.map(|path| Refused { path, reason: reason.to_owned() }).collect()
    }

    /// The names of the extensions that came with dwf.
    pub fn own(&self) -> Vec<ExtensionName> {
        let mut names = extensions_in(self.world.install_dir());
        names.sort();
        names
    }

    /// The place where devflow.toml names a stack.
    fn place(&self, name: &ExtensionName) -> Option<String> {
        let config = &self.project.config;
        let mut stacks = config.file.project.stack.as_ref()?.get_ref().iter();
        let written = stacks.find(|stack| stack.get_ref() == name)?;
        Some(Diagnostic::new(config.source.as_ref()?, written.span(), "").shown())
    }

    fn configured(&self, name: &ExtensionName) -> Option<PathBuf> {
        let (_, section) =
            self.project.config.file.extensions.iter().find(|(known, _)| known.get_ref() == name)?;
        section.path.as_ref().map(|path| self.project.root.join(path.get_ref()))
    }
}

fn unusable(name: &ExtensionName, path: &Path, reason: &str) -> DiscoverError {
    DiscoverError::Unusable { name: name.clone(), path: path.to_owned(), reason: reason.to_owned() }
}

fn extensions_in(dir: &Path) -> Vec<ExtensionName> {
    files_in(dir).iter().filter_map(|name| extension_of(name)).collect()
}

/// The files of a folder that are called like extensions; none where it cannot be read.
fn files_in(dir: &Path) -> Vec<OsString> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name())
        .filter(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
        .collect()
}

fn extension_of(name: &OsStr) -> Option<ExtensionName> {
    name.to_str()?.strip_prefix(PREFIX)?.parse().ok()
}

/// The folders of `PATH` as they are written, each with its links resolved where nobody but root and the user may change
/// it. `Err(None)` is a folder that is not there.
pub fn search_path<'a>(
    root: &'a Path,
    world: &'a World,
) -> impl Iterator<Item = (&'a Path, Result<&'a Path, Option<&'static str>>)> {
    world.path().iter().map(|folder| (folder.written.as_path(), believable(folder, root, world)))
}

fn believable<'a>(
    folder: &'a PathFolder,
    root: &Path,
    world: &World,
) -> Result<&'a Path, Option<&'static str>> {
    if !folder.written.is_absolute() {
        return Err(Some("is empty or relative"));
    }
    let (dir, meta) = folder.real.as_ref().ok_or(None)?;
    if dir.starts_with(root) {
        return Err(Some("lies inside the project"));
    }
    if !meta.is_dir() {
        return Err(None);
    }
    unshared(meta, world).map_err(Some)?;
    Ok(dir)
}

/// A regular file that may be executed and that nobody but root and the user may change.
pub fn executable(path: &Path, world: &World) -> Result<(), &'static str> {
    program(&path.metadata().map_err(|_| "does not exist")?, world)
}

/// As [`executable`], of a file that is open.
pub fn program(meta: &std::fs::Metadata, world: &World) -> Result<(), &'static str> {
    if !meta.is_file() {
        return Err("is not a regular file");
    }
    if meta.permissions().mode() & 0o111 == 0 {
        return Err("is not executable");
    }
    if meta.permissions().mode() & 0o6000 != 0 {
        return Err("is setuid or setgid");
    }
    unshared(meta, world)
}

fn unshared(meta: &std::fs::Metadata, world: &World) -> Result<(), &'static str> {
    if meta.uid() != 0 && meta.uid() != world.uid {
        return Err("belongs to another user");
    }
    if meta.mode() & 0o002 != 0 {
        return Err("may be changed by anyone");
    }
    if meta.mode() & 0o020 != 0 && !administrators(meta.gid(), world) {
        return Err("may be changed by a group of other users");
    }
    Ok(())
}

/// The user's private group, root's, and the groups that administrators are in anyway.
fn administrators(gid: u32, world: &World) -> bool {
    const NAMES: &[&str] = &["root", "wheel", "admin", "sudo", "staff"];
    let name = || nix::unistd::Group::from_gid(gid.into()).ok().flatten().map(|group| group.name);
    let user = || nix::unistd::User::from_uid(world.uid.into()).ok().flatten().map(|user| user.name);
    gid == 0 || name().is_some_and(|name| NAMES.contains(&name.as_str()) || user() == Some(name))
}
