//! TOML documents, read leniently: what Cargo would refuse, Cargo itself shall refuse.
//!
//! Invariant: only a text that is no TOML at all is a failure here; it names its file and line.

use devflow_protocol::sdk::{Failure, Files};
use toml::{Table, Value};

/// Reads a TOML file; nothing when there is none.
pub(crate) fn read(files: &Files, path: &str) -> Result<Option<Table>, Failure> {
    let Some(text) = files.text(path, Files::SETTINGS)? else { return Ok(None) };
    text.parse::<Table>().map(Some).map_err(|error| {
        let line =
            error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count());
        files.wrong(path, line.map(|line| line as u64 + 1), error.message().replace('\n', ", "))
    })
}

/// The table at a path of keys.
pub(crate) fn table<'a>(from: &'a Table, keys: &[&str]) -> Option<&'a Table> {
    keys.iter().try_fold(from, |table, key| table.get(*key)?.as_table())
}

/// The text under a key.
pub(crate) fn text<'a>(from: &'a Table, key: &str) -> Option<&'a str> {
    from.get(key)?.as_str()
}

/// The boolean under a key; some keys of Cargo have a second spelling.
pub(crate) fn flag(from: &Table, keys: &[&str]) -> Option<bool> {
    keys.iter().find_map(|key| from.get(*key)?.as_bool())
}

/// The texts of a list.
pub(crate) fn texts(from: &Table, key: &str) -> Vec<String> {
    let list = from.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// The tables of a list.
pub(crate) fn tables<'a>(from: &'a Table, key: &str) -> Vec<&'a Table> {
    let list = from.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_table).collect()
}

/// A value of `[package]`, or of `[workspace.package]` when it says `workspace = true`.
pub(crate) fn inherited<'a>(
    package: &'a Table,
    workspace: Option<&'a Table>,
    key: &str,
) -> Option<&'a Value> {
    let value = package.get(key)?;
    let from_workspace = value.as_table().is_some_and(|table| flag(table, &["workspace"]) == Some(true));
    if !from_workspace {
        return Some(value);
    }
    table(workspace?, &["workspace", "package"])?.get(key)
}

/// Every dependency of a manifest, whatever it is for: its name there and its table.
pub(crate) fn dependencies(manifest: &Table) -> Vec<(&str, &Table)> {
    const KINDS: [&str; 5] =
        ["dependencies", "dev-dependencies", "dev_dependencies", "build-dependencies", "build_dependencies"];
    let platforms = table(manifest, &["target"]).into_iter().flat_map(|targets| targets.values());
    let places = std::iter::once(manifest).chain(platforms.filter_map(Value::as_table));
    let kinds = places.flat_map(|place| KINDS.iter().filter_map(|kind| table(place, &[kind])));
    kinds.flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_table()?))).collect()
}
