//! Installations, in tables.

use super::*;
use crate::lock::Lock;
use crate::manifest::Manifest;
use crate::samples::{check, check_with, facts, locked};

#[test]
fn installing() {
    let deps = r#"{"dependencies":{"a":"1"}}"#;
    let row = |manager, file: &str, expected: (&str, &str)| {
        let mut facts = locked(deps, manager, file);
        facts.lock.as_mut().unwrap().scripts = !matches!(manager, Manager::Npm);
        check(&facts, &[("setup:deps", expected.0), ("setup:scripts", expected.1)]);
    };
    row(
        Manager::Npm,
        "package-lock.json",
        (
            "fetch: npm ci --ignore-scripts --no-audit --no-fund --prefer-offline",
            "- nothing here has install scripts",
        ),
    );
    row(
        Manager::Pnpm { major: None },
        "pnpm-lock.yaml",
        (
            "fetch: pnpm install --frozen-lockfile --prefer-offline --ignore-scripts",
            "pnpm rebuild <- setup:deps",
        ),
    );
    row(
        Manager::YarnClassic,
        "yarn.lock",
        (
            "fetch: yarn install --frozen-lockfile --prefer-offline --non-interactive --ignore-scripts",
            "yarn install --frozen-lockfile --prefer-offline --non-interactive --force <- setup:deps",
        ),
    );
    row(
        Manager::YarnBerry { pnp: true },
        "yarn.lock",
        ("fetch: yarn install --immutable --mode=skip-build", "yarn install --immutable <- setup:deps"),
    );
    row(
        Manager::Bun,
        "bun.lock",
        (
            "fetch: bun install --frozen-lockfile --ignore-scripts --backend=copyfile",
            "bun install --frozen-lockfile --force --backend=copyfile <- setup:deps",
        ),
    );
}

#[test]
fn installing_with_little_to_go_by() {
    check(
        &facts("{}"),
        &[
            ("setup:deps", "- package.json has no dependencies"),
            ("setup:scripts", "- nothing here has install scripts"),
        ],
    );
    let deps = r#"{"dependencies":{"a":"1"},"scripts":{"prepare":"husky","test":"x"}}"#;
    check(
        &facts(deps),
        &[
            (
                "setup:deps",
                "fetch: node -e … -- install --no-package-lock --no-save --ignore-scripts --no-audit --no-fund",
            ),
            ("setup:scripts", "npm rebuild; npm run --silent prepare <- setup:deps"),
            ("test:unit", "npm run --silent test <- setup:scripts"),
        ],
    );
    let mut facts = locked(deps, Manager::Npm, "package-lock.json");
    facts.lock = Some(Lock { asks: true, ..facts.lock.unwrap() });
    facts.own_code = Some("because".to_owned());
    check(
        &facts,
        &[
            ("setup:deps", "node -e … -- ci --ignore-scripts --no-audit --no-fund"),
            ("setup:scripts", "npm run --silent prepare <- setup:deps"),
        ],
    );
    let never = Config { install_scripts: Some(false), ..Config::default() };
    check_with(&facts, &never, &[("test:unit", "npm run --silent test <- setup:deps")]);
    facts.manager = Manager::YarnBerry { pnp: true };
    facts.lock = None;
    check(&facts, &[("setup:deps", "! there is no yarn.lock: run yarn install once and commit it")]);
}

#[test]
fn a_package_of_a_workspace_is_installed_with_it() {
    let mut facts =
        locked(r#"{"dependencies":{"a":"1"},"scripts":{"test":"x"}}"#, Manager::Npm, "package-lock.json");
    facts.dir = "apps/web".to_owned();
    facts.top = Some(Manifest::default());
    let npm = "fetch: npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --prefix ${workspace}";
    check(&facts, &[("setup:deps", npm), ("test:unit", "npm run --silent test <- setup:deps")]);
    facts.manager = Manager::YarnClassic;
    facts.root = "apps".to_owned();
    let yarn = "fetch: yarn --cwd ${workspace}/apps install --frozen-lockfile --prefer-offline --non-interactive --ignore-scripts";
    check(&facts, &[("setup:deps", yarn)]);
}
