//! Extras, dependency groups and Hatch's environments: what there is, and which of them are installed.
//!
//! Invariant: a bundle is chosen by the user, by its manager's default, by a name that says
//! development, or because it brings a tool that dwf runs; never for another reason.

use devflow_protocol::sdk::Failure;

use crate::config::{Config, Manager};
use crate::facts::Package;
use crate::ini;
use crate::pyproject::{Pyproject, texts};
use crate::requirement::{Requirement, normalise};
use crate::tables::{environments, groups, own_groups};

/// The tools that actions run.
pub(crate) const TOOLS: [&str; 13] = [
    "ruff",
    "black",
    "isort",
    "mypy",
    "pyright",
    "basedpyright",
    "flake8",
    "pylint",
    "pytest",
    "bandit",
    "pip-audit",
    "build",
    "coverage",
];

/// Names that say development.
const NAMES: [&str; 18] = [
    "dev",
    "develop",
    "development",
    "test",
    "tests",
    "testing",
    "lint",
    "linting",
    "format",
    "formatting",
    "typing",
    "types",
    "typecheck",
    "type-check",
    "style",
    "quality",
    "qa",
    "ci",
];

/// Requirements under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Its name, normalised.
    pub(crate) name: String,
    /// As the project spells it.
    pub(crate) spelled: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// What it asks for.
    pub(crate) requirements: Vec<String>,
    /// Whether it is installed.
    pub(crate) chosen: bool,
}

/// What a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An extra of the project.
    Extra,
    /// A group that its manager leaves out unless told.
    Group,
    /// A group that its manager installs anyway.
    DefaultGroup,
}

/// All bundles of a project, in order.
pub(crate) fn bundles(
    package: &Package,
    hatch: Option<&Pyproject>,
    manager: Manager,
    config: &Config,
) -> Result<Vec<Bundle>, Failure> {
    let mut all = extras(package);
    if let Some(pyproject) = &package.pyproject {
        all.extend(groups(pyproject, manager)?);
        all.extend(own_groups(pyproject, manager));
        if manager == Manager::Hatch {
            all.extend(environments(pyproject, "tool.hatch.envs"));
        }
    }
    all.extend(
        hatch.filter(|_| manager == Manager::Hatch).into_iter().flat_map(|file| environments(file, "envs")),
    );
    check(&all, "extras", &config.extras, |bundle| bundle.kind == Kind::Extra)?;
    check(&all, "groups", &config.groups, |bundle| bundle.kind != Kind::Extra)?;
    for bundle in &mut all {
        let wish = if bundle.kind == Kind::Extra { &config.extras } else { &config.groups };
        bundle.chosen = bundle.kind == Kind::DefaultGroup
            || match wish {
                Some(names) => names.contains(&bundle.name),
                None => NAMES.contains(&bundle.name.as_str()) || brings_a_tool(&bundle.requirements),
            };
    }
    Ok(all)
}

fn brings_a_tool(requirements: &[String]) -> bool {
    let mut names = requirements.iter().filter_map(|text| Requirement::parse(text));
    names.any(|requirement| TOOLS.contains(&requirement.name.as_str()))
}

fn check(
    all: &[Bundle],
    key: &str,
    wanted: &Option<Vec<String>>,
    fits: impl Fn(&Bundle) -> bool,
) -> Result<(), Failure> {
    let known: Vec<&str> =
        all.iter().filter(|bundle| fits(bundle)).map(|bundle| bundle.name.as_str()).collect();
    match wanted.iter().flatten().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Failure::invalid_config(format!(
            "`{key}` names {name}, which the project does not have; it has: {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ))),
        None => Ok(()),
    }
}

pub(crate) fn bundle(spelled: &str, kind: Kind, requirements: Vec<String>) -> Bundle {
    Bundle { name: normalise(spelled), spelled: spelled.to_owned(), kind, requirements, chosen: false }
}

/// The extras of a package, with references to its own extras replaced by what they hold.
pub(crate) fn extras(package: &Package) -> Vec<Bundle> {
    let mut all = Vec::new();
    let mut own = None;
    if let Some(pyproject) = &package.pyproject {
        own = pyproject.text("project.name").map(normalise);
        for table in ["project.optional-dependencies", "tool.poetry.extras"] {
            all.extend(pyproject.table(table).map(|(name, value)| bundle(name, Kind::Extra, texts(value))));
        }
    }
    if let Some(setup) = &package.setup_cfg {
        let lists = setup.section("options.extras_require");
        all.extend(lists.map(|(name, value)| bundle(name, Kind::Extra, ini::list(value))));
    }
    let flat: Vec<Bundle> = all
        .iter()
        .map(|one| Bundle { requirements: unfold(one, &all, own.as_deref()), ..one.clone() })
        .collect();
    flat
}

fn unfold(top: &Bundle, all: &[Bundle], own: Option<&str>) -> Vec<String> {
    let mut seen = vec![top.name.clone()];
    let mut todo: Vec<String> = top.requirements.iter().rev().cloned().collect();
    let mut flat = Vec::new();
    while let Some(text) = todo.pop() {
        match Requirement::parse(&text).filter(|requirement| Some(requirement.name.as_str()) == own) {
            Some(requirement) => {
                for extra in requirement.extras {
                    if !seen.contains(&extra) {
                        let found = all.iter().filter(|bundle| bundle.name == extra);
                        todo.extend(found.flat_map(|bundle| bundle.requirements.iter().rev().cloned()));
                        seen.push(extra);
                    }
                }
            }
            None => flat.push(text),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, manager: Manager) -> Vec<(String, Vec<String>)> {
        let package = Package { pyproject: Pyproject::parse(text).ok(), ..Package::default() };
        let all = bundles(&package, None, manager, &Config::default()).unwrap();
        all.into_iter().filter(|one| one.chosen).map(|one| (one.name, one.requirements)).collect()
    }

    fn expect(list: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        list.iter().map(|(name, list)| ((*name).to_owned(), owned(list))).collect()
    }

    #[test]
    fn what_is_for_development_is_chosen() {
        let text = "[project]\nname = 'My.App'\n[project.optional-dependencies]\nTest = ['pytest>=8']\n\
                    docs = ['sphinx']\nall-of-it = ['my-app[test]', 'ruff']\nplain = ['x']";
        let all = chosen(text, Manager::Pip);
        assert_eq!(all, expect(&[("test", &["pytest>=8"]), ("all-of-it", &["pytest>=8", "ruff"])]));
    }

    #[test]
    fn groups_include_groups() {
        let text =
            "[dependency-groups]\ndev = [{include-group='Lint'}, 'a']\nlint = ['ruff']\ndocs = ['sphinx']";
        assert_eq!(chosen(text, Manager::Pip), expect(&[("dev", &["ruff", "a"]), ("lint", &["ruff"])]));
        for bad in ["a = [{include-group='a'}]", "a = [{include-group='b'}]"] {
            let text = format!("[dependency-groups]\n{bad}");
            let package = Package { pyproject: Pyproject::parse(&text).ok(), ..Package::default() };
            assert!(bundles(&package, None, Manager::Pip, &Config::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn managers_have_groups_of_their_own() {
        let poetry =
            "[tool.poetry.group.dev.dependencies]\nPyTest = '*'\n[tool.poetry.group.docs]\noptional = true";
        assert_eq!(chosen(poetry, Manager::Poetry), expect(&[("dev", &["PyTest"])]));
        let pdm = "[tool.pdm.dev-dependencies]\nx = ['a']";
        assert_eq!(chosen(pdm, Manager::Pdm), expect(&[("x", &["a"])]));
        let hatch =
            "[tool.hatch.envs.default]\ndependencies = ['a']\n[tool.hatch.envs.docs]\ndependencies = ['b']";
        assert_eq!(chosen(hatch, Manager::Hatch), expect(&[("default", &["a"])]));
        assert_eq!(chosen(hatch, Manager::Pip), []);
    }

    #[test]
    fn a_config_that_names_what_is_not_there() {
        let config = Config { groups: Some(vec!["tets".to_owned()]), ..Config::default() };
        let package = Package {
            pyproject: Pyproject::parse("[dependency-groups]\ntest = []").ok(),
            ..Package::default()
        };
        let failure = bundles(&package, None, Manager::Pip, &config).unwrap_err();
        assert!(failure.message.contains("it has: test"), "{}", failure.message);
    }
}
