//! Writing devflow.lock: what is not ours to change stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use devflow_oci::ImageRef;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::error::LockError;
use super::model::{Artifact, Entry, Kind};
use super::read::Lock;
use super::value::Hash;
use super::{FILE, VERSION};

const HEAD: &str = "# Exactly which bytes each extension and each base image is. Written by `dwf ext pin`,\n\
     # `dwf ext update` and `dwf image refresh`.\n";

/// Writes the lock of a project with some entries new or changed; gives what was written.
pub fn write(root: &Path, old: Option<&Lock>, entries: &[Entry]) -> Result<Lock, LockError> {
    save(root, with(text_of(old), entries))
}

/// Writes the lock of a project with these base images and no others; gives what was written.
pub fn write_images(
    root: &Path,
    old: Option<&Lock>,
    images: &BTreeMap<ImageRef, Hash>,
) -> Result<Lock, LockError> {
    save(root, with_images(text_of(old), images))
}

fn text_of(lock: Option<&Lock>) -> &str {
    lock.map_or("", |lock| &lock.source.text)
}

fn save(root: &Path, text: std::io::Result<String>) -> Result<Lock, LockError> {
    let path = root.join(FILE);
    let failed = |error: std::io::Error| LockError::Write(path.clone(), error);
    let text = text.map_err(failed)?;
    // Nothing is written that could not be read again.
    let lock = Lock::parse(&text)?;
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(root)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(lock)
}

/// A lock's text with these entries in the places of those of the same name, or at the end.
pub(super) fn with(text: &str, entries: &[Entry]) -> std::io::Result<String> {
    edited(text, "extension", |list| {
        for entry in entries {
            change(list, entry.name.get_ref().as_str(), |table| fill(table, entry));
        }
    })
}

/// A lock's text with these images, those that it had in their places.
pub(super) fn with_images(text: &str, images: &BTreeMap<ImageRef, Hash>) -> std::io::Result<String> {
    edited(text, "image", |list| {
        let names: BTreeSet<String> = images.keys().map(ToString::to_string).collect();
        list.retain(|table| name_of(table).is_some_and(|name| names.contains(name)));
        for (name, digest) in images {
            let name = name.to_string();
            change(list, &name, |table| {
                set(table, "name", name.as_str());
                set(table, "digest", digest.to_string());
            });
        }
    })
}

/// A lock's text with one of its lists changed.
fn edited(text: &str, key: &str, edit: impl FnOnce(&mut ArrayOfTables)) -> std::io::Result<String> {
    let new = text.trim().is_empty();
    let mut document: DocumentMut = text.parse().map_err(std::io::Error::other)?;
    set(document.as_table_mut(), "version", i64::from(VERSION));
    let mut dwf = taken(document.as_table_mut(), "dwf");
    set(&mut dwf, "version", env!("CARGO_PKG_VERSION"));
    document.insert("dwf", Item::Table(dwf));
    let list = document.remove(key).map(Item::into_array_of_tables);
    let mut list = list.and_then(Result::ok).unwrap_or_default();
    edit(&mut list);
    document.insert(key, Item::ArrayOfTables(list));
    let text = document.to_string();
    Ok(if new { format!("{HEAD}{text}") } else { text })
}

fn name_of(table: &Table) -> Option<&str> {
    table.get("name").and_then(Item::as_str)
}

/// Changes the table with this name, or a new one at the end.
fn change(list: &mut ArrayOfTables, name: &str, edit: impl FnOnce(&mut Table)) {
    let known = list.iter_mut().find(|table| name_of(table) == Some(name));
    match known {
        Some(table) => edit(table),
        None => {
            let mut table = Table::new();
            edit(&mut table);
            list.push(table);
        }
    }
}

fn fill(table: &mut Table, entry: &Entry) {
    let kind = match entry.kind {
        Kind::Elf => "elf",
        Kind::Script => "script",
        Kind::Tree => "tree",
    };
    set(table, "name", entry.name.get_ref().as_str());
    set(table, "version", entry.version.get_ref().as_str());
    set(table, "protocol", i64::from(entry.protocol));
    set(table, "kind", kind);
    if entry.reads.is_empty() {
        table.remove("reads");
    } else {
        set(table, "reads", entry.reads.iter().map(|folder| folder.as_str()).collect::<toml_edit::Array>());
    }
    let mut platforms = taken(table, "platform");
    platforms.set_implicit(true);
    let is_gone = |key: &str| !entry.platform.keys().any(|platform| platform.get_ref().as_str() == key);
    let gone: Vec<String> =
        platforms.iter().map(|(key, _)| key.to_owned()).filter(|key| is_gone(key)).collect();
    gone.iter().for_each(|key| drop(platforms.remove(key)));
    for (platform, artifact) in &entry.platform {
        let key = platform.get_ref().as_str();
        let mut artifact_table = taken(&mut platforms, key);
        fill_artifact(&mut artifact_table, artifact);
        platforms.insert(key, Item::Table(artifact_table));
    }
    table.insert("platform", Item::Table(platforms));
}

/// A table inside another, however it was written; an empty one where there is none.
fn taken(table: &mut Table, key: &str) -> Table {
    table.remove(key).and_then(|item| item.into_table().ok()).unwrap_or_default()
}

fn fill_artifact(table: &mut Table, artifact: &Artifact) {
    let archive = artifact.archive.as_ref().map(ToString::to_string);
    let entry = artifact.entry.as_ref().map(|entry| entry.get_ref().as_str().to_owned());
    let executable = Some(artifact.executable.to_string());
    let source = Some(artifact.source.get_ref().to_string());
    for (key, text) in
        [("source", source), ("archive", archive), ("entry", entry), ("executable", executable)]
    {
        match text {
            Some(text) => set(table, key, text),
            None => drop(table.remove(key)),
        }
    }
}

/// Sets a value and leaves a comment behind it where it is.
fn set(table: &mut Table, key: &str, new: impl Into<toml_edit::Value>) {
    let mut new = new.into();
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table[key] = Item::Value(new);
}
