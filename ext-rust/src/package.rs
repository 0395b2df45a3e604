//! One package, as far as an answer depends on it.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::sdk::{Failure, Files};
use toml::{Table, Value};

use crate::config::{Config, Features};
use crate::manifest;
use crate::targets::{self, BENCHES, BINS, EXAMPLES, Lib, TESTS, Target};

/// A package.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) lib: Option<Lib>,
    pub(crate) bins: Vec<Target>,
    pub(crate) tests: Vec<Target>,
    pub(crate) benches: Vec<Target>,
    pub(crate) examples: Vec<Target>,
    /// Its features, and what each switches on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// What other packages of the workspace ask of its features.
    pub(crate) asked: BTreeSet<String>,
    /// Whether it may go to a registry.
    pub(crate) publish: bool,
}

/// Reads the packages with these manifests.
pub(crate) fn packages(
    files: &Files,
    manifests: &BTreeMap<String, Table>,
    workspace: Option<&Table>,
) -> Result<Vec<Package>, Failure> {
    let mut packages = Vec::new();
    for (dir, table) in manifests {
        packages.extend(package(files, dir, table, workspace)?);
    }
    for (name, dependency) in manifests.values().flat_map(manifest::dependencies) {
        let name = manifest::text(dependency, "package").unwrap_or(name);
        let asked = manifest::texts(dependency, "features");
        packages.iter_mut().filter(|package| package.name == name).for_each(|package| {
            package.asked.extend(asked.iter().cloned());
        });
    }
    Ok(packages)
}

fn package(
    files: &Files,
    dir: &str,
    table: &Table,
    workspace: Option<&Table>,
) -> Result<Option<Package>, Failure> {
    let Some(own) = manifest::table(table, &["package"]) else { return Ok(None) };
    let Some(name) = manifest::text(own, "name") else { return Ok(None) };
    let edition = manifest::inherited(own, workspace, "edition").and_then(Value::as_str);
    let old = edition.is_none_or(|edition| edition == "2015");
    let of_kind = |kind| targets::of_kind(files, dir, table, kind, old);
    let publish = match manifest::inherited(own, workspace, "publish") {
        Some(Value::Boolean(publish)) => *publish,
        Some(Value::Array(registries)) => !registries.is_empty(),
        _ => true,
    };
    let features = manifest::table(table, &["features"]);
    let features = features
        .into_iter()
        .flat_map(|features| features.keys().map(|name| (name.clone(), manifest::texts(features, name))));
    Ok(Some(Package {
        name: name.to_owned(),
        lib: targets::lib(files, dir, table)?,
        bins: of_kind(&BINS)?,
        tests: of_kind(&TESTS)?,
        benches: of_kind(&BENCHES)?,
        examples: of_kind(&EXAMPLES)?,
        features: features.collect(),
        asked: BTreeSet::new(),
        publish,
    }))
}

impl Package {
    /// Whether a target is built with the features that the settings switch on. Features of other
    /// packages (`dep/feature`) count as on: Cargo then says what is missing, and nothing is lost.
    pub(crate) fn builds(&self, target: &Target, config: &Config) -> bool {
        let on = match &config.features {
            Features::All => return true,
            Features::List(names) => self.switched_on(names, config.default_features != Some(false)),
        };
        target.requires.iter().all(|feature| feature.contains('/') || on.contains(feature.as_str()))
    }

    fn switched_on<'a>(&'a self, chosen: &'a [String], default: bool) -> BTreeSet<&'a str> {
        let own = chosen.iter().map(|name| match name.split_once('/') {
            Some((package, feature)) if package == self.name => feature,
            _ => name.as_str(),
        });
        let mut queue: Vec<&str> = own.chain(self.asked.iter().map(String::as_str)).collect();
        if default {
            queue.push("default");
        }
        let mut on = BTreeSet::new();
        while let Some(name) = queue.pop() {
            if on.insert(name) {
                queue.extend(self.features.get(name).into_iter().flatten().map(String::as_str));
            }
        }
        on
    }
}
