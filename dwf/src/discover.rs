//! Finding extensions: which file is `devflow-ext-<name>`, and why it may be believed.
//!
//! Invariant: nothing here starts a program, and the operating system never searches for one.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use devflow_protocol::name::ExtensionName;
use serde::Serialize;

use crate::config::Diagnostic;
use crate::error::{Exit, Explain};
use crate::lock::Kind;
use crate::project::Project;
use crate::world::World;

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
}

impl Explain for DiscoverError {
    fn exit(&self) -> Exit {
        match self {
            Self::Missing { .. } => Exit::Usage,
            Self::Unusable { .. } => Exit::Extension,
        }
    }

    fn detail(&self) -> Option<String> {
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
        }
    }
}

/// The places to look in, in order.
#[derive(Debug)]
pub struct Places<'a> {
    world: &'a World,
    project: &'a Project,
    dirs: Vec<(PathBuf, Origin)>,
    /// Folders of `PATH` that are not believed.
    pub refused: Vec<Refused>,
}

impl<'a> Places<'a> {
    /// Looks at the folders of `PATH`, and at none of their files.
    pub fn new(world: &'a World, project: &'a Project) -> Self {
        let mut dirs = vec![(world.install_dir().to_owned(), Origin::Own)];
        let mut refused: Vec<Refused> = Vec::new();
        for entry in std::env::split_paths(world.var("PATH").unwrap_or("")) {
            let dir = match believable_dir(&entry, &project.root, world) {
                Ok(dir) => dir,
                Err(None) => continue,
                Err(Some(reason)) => {
                    if refused.iter().all(|known| known.path != entry) {
                        refused.push(Refused { path: entry, reason: reason.to_owned() });
                    }
                    continue;
                }
            };
            if dirs.iter().all(|(known, _)| *known != dir) {
                dirs.push((dir, Origin::SearchPath));
            }
        }
        Self { world, project, dirs, refused }
    }

    /// Finds one extension by name.
    pub fn find(&self, name: &ExtensionName) -> Result<Found, DiscoverError> {
        let unusable = |path: &Path, reason: &str| DiscoverError::Unusable {
            name: name.clone(),
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let variable = format!("DWF_EXT_{}", name.as_str().to_ascii_uppercase().replace('-', "_"));
        if let Some(path) = self.world.var(&variable).map(PathBuf::from) {
            if !path.is_absolute() {
                return Err(unusable(&path, &format!("is not an absolute path ({variable})")));
            }
            executable(&path, self.world).map_err(|reason| unusable(&path, reason))?;
            return Ok(Found {
                name: name.clone(),
                path,
                origin: Origin::Variable,
                shadows: Vec::new(),
                pin: None,
            });
        }
        if let Some(path) = self.configured(name) {
            let real = path.canonicalize().map_err(|_| unusable(&path, "does not exist"))?;
            executable(&real, self.world).map_err(|reason| unusable(&path, reason))?;
            return Ok(Found {
                name: name.clone(),
                path: real,
                origin: Origin::Config,
                shadows: Vec::new(),
                pin: None,
            });
        }
        let mut refused = self.refused.clone();
        let mut found: Option<Found> = None;
        for (dir, origin) in &self.dirs {
            let path = dir.join(format!("{PREFIX}{name}"));
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
                (Err(reason), _) if path.symlink_metadata().is_ok() => {
                    refused.push(Refused { path, reason: reason.to_owned() });
                }
                (Err(_), _) => {}
            }
        }
        found.ok_or_else(|| DiscoverError::Missing {
            name: name.clone(),
            refused,
            known: self.names().iter().map(ExtensionName::to_string).collect(),
            place: self.place(name),
        })
    }

    /// Every extension that can be found, by name.
    pub fn list(&self) -> Vec<Found> {
        self.names().iter().filter_map(|name| self.find(name).ok()).collect()
    }

    fn names(&self) -> BTreeSet<ExtensionName> {
        let sections = self.project.config.file.extensions.iter();
        let brought =
            sections.filter(|(_, section)| section.path.is_some()).map(|(name, _)| name.get_ref().clone());
        let own = self.world.env.keys().filter_map(|name| name.strip_prefix("DWF_EXT_"));
        let own = own.filter_map(|name| name.to_ascii_lowercase().replace('_', "-").parse().ok());
        brought.chain(own).chain(self.dirs.iter().flat_map(|(dir, _)| extensions_in(dir))).collect()
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

fn extensions_in(dir: &Path) -> Vec<ExtensionName> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(PREFIX)?.parse().ok())
        .collect()
}

/// A folder of `PATH` that nobody but root and the user may change; with links resolved.
/// `Err(None)` is a folder that is not there.
pub fn believable_dir(entry: &Path, root: &Path, world: &World) -> Result<PathBuf, Option<&'static str>> {
    if !entry.is_absolute() {
        return Err(Some("is empty or relative"));
    }
    let dir = entry.canonicalize().map_err(|_| None)?;
    if dir.starts_with(root) {
        return Err(Some("lies inside the project"));
    }
    let meta = dir.metadata().map_err(|_| None)?;
    if !meta.is_dir() {
        return Err(None);
    }
    unshared(&meta, world).map_err(Some)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn world(path: &str) -> World {
        let mut world = World::read().unwrap();
        world.env.insert("PATH".to_owned(), path.to_owned());
        world
    }

    fn extension(dir: &Path, name: &str, mode: u32) -> PathBuf {
        std::fs::create_dir_all(dir).unwrap();
        let path = dir.join(format!("{PREFIX}{name}"));
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn only_places_that_others_cannot_change_are_believed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        let (first, second, shared) =
            (dir.path().join("first"), dir.path().join("second"), dir.path().join("shared"));
        let inside = extension(&root.join("bin"), "x", 0o755);
        extension(&shared, "x", 0o755);
        std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).unwrap();
        extension(&first, "plain", 0o644);
        extension(&first, "open", 0o777);
        let one = extension(&first, "x", 0o755);
        let two = extension(&second, "x", 0o755);

        let join = |parts: &[&Path]| std::env::join_paths(parts).unwrap().into_string().unwrap();
        let path = format!(
            ":.:bin:{}",
            join(&[inside.parent().unwrap(), &shared, &first, &second, &first, &dir.path().join("gone")])
        );
        let (world, project) = (world(&path), Project::load(&root).unwrap());
        let places = Places::new(&world, &project);

        let found = places.find(&"x".parse().unwrap()).unwrap();
        assert_eq!((found.path, found.shadows, found.origin), (one, vec![two], Origin::SearchPath));
        let reasons: Vec<&str> = places.refused.iter().map(|refused| refused.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "is empty or relative",
                "is empty or relative",
                "is empty or relative",
                "lies inside the project",
                "may be changed by anyone"
            ]
        );
        for (name, reason) in [("plain", "is not executable"), ("open", "may be changed by anyone")] {
            let error = places.find(&name.parse().unwrap()).unwrap_err();
            assert!(error.detail().unwrap().contains(reason), "{name}");
        }
    }

    #[test]
    fn a_variable_wins_and_must_be_absolute() {
        let dir = tempfile::tempdir().unwrap();
        let path = extension(dir.path(), "my-own", 0o755);
        let mut world = world("");
        world.env.insert("DWF_EXT_MY_OWN".to_owned(), path.to_str().unwrap().to_owned());
        let project = Project::load(dir.path()).unwrap();
        let name = "my-own".parse().unwrap();
        assert_eq!(Places::new(&world, &project).find(&name).unwrap().origin, Origin::Variable);
        world.env.insert("DWF_EXT_MY_OWN".to_owned(), "rel/x".to_owned());
        assert!(Places::new(&world, &project).find(&name).is_err());
    }
}
