//! `test:*`: pytest where it is declared, else unittest.
//!
//! Invariant: no tests is a skip that says so, told from files; never a run that finds nothing.

use devflow_protocol::message::{Report, Resolution, Step};
use devflow_protocol::sdk::Failure;
use devflow_protocol::sdk::paths::{fits, parent};

use crate::checks::pass;
use crate::facts::Facts;
use crate::project::{Project, env};
use crate::suites::{self, Pytest, SUITES, Suite};
use crate::words::{escape, name, owned, step};

/// `test:unit` and the suites beside it.
pub(crate) fn test(project: &Project, args: &[String], selector: &str) -> Result<Resolution, Failure> {
    let plugins = ["pytest", "pytest-cov", "pytest-xdist", "pytest-asyncio", "pytest-django", "pytest-mock"];
    if project.uses("pytest") || plugins.iter().any(|plugin| project.declares(plugin)) {
        pytest(project, args, selector)
    } else {
        unittest(project, args, selector)
    }
}

fn pytest(project: &Project, args: &[String], selector: &str) -> Result<Resolution, Failure> {
    let settings = Pytest::of(project.facts);
    let selection = if selector == "unit" {
        match units(project, &settings) {
            Some(words) => words,
            None => return Ok(Resolution::skip("there are no unit tests")),
        }
    } else {
        match suites::suite(project, &settings, selector) {
            Some(Suite::Folder(folder)) => vec![escape(&folder)],
            Some(Suite::Marker) => owned(["-m", selector]),
            None => {
                let reason = format!("there is no tests/{selector} with tests, and no marker {selector}");
                return Ok(Resolution::skip(reason));
            }
        }
    };
    let report = format!("reports/{selector}.xml");
    let mut words = owned(["-m", "pytest", "-o"]);
    words.push(format!("cache_dir=${{cache:python-tools}}/pytest-{selector}"));
    words.push(format!("--junitxml=${{cache:python-tools}}/{report}"));
    words.extend(selection);
    let mut action = project.with_project(vec![step("python", words)])?;
    action.env.extend(env([("COVERAGE_FILE", &format!("${{cache:python-tools}}/coverage-{selector}"))])?);
    action.reports =
        vec![Report { format: "junit".to_owned(), cache: Some(name("python-tools")?), path: name(&report)? }];
    pass(action, args)
}

/// What leaves the suites out; nothing when nothing is left.
fn units(project: &Project, settings: &Pytest) -> Option<Vec<String>> {
    let mut others = Vec::new();
    let mut words = Vec::new();
    let mut markers = Vec::new();
    for name in SUITES {
        match suites::suite(project, settings, name) {
            Some(Suite::Folder(folder)) => {
                words.push(format!("--ignore={}", escape(&folder)));
                others.push(Suite::Folder(folder));
            }
            Some(Suite::Marker) if !suites::chooses_markers(settings) => markers.push(format!("not {name}")),
            Some(Suite::Marker) | None => {}
        }
    }
    if !markers.is_empty() {
        words.extend(owned(["-m", &markers.join(" and ")]));
    }
    suites::has_units(project.facts, settings, &others).then_some(words)
}

fn unittest(project: &Project, args: &[String], selector: &str) -> Result<Resolution, Failure> {
    let facts = project.facts;
    let folders = match selector {
        "unit" => owned(["tests/unit", "tests", "test", ""]),
        selector => vec![format!("tests/{selector}"), format!("test/{selector}")],
    };
    let Some(folder) = folders.iter().find(|folder| has_tests(facts, folder, *folder != "tests")) else {
        return Ok(Resolution::skip(match selector {
            "unit" => "there are no tests: no list of dependencies names pytest, and no test*.py is found"
                .to_owned(),
            selector => format!("there is no tests/{selector} with tests"),
        }));
    };
    let mut words = owned(["-m", "unittest", "discover"]);
    if !folder.is_empty() {
        words.extend(["-s".to_owned(), escape(folder)]);
        if is_package(facts, folder) {
            words.extend(["-t".to_owned(), escape(&top(facts, folder))]);
        }
    }
    let steps: Vec<Step> = vec![step("python", words)];
    pass(project.with_project(steps)?, args)
}

/// Whether unittest would find something in a folder: directly in it, or in packages below it.
fn has_tests(facts: &Facts, folder: &str, direct: bool) -> bool {
    let fit = |file: &&String| {
        let name = file.rsplit_once('/').map_or(file.as_str(), |(_, name)| name);
        fits("test*.py", name)
    };
    let mut tests = facts.tree.files.iter().filter(fit);
    tests.any(|file| {
        let place = parent(file).unwrap_or_default();
        let inside = folder.is_empty() || place == folder || place.starts_with(&format!("{folder}/"));
        place == folder || (inside && (!direct || is_package(facts, place)) && is_package(facts, place))
    })
}

fn is_package(facts: &Facts, folder: &str) -> bool {
    let init = format!("{folder}/__init__.py");
    !folder.is_empty() && facts.tree.files.contains(&init)
}

/// The folder above the outermost package.
fn top(facts: &Facts, folder: &str) -> String {
    let mut at = folder;
    while is_package(facts, at) {
        at = parent(at).unwrap_or_default();
    }
    if at.is_empty() { ".".to_owned() } else { at.to_owned() }
}
