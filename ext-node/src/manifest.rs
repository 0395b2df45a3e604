//! package.json, as far as the answers need it.
//!
//! Invariant: a member of a type nobody expects counts as absent, as npm has it, but what is
//! not JSON is the user's error with its line.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::sdk::{Failure, Files, paths};
use serde_json::{Map, Value};

/// What package.json says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Manifest {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) private: bool,
    pub(crate) scripts: BTreeMap<String, String>,
    /// Every dependency of any kind, with its range.
    pub(crate) dependencies: BTreeMap<String, String>,
    /// Patterns of the workspace's packages.
    pub(crate) workspaces: Vec<String>,
    /// `pnpm@9.15.0`, without its hash.
    pub(crate) package_manager: Option<String>,
    /// `engines.node`.
    pub(crate) node: Option<String>,
    /// `volta.node`.
    pub(crate) volta: Option<String>,
    /// The first folders of what it publishes, such as `dist`.
    pub(crate) published: BTreeSet<String>,
    /// The names of its members, such as `eslintConfig`.
    pub(crate) keys: BTreeSet<String>,
    /// Whether it lets pnpm run install scripts of dependencies.
    pub(crate) allows_builds: bool,
}

impl Manifest {
    /// Reads that of a folder; nothing when there is none.
    pub(crate) fn read(files: &Files, dir: &str) -> Result<Option<Self>, Failure> {
        let path = paths::at(dir, "package.json");
        let Some(text) = files.text(&path, Files::SETTINGS)? else { return Ok(None) };
        let wrong = |error: serde_json::Error| {
            files.wrong(&path, Some(error.line() as u64), format!("it is not a package.json: {error}"))
        };
        Self::parse(&text).map(Some).map_err(wrong)
    }

    /// What its text says.
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        let value: Map<String, Value> = serde_json::from_str(text)?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let workspaces = match value.get("workspaces") {
            Some(Value::Object(object)) => object.get("packages"),
            other => other,
        };
        let kinds = ["peerDependencies", "optionalDependencies", "devDependencies", "dependencies"];
        Ok(Self {
            name: text("name").filter(|name| !name.is_empty()),
            version: text("version"),
            private: value.get("private") == Some(&Value::Bool(true)),
            scripts: strings(value.get("scripts")),
            dependencies: kinds.iter().flat_map(|kind| strings(value.get(*kind))).collect(),
            workspaces: list(workspaces),
            package_manager: text("packageManager")
                .map(|name| name.split('+').next().unwrap_or_default().to_owned()),
            node: strings(value.get("engines")).remove("node"),
            volta: strings(value.get("volta")).remove("node"),
            published: published(&value),
            allows_builds: value.get("pnpm").is_some_and(|pnpm| {
                [
                    "onlyBuiltDependencies",
                    "neverBuiltDependencies",
                    "dangerouslyAllowAllBuilds",
                    "allowBuilds",
                ]
                .iter()
                .any(|name| pnpm.get(name).is_some())
            }),
            keys: value.keys().cloned().collect(),
        })
    }

    /// Whether it depends on one of these.
    pub(crate) fn depends(&self, name: &str) -> bool {
        self.dependencies.contains_key(name)
    }
}

fn strings(value: Option<&Value>) -> BTreeMap<String, String> {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn list(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn published(value: &Map<String, Value>) -> BTreeSet<String> {
    let mut paths: Vec<String> = list(value.get("files"));
    for name in ["main", "module", "types", "typings", "browser", "bin"] {
        match value.get(name) {
            Some(Value::String(path)) => paths.push(path.clone()),
            Some(Value::Object(many)) => {
                paths.extend(many.values().filter_map(Value::as_str).map(str::to_owned))
            }
            _ => {}
        }
    }
    let first =
        |path: &String| path.trim_start_matches("./").split('/').next().unwrap_or_default().to_owned();
    paths.iter().map(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts() {
        let text = r#"{"name":"a","private":true,"packageManager":"pnpm@9.1.0+sha512.abc","main":"./dist/x.js",
            "scripts":{"test":"x","odd":1},"devDependencies":{"eslint":"^9"},"dependencies":[],
            "workspaces":{"packages":["p/*"]},"engines":{"node":">=18"},"jest":{}}"#;
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(manifest.package_manager.as_deref(), Some("pnpm@9.1.0"));
        assert_eq!(manifest.scripts.len(), 1);
        assert!(manifest.depends("eslint") && manifest.private && manifest.keys.contains("jest"));
        assert_eq!(manifest.workspaces, ["p/*"]);
        assert_eq!(manifest.node.as_deref(), Some(">=18"));
        assert!(manifest.published.contains("dist"));
    }

    #[test]
    fn what_is_not_json_has_its_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("web")).unwrap();
        std::fs::write(dir.path().join("web/package.json"), "{\n  \"name\": }").unwrap();
        let failure = Manifest::read(&crate::samples::files(dir.path()), "web").unwrap_err();
        assert_eq!(failure.data["line"], 2);
        assert_eq!(failure.data["file"], "web/package.json");
        assert!(failure.message.starts_with("web/package.json:2: it is not"), "{}", failure.message);
        assert!(Manifest::parse("[]").is_err());
    }
}
