//! What a package says it needs: to run, and to be built.
//!
//! Invariant: nothing here runs a build backend; what only code can tell is left to the install.

use std::collections::BTreeSet;

use crate::facts::Package;
use crate::groups;
use crate::ini;
use crate::requirement::Requirement;

/// What a package needs to run, with some of its extras.
pub(crate) fn requirements(package: &Package, extras: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(pyproject) = &package.pyproject {
        all.extend(pyproject.list("project.dependencies"));
    }
    if let Some(setup) = &package.setup_cfg {
        all.extend(setup.get("options", "install_requires").map(ini::list).unwrap_or_default());
    }
    if !extras.is_empty() {
        let bundles = groups::extras(package).into_iter().filter(|bundle| extras.contains(&bundle.name));
        all.extend(bundles.flat_map(|bundle| bundle.requirements));
    }
    all
}

/// What building it needs; nothing when there is nothing that builds it.
pub(crate) fn build(package: &Package) -> Option<Vec<String>> {
    let pyproject = package.pyproject.as_ref();
    let has = |path: &str| pyproject.is_some_and(|file| file.has(path));
    let setup_cfg = package.setup_cfg.as_ref().is_some_and(|file| file.get("metadata", "name").is_some());
    let named = has("project.name") || has("tool.poetry.name") || has("tool.flit.metadata");
    if !(package.setup_py || setup_cfg || (has("build-system") && named)) {
        return None;
    }
    let mut requires = pyproject.map(|file| file.list("build-system.requires")).unwrap_or_default();
    if requires.is_empty() {
        requires.push("setuptools".to_owned());
    }
    // What these backends ask for only once they run.
    for (backend, extra) in [("setuptools", "wheel"), ("hatchling", "editables")] {
        if names(&requires).contains(backend) && !names(&requires).contains(extra) {
            requires.push(extra.to_owned());
        }
    }
    Some(requires)
}

/// The names in some requirements.
pub(crate) fn names<'a>(requirements: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    let parsed = requirements.into_iter().filter_map(|text| Requirement::parse(text));
    parsed.map(|requirement| requirement.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::Ini;
    use crate::pyproject::Pyproject;

    fn package(toml: &str, cfg: &str, setup_py: bool) -> Package {
        let setup_cfg = (!cfg.is_empty()).then(|| Ini::parse(cfg));
        Package { pyproject: Pyproject::parse(toml).ok(), setup_cfg, setup_py }
    }

    #[test]
    fn what_runs_it() {
        let cfg = "[options]\ninstall_requires = \n  a\n  b>1\n[options.extras_require]\nx = c";
        assert_eq!(requirements(&package("", cfg, false), &["x".to_owned()]), ["a", "b>1", "c"]);
        assert_eq!(
            requirements(&package("[project]\ndependencies=['d']", cfg, false), &[]),
            ["d", "a", "b>1"]
        );
    }

    #[test]
    fn what_builds_it() {
        let hatch = "[build-system]\nrequires=['hatchling']\n[project]\nname='x'";
        for (toml, cfg, setup_py, expected) in [
            (hatch, "", false, Some(&["hatchling", "editables"][..])),
            ("[project]\nname='x'", "", false, None),
            ("[build-system]\nrequires=['x']", "", false, None),
            ("", "[metadata]\nname = x", false, Some(&["setuptools", "wheel"])),
            ("", "[flake8]", false, None),
            ("", "", true, Some(&["setuptools", "wheel"])),
        ] {
            let found = build(&package(toml, cfg, setup_py));
            assert_eq!(
                found.as_ref().map(|list| list.iter().map(String::as_str).collect()),
                expected.map(<[_]>::to_vec)
            );
        }
    }
}
