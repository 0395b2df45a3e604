//! The conformance kit: good extensions pass it, and each broken one fails for its own reason alone.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;

use devflow_tests::{Run, Sandbox, Spec, repository};
use serde_json::Value;

/// Each fault of `fixtures/devflow-ext-nearly`, and the check that it fails.
const FAULTS: &[(&str, &str)] = &[
    ("banner", "wire/first-byte"),
    ("byte-order-mark", "wire/first-byte"),
    ("noise", "wire/lines"),
    ("not-utf8", "wire/lines"),
    ("batch", "wire/lines"),
    ("torn", "wire/lines"),
    ("member-twice", "wire/strict-json"),
    ("half-a-pair", "wire/strict-json"),
    ("too-deep", "wire/strict-json"),
    ("no-jsonrpc", "wire/envelope"),
    ("result-and-error", "wire/envelope"),
    ("nothing", "wire/envelope"),
    ("no-result", "wire/envelope"),
    ("id-as-a-number", "wire/echoes-ids"),
    ("ascii-ids", "wire/echoes-ids"),
    ("short-ids", "wire/echoes-ids"),
    ("answers-twice", "wire/answers-once"),
    ("asks-back", "wire/only-answers"),
    ("progress", "wire/only-answers"),
    ("log-without-a-level", "wire/log-form"),
    ("log-uninvited", "wire/log-invited"),
    ("long-line", "wire/limits"),
    ("endless-line", "wire/limits"),
    ("chatter", "wire/limits"),
    ("forgets-to-flush", "wire/flushes"),
    ("hangs", "wire/answers"),
    ("hangs-at-start", "wire/answers"),
    ("crashes", "wire/answers"),
    ("own-error-without-a-code", "wire/error-form"),
    ("error-of-two-lines", "wire/error-form"),
    ("strict-about-members", "wire/ignores-members"),
    ("answers-notifications", "wire/ignores-notifications"),
    ("dies-of-blank-lines", "wire/ignores-blank-lines"),
    ("deaf-to-garbage", "wire/survives-garbage"),
    ("shrugs-at-garbage", "wire/survives-garbage"),
    ("takes-batches", "wire/refuses-batches"),
    ("one-at-a-time", "wire/pipelines"),
    ("comes-uncalled", "process/needs-cookie"),
    ("wrong-exit-code", "process/needs-cookie"),
    ("lingers", "process/ends-in-time"),
    ("ends-with-1", "process/ends-with-0"),
    ("leaves-a-child", "process/leaves-nothing"),
    ("lazy", "process/ends-unasked"),
    ("refuses-1", "initialize/accepts-1"),
    ("no-version", "initialize/fits"),
    ("other-name", "initialize/name"),
    ("requires-more", "initialize/requires-nothing-unknown"),
    ("picks-what-it-does-not-speak", "initialize/picks-highest"),
    ("speaks-anything", "initialize/refuses-unknown"),
    ("says-no-version", "initialize/refuses-unknown"),
    ("looks-at-the-host-first", "initialize/looks-at-protocols-first"),
    ("breaks", "describe/answers"),
    ("unknown-scope", "describe/fits"),
    ("wrong-type", "describe/fits"),
    ("absolute-reads", "describe/fits"),
    ("modest", "describe/applies"),
    ("declines-without-a-word", "describe/declines"),
    ("two-caches", "describe/names-once"),
    ("two-ways", "describe/caches"),
    ("sets-path", "describe/variables"),
    ("bad-glob", "describe/globs"),
    ("glob-of-a-folder", "describe/globs"),
    ("cache-from-nowhere", "describe/placeholders"),
    ("no-base", "describe/image-names"),
    ("an-image-without-a-tag", "describe/image-names"),
    ("two-of-a-source", "describe/image-names"),
    ("unknown-source", "describe/fits"),
    ("removes-a-package", "describe/fits"),
    ("runs-as-nobody", "describe/fits"),
    ("copies-twice", "describe/image-places"),
    ("links-into-a-copy", "describe/image-places"),
    ("path-with-a-variable", "describe/image-places"),
    ("step-without-a-program", "describe/image-commands"),
    ("image-sets-path", "describe/variables"),
    ("image-variable-of-two-lines", "describe/variables"),
    ("forgets-a-file", "describe/image-files"),
    ("refuses-its-own-command", "resolve/every-command"),
    ("two-kinds", "resolve/fits"),
    ("path-above", "resolve/fits"),
    ("lone-dollar", "resolve/fits"),
    ("no-steps", "resolve/steps"),
    ("no-time", "resolve/steps"),
    ("condition-with-a-path", "resolve/when"),
    ("sets-the-loader", "resolve/variables"),
    ("bad-inputs", "resolve/globs"),
    ("unknown-cache", "resolve/caches"),
    ("path-from-here", "resolve/path"),
    ("output-nowhere", "resolve/outputs"),
    ("unknown-need", "resolve/needs"),
    ("circle", "resolve/no-circle"),
    ("writes-in-secret", "resolve/writes"),
    ("does-not-double", "resolve/doubles-dollars"),
    ("crashes-on-unknown-methods", "errors/unknown-method"),
    ("knows-every-method", "errors/unknown-method"),
    ("trusts-parameters", "errors/bad-parameters"),
    ("guesses-commands", "errors/unknown-command"),
    ("keeps-its-commands", "errors/unknown-command"),
    ("leaks-the-root", "answers/no-places"),
    ("counts", "pure/repeats"),
    ("looks-at-the-clock", "pure/repeats"),
    ("remembers", "pure/order"),
    ("looks-where-it-is", "pure/directory"),
    ("knows-the-hour", "pure/environment"),
    ("reads-more", "pure/reads"),
    ("writes-a-log", "pure/writes-nothing"),
    ("wants-to-write", "pure/read-only"),
    ("wants-a-network", "pure/offline"),
];

/// Checks that only warn.
const WARN: &[&str] = &["process/says-version", "answers/known-members"];

/// Runs the kit on a file, as a user who has little patience.
fn check(sandbox: &Sandbox, file: &Path, more: &[&str]) -> Run {
    let file = file.to_string_lossy();
    let words = ["ext", "check", &file].into_iter().chain(more.iter().copied());
    let spec = sandbox.dwf(sandbox.path(), words).env("PATH", "/usr/bin:/bin");
    spec.env("XDG_CONFIG_HOME", &sandbox.path().join("config").to_string_lossy()).run()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::without_engine();
    let limits = "[extensions]\ninitialize_timeout = 4\nrequest_timeout = 4\n";
    sandbox.write("config/devflow/config.toml", limits);
    sandbox
}

/// Runs the kit on the fixture with a fault, in a project of its own.
fn nearly(sandbox: &Sandbox, fault: &str, format: &str) -> Run {
    let text =
        std::fs::read_to_string(repository().join("tests/fixtures/devflow-ext-nearly")).expect("the fixture");
    let text = text.replacen("\nFAULT = None\n", &format!("\nFAULT = \"{fault}\"\n"), 1);
    assert!(
        text.contains(&format!("\"{fault}\": ")) || text.matches(&format!("\"{fault}\"")).count() > 1,
        "{fault}"
    );
    let file = sandbox.program(&format!("{fault}/devflow-ext-nearly"), &text);
    sandbox.write(&format!("{fault}/project/nearly.txt"), "");
    let other = sandbox.write(&format!("{fault}/project/other.txt"), "");
    let project = other.parent().expect("the project").to_string_lossy().into_owned();
    check(sandbox, &file, &["--project", &project, "--format", format])
}

/// Check by check: failed, skipped, or neither.
fn junit(run: &Run) -> BTreeMap<String, &'static str> {
    let xml = roxmltree::Document::parse(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
    let cases = xml.descendants().filter(|node| node.has_tag_name("testcase"));
    let outcome = |case: &roxmltree::Node<'_, '_>| {
        let has = |name: &str| case.children().any(|child| child.has_tag_name(name));
        if has("failure") {
            "failed"
        } else if has("skipped") {
            "skipped"
        } else {
            "good"
        }
    };
    cases.map(|case| (case.attribute("name").expect("a name").to_owned(), outcome(&case))).collect()
}

fn failed(outcomes: &BTreeMap<String, &'static str>) -> Vec<String> {
    let failed = outcomes.iter().filter(|(_, outcome)| **outcome == "failed");
    failed.map(|(id, _)| id.clone()).collect()
}

/// Does the same for each, a few side by side; all complaints are told together.
fn each<T: Sync>(items: &[T], complain: impl Fn(&T) -> Option<String> + Sync) {
    let (next, complaints) = (Mutex::new(items.iter()), Mutex::new(Vec::new()));
    let take = || next.lock().expect("the list").next();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(item) = take() {
                    complaints.lock().expect("the complaints").extend(complain(item));
                }
            });
        }
    });
    let complaints = complaints.into_inner().expect("the complaints");
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), items.len(), complaints.join("\n"));
}

#[test]
fn good_extensions_pass() {
    let sandbox = sandbox();
    sandbox.write("hello/hello.txt", "hello");
    for name in ["rust", "node", "python"] {
        sandbox.project(name, name);
    }
    let (own, examples) = (sandbox.path().join("bin"), repository().join("protocol/examples"));
    let in_c = sandbox.path().join("devflow-ext-hello-c");
    let words = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-o"].map(str::to_owned);
    let files = [&in_c, &examples.join("hello.c")].map(|path| path.to_string_lossy().into_owned());
    Spec::new("cc").args(words.into_iter().chain(files).chain(["-ljansson".to_owned()])).run().expect(0);
    let subjects = [
        (in_c, "hello"),
        (own.join("devflow-ext-rust"), "rust"),
        (own.join("devflow-ext-node"), "node"),
        (own.join("devflow-ext-python"), "python"),
        (examples.join("devflow-ext-hello-py"), "hello"),
        (examples.join("devflow-ext-hello-sh"), "hello"),
        (examples.join("devflow-ext-hello-js"), "hello"),
    ];
    each(&subjects, |(file, project)| {
        let project = sandbox.path().join(project).to_string_lossy().into_owned();
        let run = check(&sandbox, file, &["--project", &project, "--format", "junit"]);
        let outcomes = junit(&run);
        let all_good = run.code == 0 && outcomes.values().all(|outcome| *outcome == "good");
        (!all_good || outcomes.len() < 60).then(|| format!("{}: {run}", file.display()))
    });
}

#[test]
fn every_fault_fails_its_own_check_alone() {
    let sandbox = sandbox();
    each(FAULTS, |(fault, expected)| {
        let run = nearly(&sandbox, fault, "junit");
        let failed = failed(&junit(&run));
        (run.code != 1 || failed != [*expected])
            .then(|| format!("{fault}: {failed:?}, not {expected}\n{run}"))
    });
    let mark = sandbox.path().to_string_lossy().into_owned();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let seen = [read("cmdline"), read("environ")].concat();
        assert!(!String::from_utf8_lossy(&seen).contains(&mark), "a process is left: {entry:?}");
    }
}

#[test]
fn every_check_has_a_fault_that_fails_it() {
    let run = nearly(&sandbox(), "talks", "json");
    run.expect(0);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let ids = report["checks"]
        .as_array()
        .expect("the checks")
        .iter()
        .map(|check| check["id"].as_str().expect("an id"));
    let broken: BTreeSet<&str> = FAULTS.iter().map(|(_, id)| *id).chain(WARN.iter().copied()).collect();
    assert_eq!(ids.collect::<BTreeSet<_>>(), broken);
}

#[test]
fn what_is_no_fault_passes() {
    let sandbox = sandbox();
    for harmless in ["talks", "loud"] {
        let run = nearly(&sandbox, harmless, "junit");
        assert!(junit(run.expect(0)).values().all(|outcome| *outcome == "good"), "{run}");
    }
}

#[test]
fn a_member_that_nobody_knows_is_a_warning() {
    let run = nearly(&sandbox(), "typo", "text");
    run.expect(0);
    assert!(run.stdout.contains("WARN  answers/known-members"), "{run}");
    assert!(run.stdout.contains("`mount` in project/describe"), "{run}");
}

#[test]
fn a_failure_is_told_whole() {
    let sandbox = sandbox();
    let run = nearly(&sandbox, "short-ids", "text");
    run.expect(1);
    let said = r#"sent  {"id":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","jsonrpc""#;
    let came = r#"came  {"jsonrpc": "2.0", "id": "0123456789abcdef0123456789abcdef", "#;
    for part in ["FAIL  wire/echoes-ids", said, came, "[W8] It means nothing to the extension", "1 failed"] {
        assert!(run.stdout.contains(part), "{part:?} is missing\n{run}");
    }
    let sentence =
        run.stdout.lines().find_map(|line| line.trim().strip_prefix("SPEC.md:")).expect("a sentence");
    let (number, _) = sentence.split_once(' ').expect("a line's number");
    let spec = std::fs::read_to_string(repository().join("protocol/SPEC.md")).expect("SPEC.md");
    let line = spec.lines().nth(number.parse::<usize>().expect("a number") - 1).expect("the line");
    assert!(line.contains("[W8]"), "{line}\n{run}");

    let run = nearly(&sandbox, "crashes-on-unknown-methods", "tap");
    run.expect(1);
    assert!(run.stdout.starts_with("TAP version 14\n1.."), "{run}");
    let bad: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("not ok")).collect();
    assert!(matches!(bad.as_slice(), [line] if line.contains("errors/unknown-method")), "{run}");
}

#[test]
fn without_a_project_of_its_own_what_needs_one_is_skipped() {
    let sandbox = sandbox();
    let file = sandbox.path().join("bin/devflow-ext-rust");
    let run = check(&sandbox, &file, &["--format", "junit"]);
    let outcomes = junit(run.expect(0));
    assert_eq!(outcomes["wire/answers"], "good", "{run}");
    assert_eq!(outcomes["resolve/every-command"], "skipped", "{run}");
}

#[test]
fn what_cannot_be_started_is_no_failure_of_a_check() {
    let sandbox = sandbox();
    let plain = sandbox.write("plain/devflow-ext-x", "#!/bin/sh\n");
    check(&sandbox, &plain, &[]).expect(4).says("is not executable");
    let open = sandbox.program("open/devflow-ext-x", "#!/bin/sh\n");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("its mode");
    check(&sandbox, &open, &[]).expect(4).says("may be changed by anyone");
    let lost = sandbox.program("lost/devflow-ext-x", "#!/nowhere/at-all\n");
    check(&sandbox, &lost, &[]).expect(4).says("the interpreter that it names does not exist");
    check(&sandbox, &sandbox.path().join("gone/devflow-ext-x"), &[]).expect(4).says("does not exist");
    let other = sandbox.program("other/extension", "#!/bin/sh\n");
    check(&sandbox, &other, &[]).expect(2).says("is not called devflow-ext-NAME");
    let file = sandbox.path().join("bin/devflow-ext-rust");
    check(&sandbox, &file, &["--project", "gone"]).expect(2).says("is no folder that can be read");
}
