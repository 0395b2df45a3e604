//! Which tests there are, and which of them are unit tests.
//!
//! Invariant: every test belongs to exactly one command: to a suite's when it lies in the suite's
//! folder (or, without a folder, bears its marker), else to `test:unit`.

use devflow_protocol::sdk::paths::{fits, join};

use crate::facts::Facts;
use crate::ini;
use crate::project::Project;

/// The suites that are not unit tests.
pub(crate) const SUITES: [&str; 3] = ["integration", "e2e", "smoke"];

/// Where a suite's tests are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Suite {
    /// In this folder.
    Folder(String),
    /// Wherever they bear its marker.
    Marker,
}

/// The settings of pytest that matter here.
#[derive(Debug, Default)]
pub(crate) struct Pytest {
    /// Patterns of test files.
    patterns: Vec<String>,
    /// Where tests are looked for.
    paths: Vec<String>,
    /// Markers, by name.
    markers: Vec<String>,
    /// Options added to every call.
    options: String,
}

impl Pytest {
    /// From the first file that pytest would take them from.
    pub(crate) fn of(facts: &Facts) -> Self {
        let setup = facts.package.setup_cfg.as_ref().map(|ini| (ini, "tool:pytest"));
        let own = facts.pytest.as_ref().map(|ini| (ini, "pytest"));
        let toml = facts.package.pyproject.as_ref();
        let table = ["tool.pytest.ini_options", "tool.pytest"].into_iter().find(|table| facts.has(table));
        let tox = facts.tox.as_ref().map(|ini| (ini, "pytest"));
        let of_ini = [own, tox, setup].into_iter().flatten().find(|(ini, section)| ini.has(section));
        let value = |key: &str| match (facts.pytest.is_none(), toml, table, of_ini) {
            (true, Some(toml), Some(table), _) => toml.list(&format!("{table}.{key}")),
            (_, _, _, Some((ini, section))) => ini.get(section, key).map(ini::list).unwrap_or_default(),
            _ => Vec::new(),
        };
        let words = |key: &str| {
            value(key)
                .iter()
                .flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let marker = |text: &String| text.split([':', '(']).next().unwrap_or_default().trim().to_owned();
        Self {
            patterns: words("python_files"),
            paths: words("testpaths"),
            markers: value("markers").iter().map(marker).collect(),
            options: value("addopts").join(" "),
        }
    }

    fn is_test(&self, file: &str) -> bool {
        let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
        let defaults = ["test_*.py", "*_test.py"];
        match self.patterns.is_empty() {
            true => defaults.iter().any(|pattern| fits(pattern, name)),
            false => self
                .patterns
                .iter()
                .any(|pattern| fits(pattern, if pattern.contains('/') { file } else { name })),
        }
    }

    fn looks_at(&self, file: &str) -> bool {
        let plain = self.paths.iter().all(|path| !path.contains(['*', '?', '[']));
        let inside = |path: &String| join("", path).is_some_and(|path| is_in(file, &path));
        self.paths.is_empty() || !plain || self.paths.iter().any(inside)
    }
}

/// Whether a file is below a folder, or is it.
fn is_in(file: &str, folder: &str) -> bool {
    folder.is_empty() || file == folder || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The test files that pytest would collect.
pub(crate) fn tests<'a>(facts: &'a Facts, pytest: &Pytest) -> Vec<&'a str> {
    let files = facts.tree.files.iter().map(String::as_str);
    files.filter(|file| pytest.is_test(file) && pytest.looks_at(file)).collect()
}

/// Where the tests of a suite are, when there are some.
pub(crate) fn suite(project: &Project, pytest: &Pytest, name: &str) -> Option<Suite> {
    let is_there = |folder: &String| {
        project.facts.tree.files.iter().any(|file| is_in(file, folder) && pytest.is_test(file))
    };
    let folder = ["tests", "test"].map(|top| format!("{top}/{name}")).into_iter().find(is_there);
    match folder {
        Some(folder) => Some(Suite::Folder(folder)),
        None if pytest.markers.iter().any(|marker| marker == name) => Some(Suite::Marker),
        None => None,
    }
}

/// Whether something is left for `test:unit` once the suites have theirs.
pub(crate) fn has_units(facts: &Facts, pytest: &Pytest, suites: &[Suite]) -> bool {
    let in_suite =
        |file: &str| suites.iter().any(|suite| matches!(suite, Suite::Folder(folder) if is_in(file, folder)));
    let doctests = pytest.options.contains("--doctest") || pytest.options.contains("--pyargs");
    facts.tree.cut || doctests || tests(facts, pytest).iter().any(|file| !in_suite(file))
}

/// Whether every call has a choice of markers already, which another `-m` would replace.
pub(crate) fn chooses_markers(pytest: &Pytest) -> bool {
    pytest.options.split_whitespace().any(|word| word == "-m" || word.starts_with("-m="))
}
