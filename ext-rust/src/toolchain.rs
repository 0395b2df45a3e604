//! The toolchain that a project asks for in `rust-toolchain.toml` or `rust-toolchain`.

use devflow_protocol::sdk::paths::at;
use devflow_protocol::sdk::{Failure, Files};
use toml::Table;

use crate::manifest;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// Where it stands, relative to the project's root.
    pub(crate) file: String,
    /// `stable`, `1.90.0`, `nightly-2026-01-01`, …
    pub(crate) channel: Option<String>,
    pub(crate) components: Vec<String>,
    pub(crate) targets: Vec<String>,
    pub(crate) profile: Option<String>,
    /// Whether it is a folder, which may be the project's.
    pub(crate) folder: bool,
}

/// Reads a folder's toolchain file; rustup prefers the name without an extension.
pub(crate) fn read(files: &Files, folder: &str) -> Result<Option<Toolchain>, Failure> {
    for path in [at(folder, "rust-toolchain"), at(folder, "rust-toolchain.toml")] {
        let Some(text) = files.text(&path, Files::SETTINGS)? else { continue };
        let mut lines = text.trim().lines();
        if let (Some(channel), None) = (lines.next(), lines.next())
            && is_word(channel)
        {
            return Ok(Some(Toolchain {
                file: path,
                channel: Some(channel.to_owned()),
                ..Toolchain::default()
            }));
        }
        let table = manifest::read(files, &path)?.unwrap_or_default();
        return of_table(manifest::table(&table, &["toolchain"]).unwrap_or(&Table::new()), path, files)
            .map(Some);
    }
    Ok(None)
}

fn of_table(table: &Table, file: String, files: &Files) -> Result<Toolchain, Failure> {
    let toolchain = Toolchain {
        channel: manifest::text(table, "channel").map(str::to_owned),
        components: manifest::texts(table, "components"),
        targets: manifest::texts(table, "targets"),
        profile: manifest::text(table, "profile").map(str::to_owned),
        folder: table.contains_key("path"),
        file,
    };
    let Toolchain { channel, components, targets, profile, file, folder: _ } = &toolchain;
    let words = channel.iter().chain(components).chain(targets).chain(profile);
    match words.into_iter().find(|word| !is_word(word)) {
        Some(word) => {
            Err(files.wrong(file, None, format!("{word:?} is no name of a toolchain or of a part")))
        }
        None => Ok(toolchain),
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
