//! The project as the answers see it: facts and config put together.
//!
//! Invariant: each question that several answers ask is decided here, once.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::{Action, Resolution, Step};
use devflow_protocol::name::{CommandName, EnvName};
use devflow_protocol::sdk::Failure;
use devflow_protocol::template::Template;

use crate::config::{Config, Manager};
use crate::declared;
use crate::facts::Facts;
use crate::groups::{self, Bundle, Kind, TOOLS};
use crate::manager;
use crate::words::{escape, name, template};

/// The project.
pub(crate) struct Project<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) config: &'a Config,
    /// What installs it, and why that.
    pub(crate) manager: Manager,
    pub(crate) why: String,
    /// Extras and groups.
    pub(crate) bundles: Vec<Bundle>,
    /// The packages that some list names which is installed.
    declared: BTreeSet<String>,
}

impl<'a> Project<'a> {
    /// The project that these facts tell of.
    pub(crate) fn of(facts: &'a Facts, config: &'a Config) -> Result<Self, Failure> {
        let (manager, why) = manager::choose(facts, config)?;
        let bundles = groups::bundles(&facts.package, facts.hatch.as_ref(), manager, config)?;
        let mut project = Self { facts, config, manager, why, bundles, declared: BTreeSet::new() };
        project.declared = declared::names(&project.wanted());
        if project.pip_installs() {
            project.declared.extend(facts.requirements.names.iter().cloned());
        } else if manager == Manager::Poetry
            && let Some(pyproject) = &facts.package.pyproject
        {
            let names: Vec<String> =
                pyproject.table("tool.poetry.dependencies").map(|(name, _)| name.to_owned()).collect();
            project.declared.extend(declared::names(&names));
        }
        Ok(project)
    }

    /// Whether pip installs it, from requirements files and from what pyproject.toml lists.
    pub(crate) fn pip_installs(&self) -> bool {
        matches!(self.manager, Manager::Pip | Manager::Hatch)
    }

    /// The requirements that stand outside of requirements files.
    pub(crate) fn wanted(&self) -> Vec<String> {
        let mut all = declared::requirements(&self.facts.package, &[]);
        all.extend(self.chosen().flat_map(|bundle| bundle.requirements.iter().cloned()));
        for (local, package) in &self.facts.locals {
            all.extend(declared::requirements(package, &local.extras));
        }
        let mut seen = BTreeSet::new();
        all.retain(|text| seen.insert(text.clone()));
        all
    }

    /// The extras and groups that are installed.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = &Bundle> {
        self.bundles.iter().filter(|bundle| bundle.chosen)
    }

    /// The names, as spelled, of what is installed on request.
    pub(crate) fn requested(&self, kind: Kind) -> Vec<&str> {
        self.chosen().filter(|bundle| bundle.kind == kind).map(|bundle| bundle.spelled.as_str()).collect()
    }

    /// Whether a list that is installed names a tool.
    pub(crate) fn declares(&self, tool: &str) -> bool {
        self.declared.contains(tool)
    }

    /// Whether a tool is used here: it is declared, or has settings of its own that are not an editor's.
    pub(crate) fn uses(&self, tool: &str) -> bool {
        self.declares(tool) || self.configures(tool)
    }

    /// Whether a tool has settings here.
    pub(crate) fn configures(&self, tool: &str) -> bool {
        let facts = self.facts;
        let mark = |names: &[&str]| names.iter().any(|name| facts.marks.contains(name));
        let section = |name: &str| {
            [&facts.package.setup_cfg, &facts.tox].into_iter().flatten().any(|ini| ini.has(name))
        };
        match tool {
            "ruff" => facts.has("tool.ruff") || mark(&["ruff.toml", ".ruff.toml"]),
            "mypy" => facts.has("tool.mypy") || mark(&["mypy.ini", ".mypy.ini"]) || section("mypy"),
            "flake8" => mark(&[".flake8"]) || section("flake8"),
            "pylint" => facts.has("tool.pylint") || mark(&["pylintrc", ".pylintrc"]),
            "pytest" => {
                facts.has("tool.pytest")
                    || facts.pytest.is_some()
                    || section("tool:pytest")
                    || section("pytest")
            }
            "black" => facts.has("tool.black"),
            _ => false,
        }
    }

    /// What building the project needs; nothing when it is not installed itself.
    pub(crate) fn builds(&self) -> Option<Vec<String>> {
        let denied = |path: &str| self.facts.package.pyproject.as_ref().is_some_and(|file| file.denies(path));
        match self.manager {
            Manager::Uv if denied("tool.uv.package") => None,
            Manager::Poetry if denied("tool.poetry.package-mode") => None,
            Manager::Pdm if denied("tool.pdm.distribution") => None,
            _ => declared::build(&self.facts.package),
        }
    }

    /// What building the project and the folders that come with it needs.
    pub(crate) fn build_requirements(&self) -> Vec<String> {
        let own = self.builds();
        let locals = self.facts.locals.iter().filter_map(|(_, package)| declared::build(package));
        let mut all: Vec<String> = own.into_iter().chain(locals).flatten().collect();
        let mut seen = BTreeSet::new();
        all.retain(|text| seen.insert(text.clone()));
        all
    }

    /// Whether something of the project itself is installed, after its dependencies.
    pub(crate) fn installs_itself(&self) -> bool {
        match self.manager {
            Manager::Poetry => self.builds().is_some() || self.poetry_root(),
            _ => self.builds().is_some() || !self.facts.locals.is_empty(),
        }
    }

    fn poetry_root(&self) -> bool {
        let pyproject = self.facts.package.pyproject.as_ref();
        pyproject.is_some_and(|file| file.has("tool.poetry.name") && !file.denies("tool.poetry.package-mode"))
    }

    /// What runs with the dependencies alone.
    pub(crate) fn with_dependencies(&self, steps: Vec<Step>) -> Result<Action, Failure> {
        self.action(steps, "setup:deps")
    }

    /// What imports the project, too.
    pub(crate) fn with_project(&self, steps: Vec<Step>) -> Result<Action, Failure> {
        let mut action =
            self.action(steps, if self.installs_itself() { "setup:project" } else { "setup:deps" })?;
        if let Some(source) = self.source_path() {
            action.env.insert(name("PYTHONPATH")?, Some(source));
        }
        Ok(action)
    }

    fn action(&self, steps: Vec<Step>, needs: &str) -> Result<Action, Failure> {
        let path = vec![template("${cache:venv}/bin")];
        Ok(Action { steps, path, needs: vec![name::<CommandName>(needs)?], ..Action::default() })
    }

    /// `src`, where nothing installs what is in it.
    fn source_path(&self) -> Option<Template> {
        let in_src = |file: &String| file.starts_with("src/") && !file.starts_with("src/__init__");
        let files = &self.facts.tree.files;
        let needed = !self.installs_itself()
            && files.iter().any(in_src)
            && !files.iter().any(|file| file == "src/__init__.py");
        needed.then(|| {
            template(&["${workspace}", &escape(&self.facts.dir), "src"].join("/").replace("//", "/"))
        })
    }

    /// The folders and modules at the top that hold the project's code, for tools that want to be told.
    pub(crate) fn sources(&self) -> Vec<String> {
        let mut all: BTreeSet<&str> = BTreeSet::new();
        for file in &self.facts.tree.files {
            match file.split_once('/') {
                None => drop(all.insert(file)),
                Some((folder @ ("src" | "tests" | "test"), _)) => drop(all.insert(folder)),
                Some((folder, "__init__.py")) => drop(all.insert(folder)),
                Some(_) => {}
            }
        }
        all.into_iter().map(escape).collect()
    }
}

/// The tools in some list that is installed, for a reason to skip.
pub(crate) fn none_of(tools: &[&str]) -> Resolution {
    debug_assert!(tools.iter().all(|tool| TOOLS.contains(tool)));
    Resolution::skip(format!("no list of dependencies that is installed names {}", tools.join(", ")))
}

/// Variables of an action.
pub(crate) fn env<const N: usize>(
    pairs: [(&str, &str); N],
) -> Result<BTreeMap<EnvName, Option<Template>>, Failure> {
    pairs.into_iter().map(|(key, value)| Ok((name(key)?, Some(template(value))))).collect()
}
