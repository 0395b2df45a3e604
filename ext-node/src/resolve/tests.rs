//! Commands and what they come to, in tables.

use super::*;
use crate::manager::Manager;
use crate::manifest::Manifest;
use crate::samples::{check, check_with, facts, locked};
use crate::workspaces::Package;

#[test]
fn scripts_come_first() {
    let text = r#"{"scripts":{"format":"prettier --write .","format:check":"prettier --check .","lint":"eslint .",
        "typecheck":"tsc --noEmit","build":"tsc","test":"node --test"},"devDependencies":{"vitest":"3","typescript":"5"}}"#;
    let mut facts = locked(text, Manager::Npm, "package-lock.json");
    facts.tsconfig = Some("{}".to_owned());
    check(
        &facts,
        &[
            ("fmt:check", "npm run --silent format:check <- setup:deps"),
            ("fmt:fix", "npm run --silent format <- setup:deps"),
            ("lint:static", "npm run --silent lint; npm run --silent typecheck <- setup:deps"),
            (
                "lint:static -- --quiet",
                "npm run --silent lint -- --quiet; npm run --silent typecheck <- setup:deps",
            ),
            ("lint:fix", "- package.json has no script for it, and neither eslint nor biome"),
            ("build:debug", "npm run --silent build <- setup:deps"),
            ("test:unit -- --x y", "npm run --silent test -- --x y <- setup:deps"),
            ("test:integration", "- package.json has no script for it"),
            ("package:artifact", "- package.json has no name and version to pack"),
            ("lint:security", "- package.json has no script for it"),
            ("no:such", "! no:such is not a command here"),
        ],
    );
}

#[test]
fn tools_where_there_is_no_script() {
    let text = r#"{"devDependencies":{"prettier":"3","eslint":"9","typescript":"5","vitest":"3"}}"#;
    let mut facts = locked(text, Manager::Npm, "package-lock.json");
    facts.tsconfig = Some("{}".to_owned());
    facts.names = ["eslint.config.js".to_owned()].into();
    check(
        &facts,
        &[
            ("fmt:check -- src", "prettier --check . src <- setup:deps"),
            ("lint:static -- -x", "eslint . -x; tsc --noEmit <- setup:deps"),
            ("test:unit", "vitest run <- setup:deps"),
            ("build:debug", "- package.json has no script for it"),
        ],
    );
    facts.names.clear();
    check(&facts, &[("lint:static -- -x", "tsc --noEmit -x <- setup:deps")]);
}

#[test]
fn a_script_that_changes_files_is_no_check() {
    let text =
        r#"{"scripts":{"lint":"eslint --fix .","test":"echo \"Error: no test specified\" && exit 1"}}"#;
    check(
        &facts(text),
        &[
            ("lint:static", "- script lint changes files"),
            ("lint:fix", "npm run --silent lint"),
            ("test:unit", "- script test is what npm init writes"),
        ],
    );
}

#[test]
fn tests_of_what_is_built() {
    let text = r#"{"name":"a","version":"1.0.0","main":"./dist/a.js","scripts":{"build":"tsc","test":"node --test ./dist/test",
        "test:integration":"node --test distant"}}"#;
    check(
        &facts(text),
        &[
            ("test:unit", "npm run --silent test <- build:debug"),
            ("test:integration", "npm run --silent test:integration"),
            ("package:artifact", "npm pack <- build:release"),
        ],
    );
    let Resolution::Action(build) =
        resolve(&facts(text), &Config::default(), &"build:debug".parse().unwrap(), &[]).unwrap()
    else {
        panic!("no action")
    };
    assert_eq!(build.outputs[0].path.as_ref().unwrap().as_str(), "dist");
}

#[test]
fn the_config_names_scripts() {
    let facts = facts(r#"{"scripts":{"ci-test":"x","test":"y","policy":"z"}}"#);
    let scripts = [("test:unit", "ci-test"), ("lint:policy", "policy"), ("test:e2e", "gone")];
    let scripts = scripts.map(|(command, name)| (command.parse().unwrap(), name.to_owned())).into();
    let config = Config { scripts, ..Config::default() };
    check_with(
        &facts,
        &config,
        &[
            ("test:unit", "npm run --silent ci-test"),
            ("lint:policy", "npm run --silent policy"),
            (
                "test:e2e",
                "! config of the node extension: scripts.test:e2e names gone, which package.json does not have",
            ),
        ],
    );
}

#[test]
fn a_workspace_runs_what_its_packages_have() {
    let package =
        |dir: &str, text: &str| Package { dir: dir.to_owned(), manifest: Manifest::parse(text).unwrap() };
    let mut facts = locked(r#"{"scripts":{"lint":"x"}}"#, Manager::Npm, "package-lock.json");
    facts.packages = vec![
        package("p/a", r#"{"scripts":{"lint":"x","test":"x"}}"#),
        package("p/b", r#"{"scripts":{"test":"y"}}"#),
        package("p/c", r#"{"scripts":{"build":"y"}}"#),
    ];
    check(
        &facts,
        &[
            ("lint:static", "npm run --silent lint <- setup:deps"),
            (
                "test:unit -- --x",
                "npm run --silent test --workspace=p/a --workspace=p/b -- --x <- setup:deps",
            ),
            ("fmt:check", "- package.json has no script for it, and neither prettier nor biome"),
        ],
    );
    facts.manager = Manager::Pnpm { major: Some(10) };
    check(&facts, &[("test:unit -- --x", "pnpm --recursive run test --x <- setup:deps")]);
    facts.manager = Manager::YarnClassic;
    check(
        &facts,
        &[("test:unit", "yarn --silent --cwd p/a run test; yarn --silent --cwd p/b run test <- setup:deps")],
    );
}
