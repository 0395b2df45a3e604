//! What an image for a Python project needs.
//!
//! Invariant: the interpreter and the manager are those that the project's own files ask for.

use std::collections::BTreeSet;

use devflow_protocol::message::{Copy, Image, ImageOption, ImageStep};
use pep440_rs::Operator;

use crate::config::Manager;
use crate::interpreter::Interpreter;
use crate::native;
use crate::project::Project;
use crate::range;
use crate::words::owned;

/// Managers of projects that do not name a version. They run on Python 3.10 and later; for an older
/// one pip finds the last that did.
const UV: &str = "0.13.9";
const POETRY: &str = "2.5.1";
const PDM: &str = "2.26.9";
const OLDEST: u32 = 10;

/// What the official image's interpreter and its modules are linked with.
const LIBRARIES: [&str; 13] = [
    "libbz2-1.0",
    "libdb5.3",
    "libexpat1",
    "libffi8",
    "libgdbm6",
    "liblzma5",
    "libncursesw6",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libuuid1",
    "libzstd1",
    "zlib1g",
];

/// What the image needs.
pub(crate) fn image(project: &Project, python: &Interpreter) -> Image {
    let official = python.tag.as_deref().and_then(|tag| official(project, python, tag));
    let options = [official, python.debian.then(|| distribution(project))];
    Image { base: owned(["debian:bookworm"]), options: options.into_iter().flatten().collect() }
}

/// The interpreter's files out of the official image, and the libraries it is linked with.
fn official(project: &Project, python: &Interpreter, tag: &str) -> Option<ImageOption> {
    let (minor, number) = python.minor()?;
    let python = format!("python{minor}");
    // tzdata is in the official image, too: without it there are no time zones.
    let packages = LIBRARIES.into_iter().chain(["tzdata"]);
    let mut option = finish(project, number, packages.collect());
    let library = format!("/usr/local/lib/lib{python}.so");
    option.links.extend(["python", "python3"].map(|name| [python.clone(), format!("/usr/local/bin/{name}")]));
    option.links.push([format!("lib{python}.so.1.0"), library.clone()]);
    option.steps.insert(0, root(owned(["ldconfig"])));
    // pip's own list of authorities knows none that a company added to the system's.
    let authorities = "/etc/ssl/certs/ca-certificates.crt".to_owned();
    Some(ImageOption {
        source: "images".to_owned(),
        env: "PIP_CERT".parse().map(|name| (name, authorities)).into_iter().collect(),
        copy: vec![Copy {
            from: format!("docker.io/library/python:{tag}-slim-bookworm"),
            paths: vec![
                format!("/usr/local/bin/{python}"),
                format!("/usr/local/include/{python}"),
                format!("/usr/local/lib/{python}"),
                format!("{library}.1.0"),
            ],
        }],
        ..option
    })
}

fn distribution(project: &Project) -> ImageOption {
    let mut packages = BTreeSet::from(["python3", "python3-pip", "python3-venv"]);
    packages.extend(native::of(project).compiles.then_some("python3-dev"));
    packages.extend((project.config.python() == "python").then_some("python-is-python3"));
    ImageOption { source: "distribution".to_owned(), ..finish(project, 11, packages) }
}

/// What both ways end with: what is compiled, the manager, and the proof.
fn finish(project: &Project, minor: u32, mut packages: BTreeSet<&str>) -> ImageOption {
    packages.extend(native::of(project).packages);
    let mut probe = vec![owned(["python3", "-c", "import ensurepip, sqlite3, ssl, venv"])];
    if project.config.python() != "python3" {
        probe.push(owned([project.config.python(), "--version"]));
    }
    let option =
        ImageOption { packages: packages.into_iter().map(str::to_owned).collect(), ..Default::default() };
    let Some(tool) = Tool::of(project, minor) else { return ImageOption { probe, ..option } };
    let (name, folder) = (tool.name, tool.folder());
    let install = ["install", "--no-cache-dir", "--disable-pip-version-check"].map(str::to_owned);
    let pip = [format!("{folder}/bin/pip")].into_iter().chain(install).chain([tool.requirement()]);
    probe.push(owned([name, "--version"]));
    ImageOption {
        links: vec![[format!("{folder}/bin/{name}"), format!("/usr/local/bin/{name}")]],
        steps: vec![root(owned(["python3", "-m", "venv", &folder])), root(pip.collect())],
        probe,
        ..option
    }
}

/// The tool that installs, in an environment of its own.
#[derive(Debug, PartialEq, Eq)]
struct Tool {
    name: &'static str,
    version: Option<String>,
    /// What the project allows, where no version is told.
    range: String,
}

impl Tool {
    /// That of the project; nothing for what comes with Python.
    fn of(project: &Project, minor: u32) -> Option<Self> {
        let name = project.manager.name();
        let (default, key) = match project.manager {
            Manager::Pip | Manager::Hatch => return None,
            Manager::Uv => (UV, "tool.uv.required-version"),
            Manager::Poetry => (POETRY, "tool.poetry.requires-poetry"),
            Manager::Pdm => (PDM, ""),
        };
        let pyproject = project.facts.package.pyproject.as_ref();
        let required = pyproject.and_then(|file| file.text(key)).and_then(range::parse).unwrap_or_default();
        let fits = minor >= OLDEST && default.parse().is_ok_and(|version| required.contains(&version));
        let exact = required.iter().find(|part| *part.operator() == Operator::Equal);
        let version = match exact {
            _ if fits => Some(default.to_owned()),
            Some(part) => Some(part.version().to_string()),
            None => None,
        };
        Some(Self { name, version, range: required.to_string().replace(' ', "") })
    }

    /// The version in the name makes two members that want two versions contradict each other.
    fn folder(&self) -> String {
        match &self.version {
            Some(version) => format!("/opt/{}-{version}", self.name),
            None => format!("/opt/{}", self.name),
        }
    }

    fn requirement(&self) -> String {
        match &self.version {
            Some(version) => format!("{}=={version}", self.name),
            None => format!("{}{}", self.name, self.range),
        }
    }
}

fn root(run: Vec<String>) -> ImageStep {
    ImageStep { run, user: Some("root".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::facts::Facts;
    use crate::facts::Package;
    use crate::interpreter;
    use crate::pyproject::Pyproject;

    fn facts(toml: &str, lock: Option<&'static str>) -> Facts {
        let pyproject = Some(Pyproject::parse(toml).ok().unwrap());
        let package = Package { pyproject, ..Package::default() };
        Facts { package, marks: lock.into_iter().collect(), ..Facts::default() }
    }

    fn answer(facts: &Facts) -> Vec<ImageOption> {
        let config = Config::default();
        let project = Project::of(facts, &config).unwrap();
        image(&project, &interpreter::wanted(facts, &config)).options
    }

    fn lines(option: &ImageOption) -> Vec<String> {
        option.steps.iter().map(|step| step.run.join(" ")).collect()
    }

    #[test]
    fn an_interpreter_is_copied_by_its_version() {
        let options = answer(&facts("[project]\nname = 'a'\nrequires-python = '>=3.12'", None));
        let [official] = &options[..] else { panic!("{options:?}") };
        let paths = [
            "/usr/local/bin/python3.12",
            "/usr/local/include/python3.12",
            "/usr/local/lib/python3.12",
            "/usr/local/lib/libpython3.12.so.1.0",
        ];
        assert_eq!(official.copy[0].from, "docker.io/library/python:3.12-slim-bookworm");
        assert_eq!(official.copy[0].paths, paths);
        assert_eq!(official.links[1], ["python3.12", "/usr/local/bin/python3"]);
        assert_eq!(lines(official), ["ldconfig"]);
        assert!(official.env.contains_key(&"PIP_CERT".parse().unwrap()));
        assert!(official.packages.is_sorted() && official.packages.contains(&"libssl3".to_owned()));
        let debian = &answer(&facts("[project]\nname = 'a'", None))[1];
        assert_eq!(debian.packages, ["python3", "python3-pip", "python3-venv"]);
        assert!(debian.steps.is_empty() && debian.links.is_empty());
    }

    #[test]
    fn managers_have_environments_of_their_own() {
        for (toml, lock, folder, requirement) in [
            ("", "uv.lock", "/opt/uv-0.13.9", "uv==0.13.9"),
            ("[tool.uv]\nrequired-version = '>=0.5'", "uv.lock", "/opt/uv-0.13.9", "uv==0.13.9"),
            ("[tool.uv]\nrequired-version = '==0.5.1'", "uv.lock", "/opt/uv-0.5.1", "uv==0.5.1"),
            ("[tool.uv]\nrequired-version = '>=0.5, <0.6'", "uv.lock", "/opt/uv", "uv>=0.5,<0.6"),
            ("[tool.poetry]\nrequires-poetry = '>=2.0'", "poetry.lock", "/opt/poetry-2.5.1", "poetry==2.5.1"),
            ("[tool.poetry]\nrequires-poetry = '^1.8'", "poetry.lock", "/opt/poetry", "poetry>=1.8,<2"),
            ("[project]\nrequires-python = '<3.10'", "pdm.lock", "/opt/pdm", "pdm"),
            ("", "pdm.lock", "/opt/pdm-2.26.9", "pdm==2.26.9"),
        ] {
            let options = answer(&facts(toml, Some(lock)));
            for option in &options {
                let steps = lines(option);
                let [.., venv, pip] = &steps[..] else { panic!("{steps:?}") };
                assert_eq!(*venv, format!("python3 -m venv {folder}"), "{toml}");
                assert!(pip.starts_with(&format!("{folder}/bin/pip install ")), "{toml}: {pip}");
                assert!(pip.ends_with(&format!(" {requirement}")), "{toml}: {pip}");
                let [target, link] = &option.links[0];
                assert!(target.starts_with(&format!("{folder}/bin/")) && link.starts_with("/usr/local/bin/"));
                assert_eq!(option.probe.last().unwrap()[1], "--version");
            }
        }
    }

    #[test]
    fn what_is_compiled_needs_a_compiler() {
        let builds = "[build-system]\nrequires = ['cython', 'setuptools-scm']\n[project]\nname = 'a'\n";
        for (toml, packages) in [
            (builds, &["g++", "gcc", "git", "libc6-dev", "make", "python3-dev"][..]),
            ("[project]\nname = 'a'\ndependencies = ['psycopg2>=2']", &["libpq-dev", "python3-dev", "gcc"]),
            ("[project]\nname = 'a'\ndependencies = ['psycopg2-binary']", &[]),
        ] {
            let options = answer(&facts(toml, None));
            let has = |name: &str| options[1].packages.iter().any(|package| package == name);
            assert!(packages.iter().all(|name| has(name)), "{:?}", options[1].packages);
            assert_eq!(has("gcc"), !packages.is_empty(), "{toml}");
        }
    }
}
