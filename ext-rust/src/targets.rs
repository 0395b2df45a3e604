//! Which targets a package has: what its manifest lists, and what Cargo finds by itself.

use devflow_protocol::sdk::paths::at;
use devflow_protocol::sdk::{Failure, Files};
use toml::Table;

use crate::manifest;

/// A program, test, benchmark or example of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// Whether `cargo test` runs it.
    pub(crate) test: bool,
    /// Whether it uses Rust's own test harness.
    pub(crate) harness: bool,
    /// The features it cannot be built without.
    pub(crate) requires: Vec<String>,
}

/// The library of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lib {
    pub(crate) test: bool,
    pub(crate) harness: bool,
    /// Whether `cargo test` runs its documentation's examples.
    pub(crate) doctest: bool,
    /// Whether it can: not when it is for other languages only.
    pub(crate) documents: bool,
}

/// A kind of targets and where it lives.
pub(crate) struct Kind {
    section: &'static str,
    folder: &'static str,
    auto: &'static str,
    test: bool,
}

pub(crate) const BINS: Kind = Kind { section: "bin", folder: "src/bin", auto: "autobins", test: true };
pub(crate) const TESTS: Kind = Kind { section: "test", folder: "tests", auto: "autotests", test: true };
pub(crate) const BENCHES: Kind =
    Kind { section: "bench", folder: "benches", auto: "autobenches", test: false };
pub(crate) const EXAMPLES: Kind =
    Kind { section: "example", folder: "examples", auto: "autoexamples", test: false };

/// The package's targets of a kind.
pub(crate) fn of_kind(
    files: &Files,
    dir: &str,
    manifest: &Table,
    kind: &Kind,
    edition_2015: bool,
) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> = manifest::tables(manifest, kind.section)
        .into_iter()
        .filter_map(|table| listed(table, kind))
        .collect();
    let package = manifest::table(manifest, &["package"]);
    let auto = package.and_then(|package| manifest::flag(package, &[kind.auto]));
    if auto.unwrap_or(!edition_2015 || targets.is_empty()) {
        let mut names = found(files, dir, kind.folder)?;
        if kind.section == "bin" && files.has(&at(dir, "src/main.rs"))? {
            let own = package.and_then(|package| manifest::text(package, "name"));
            names.extend(own.map(str::to_owned));
        }
        for name in names {
            if targets.iter().all(|target| target.name != name) {
                targets.push(Target { name, test: kind.test, harness: true, requires: Vec::new() });
            }
        }
    }
    targets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(targets)
}

/// The package's library.
pub(crate) fn lib(files: &Files, dir: &str, manifest: &Table) -> Result<Option<Lib>, Failure> {
    let section = manifest::table(manifest, &["lib"]);
    let package = manifest::table(manifest, &["package"]);
    let auto = package.and_then(|package| manifest::flag(package, &["autolib"])).unwrap_or(true);
    if section.is_none() && !(auto && files.has(&at(dir, "src/lib.rs"))?) {
        return Ok(None);
    }
    let empty = Table::new();
    let section = section.unwrap_or(&empty);
    let mut types = manifest::texts(section, "crate-type");
    types.extend(manifest::texts(section, "crate_type"));
    let on = |keys: &[&str]| manifest::flag(section, keys).unwrap_or(true);
    let for_rust = |name: &String| ["lib", "rlib", "proc-macro"].contains(&name.as_str());
    Ok(Some(Lib {
        test: on(&["test"]),
        harness: on(&["harness"]),
        doctest: on(&["doctest"]),
        documents: types.is_empty() || types.iter().any(for_rust),
    }))
}

fn listed(table: &Table, kind: &Kind) -> Option<Target> {
    Some(Target {
        name: manifest::text(table, "name")?.to_owned(),
        test: manifest::flag(table, &["test"]).unwrap_or(kind.test),
        harness: manifest::flag(table, &["harness"]).unwrap_or(true),
        requires: manifest::texts(table, "required-features"),
    })
}

fn found(files: &Files, dir: &str, folder: &str) -> Result<Vec<String>, Failure> {
    let folder = at(dir, folder);
    let mut names = Vec::new();
    for entry in files.entries(&folder)?.into_iter().filter(|entry| !entry.is_hidden()) {
        if entry.folder {
            if files.has(&format!("{folder}/{}/main.rs", entry.name))? {
                names.push(entry.name);
            }
        } else if let Some(name) = entry.name.strip_suffix(".rs") {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
