//! The project's files, for an extension to look at.
//!
//! Invariant: every look is bounded and remembered, and nothing outside the project's root is read,
//! whatever links say.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use super::{Failure, paths};
use crate::message::Project;
use crate::path::RelPath;

/// The files of a project, by paths relative to its root: what an extension needs to know of the
/// disk, and all that it should touch.
///
/// An answer must say in `reads` on what it depends, and a file that is *not* there is as much a
/// reason as one that is. So every path that was asked for is remembered, found or not, and
/// [`Files::reads`] is the list to answer with. A reader belongs to one request:
///
/// ```no_run
/// # use devflow_protocol::{message::*, sdk::{Failure, Files, paths}};
/// fn describe(request: &DescribeParams) -> Result<DescribeResult, Failure> {
///     let files = Files::new(&request.project)?;
///     let path = paths::at(files.member(), "site.conf");
///     let text = files.text(&path, Files::SETTINGS)?;
///     if let Some(line) = text.iter().flat_map(|text| text.lines()).position(|line| line.contains('\t')) {
///         return Err(files.wrong(&path, Some(line as u64 + 1), "it has a tab"));
///     }
///     Ok(DescribeResult { applies: text.is_some(), reads: files.reads(), ..Default::default() })
/// }
/// ```
///
/// Absent is what does not exist, also below something that is no folder, and what is not of the
/// kind that was asked for: a folder has no text, a pipe neither. All else that keeps from reading
/// is a failure and never taken for absence: no permission, too much of it, a text that is not
/// UTF-8, a link that leads out of the project. Links inside the project are followed.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    member: String,
    seen: RefCell<BTreeSet<String>>,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder; of a link, whether it leads to one.
    pub folder: bool,
    /// Whether it is a link. It may lead out of the project: to look behind it is a failure then.
    pub link: bool,
}

impl Entry {
    /// Whether its name starts with a dot.
    pub fn is_hidden(&self) -> bool {
        self.name.starts_with('.')
    }
}

impl Files {
    /// Bytes that are enough for a file that people write.
    pub const SETTINGS: u64 = 2 << 20;
    /// Bytes that are enough for a lock file, which programs write.
    pub const LOCK: u64 = 64 << 20;
    /// Entries that a folder may have for [`Files::entries`].
    pub const ENTRIES: usize = 20_000;

    /// The files of a project, on behalf of the member that a request is about.
    pub fn new(project: &Project) -> Result<Self, Failure> {
        let root = fs::canonicalize(&project.root).map_err(|error| {
            Failure::invalid_project(".", None, format!("{} cannot be read: {error}", project.root))
        })?;
        let member = paths::at("", project.dir.as_str());
        Ok(Self { root, member, seen: RefCell::default() })
    }

    /// The member's folder, `""` where it is the root: a path like all others here.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// What was looked at so far, relative to the member, as `reads` wants it. What lies above the
    /// member cannot be named there.
    pub fn reads(&self) -> Vec<RelPath> {
        let inner = |path: &String| match paths::below(path, &self.member)? {
            "" => Some(RelPath::here()),
            path => path.parse().ok(),
        };
        self.seen.borrow().iter().filter_map(inner).collect()
    }

    /// The text of a file, without the mark that some editors put in front; nothing when there is
    /// no such file. More than `most` bytes are a failure.
    pub fn text(&self, path: &str, most: u64) -> Result<Option<String>, Failure> {
        let Some(place) = self.place(path)?.filter(|place| place.is_file()) else { return Ok(None) };
        let wrong = |error: std::io::Error| self.wrong(path, None, error.to_string());
        let mut bytes = Vec::new();
        File::open(&place)
            .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(wrong)?;
        if bytes.len() as u64 > most {
            return Err(self.wrong(path, None, format!("it is larger than {most} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|_| self.wrong(path, None, "it is not UTF-8"))?;
        Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }

    /// Whether there is such a file.
    pub fn has(&self, path: &str) -> Result<bool, Failure> {
        Ok(self.place(path)?.is_some_and(|place| place.is_file()))
    }

    /// The entries of a folder by name, the hidden ones too; none when there is no such folder, and
    /// a failure when there are more than [`Files::ENTRIES`]. Names that are not UTF-8 are left out:
    /// the protocol cannot say them.
    pub fn entries(&self, path: &str) -> Result<Vec<Entry>, Failure> {
        let Some(place) = self.place(path)?.filter(|place| place.is_dir()) else { return Ok(Vec::new()) };
        let wrong = |error: std::io::Error| self.wrong(path, None, error.to_string());
        let mut entries = Vec::new();
        for (number, entry) in fs::read_dir(place).map_err(wrong)?.enumerate() {
            if number == Self::ENTRIES {
                return Err(self.wrong(path, None, format!("it has more than {number} entries")));
            }
            let entry = entry.map_err(wrong)?;
            let kind = entry.file_type().map_err(wrong)?;
            if let Ok(name) = entry.file_name().into_string() {
                let folder = if kind.is_symlink() { entry.path().is_dir() } else { kind.is_dir() };
                entries.push(Entry { name, folder, link: kind.is_symlink() });
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// The failure that a file is wrong, for this reason. The user reads the path as it is written
    /// in the member's folder: `../x` above it.
    pub fn wrong(&self, path: &str, line: Option<u64>, reason: impl AsRef<str>) -> Failure {
        let file = paths::relative(path, &self.member);
        let at = line.map(|line| format!(":{line}")).unwrap_or_default();
        Failure::invalid_project(&file, line, format!("{file}{at}: {}", reason.as_ref()))
    }

    /// Where a path really is; nothing when it does not exist, a failure when it leads out.
    fn place(&self, path: &str) -> Result<Option<PathBuf>, Failure> {
        self.seen.borrow_mut().insert(paths::at("", path));
        let absent =
            |error: &std::io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
        let written = self.root.join(path);
        // Most of what is asked for is not there, and to resolve links takes a call for each folder on the way.
        if written.symlink_metadata().as_ref().is_err_and(absent) {
            return Ok(None);
        }
        match fs::canonicalize(written) {
            Ok(place) if place.starts_with(&self.root) => Ok(Some(place)),
            Ok(_) => Err(self.wrong(path, None, "it leads out of the project")),
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(self.wrong(path, None, error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
