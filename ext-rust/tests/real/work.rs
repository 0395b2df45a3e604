//! The other commands, on projects that pass and on projects that must not.

use devflow_protocol::message::Resolution;
use serde_json::json;

use crate::project::{Project, has_nextest};

const MANIFEST: &str =
    "[package]\nname = \"shape\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[features]\nx = []\n";

#[test]
fn a_sound_project_passes_everything() {
    let project = Project::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", "pub fn f() {}\n")]);
    for command in
        ["setup:deps", "fmt:check", "lint:static", "build:debug", "build:release", "package:artifact"]
    {
        assert_eq!(project.actions(command, &[]).len(), 1, "{command}");
        project.run_all(command);
    }
    assert!(matches!(project.resolve("lint:security", &[]), Resolution::Skip(_)));
}

#[test]
fn faults_are_found_and_mended() {
    let source = "pub fn  f() -> u8 {\n    let x = 1;\n    return x;\n}\n";
    let project = Project::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", source)]);
    for (check, fix) in [("fmt:check", "fmt:fix"), ("lint:static", "lint:fix")] {
        let [action] = &project.actions(check, &[])[..] else { panic!("{check} is one action") };
        assert!(project.run(action).is_err(), "{check}");
        project.run_all(fix);
        project.run(action).unwrap_or_else(|printed| panic!("{check} after {fix}: {printed}"));
    }
}

#[test]
fn features_are_switched_on() {
    let source = "#[cfg(feature = \"x\")]\ncompile_error!(\"x is on\");\n";
    let files = [("Cargo.toml", MANIFEST), ("src/lib.rs", source)];
    Project::new(&files).run_all("build:debug");
    for config in [json!({"features": ["x"]}), json!({"features": "all"})] {
        let project = Project::new(&files).with_config(config);
        for command in ["build:debug", "lint:static", "test:unit"] {
            for action in project.actions(command, &[]) {
                let printed = project.run(&action).unwrap_err();
                assert!(printed.contains("x is on"), "{printed}");
            }
        }
    }
}

#[test]
fn a_missing_lock_is_made_by_fetching() {
    let project = Project::without_lock(&[("Cargo.toml", MANIFEST), ("src/lib.rs", "")]);
    let before = project.describe();
    assert!(before.commands.iter().any(|command| command.name.as_str() == "setup:deps" && command.writes));
    project.run_all("setup:deps");
    assert!(project.path("Cargo.lock").exists());
    project.run_all("build:debug");
    let after = project.describe();
    assert!(after.commands.iter().any(|command| command.name.as_str() == "setup:deps" && !command.writes));
}

#[test]
fn an_outdated_lock_is_an_error() {
    let project = Project::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", "")]);
    std::fs::write(project.path("Cargo.toml"), MANIFEST.replace("0.1.0", "0.2.0")).unwrap();
    for command in ["setup:deps", "build:debug", "lint:static", "test:unit"] {
        for action in project.actions(command, &[]) {
            assert!(project.run(&action).is_err(), "{command}");
        }
    }
}

#[test]
fn junit_stands_where_the_answer_says() {
    if !has_nextest() {
        return;
    }
    let nextest = "[profile.ci.junit]\npath = \"junit.xml\"\n";
    let files = [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "#[test]\nfn in_lib() {}\n"),
        (".config/nextest.toml", nextest),
    ];
    let project = Project::new(&files).with_config(json!({"nextest": true, "nextest_profile": "ci"}));
    let [action] = &project.actions("test:unit", &[])[..] else { panic!("it is one action") };
    project.run(action).unwrap();
    let [report] = &action.reports[..] else { panic!("{action:?}") };
    assert!(project.path(report.path.as_str()).is_file(), "{report:?}");
}
