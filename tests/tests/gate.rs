//! The gate of the sample projects on each engine: it passes, it fails for what fails, and what it
//! writes belongs to whoever owns the project.

use std::path::Path;

use devflow_tests::{Engine, Sandbox, append, edit, foreign, give};

/// A sample, and how one of its tests is made to fail.
struct Sample {
    name: &'static str,
    /// How many actions its gate has.
    actions: usize,
    /// The action with the test.
    action: &'static str,
    file: &'static str,
    good: &'static str,
    bad: &'static str,
    /// What the failing test says.
    says: &'static [&'static str],
}

const RUST: Sample = Sample {
    name: "rust",
    actions: 5,
    action: "rust/test:unit",
    file: "src/lib.rs",
    good: r#"assert_eq!(Tally::of(b"a\nb").lines, 1);"#,
    bad: r#"assert_eq!(Tally::of(b"a\nb").lines, 7);"#,
    says: &["a_line_without_an_end_is_not_counted ... ", "right: 7"],
};

const NODE: Sample = Sample {
    name: "node",
    actions: 5,
    action: "node/test:unit",
    file: "test/catalogue.test.js",
    good: r#"assert.deepEqual(read(""), []);"#,
    bad: r#"assert.deepEqual(read(""), [7]);"#,
    says: &["a catalogue without items is empty", "Expected values to be strictly deep-equal"],
};

const PYTHON: Sample = Sample {
    name: "python",
    actions: 5,
    action: "python/test:unit",
    file: "tests/test_versions.py",
    good: r#"(["1.9", "1.10"], "1.10")"#,
    bad: r#"(["1.9", "1.10"], "1.9")"#,
    says: &["test_the_newest_release_wins", "assert '1.10' == '1.9'"],
};

const MIXED: Sample = Sample {
    name: "mixed",
    actions: 14,
    action: "tools#python/test:unit",
    file: "tools/tests/test_pricelist.py",
    good: r#"assert cents("1.10") == 110"#,
    bad: r#"assert cents("1.10") == 777"#,
    says: &["test_prices_are_exact", "assert 110 == 777"],
};

/// A command of the project's own that writes into the workspace, among the others of the gate.
const WRITES: &str = r#"
[commands."build:made"]
run = ["sh", "-c", "mkdir -p made/deep && date >made/deep/file && id -un"]
"#;

/// The whole story of one sample on one engine, for a workspace of this owner.
fn story(engine: Engine, sample: &Sample, owner: (u32, u32)) {
    let sandbox = Sandbox::new(engine);
    let project = sandbox.project(sample.name, "project");
    edit(&project.join("devflow.toml"), r#""test:unit"]"#, r#""test:unit", "build:made"]"#);
    append(&project.join("devflow.toml"), WRITES);
    give(&project, owner);
    let verify = || sandbox.dwf(&project, ["verify", "--engine", engine.name()]).run();

    let run = verify();
    run.expect(0).says(&format!("{} passed, 0 failed", sample.actions + 1)).says("PASS  build:made");
    assert_eq!(foreign(&project, owner), [] as [&str; 0], "not the owner's");

    edit(&project.join(sample.file), sample.good, sample.bad);
    let run = verify();
    run.expect(1).says(&format!("FAIL  {} ", sample.action)).says("1 failed");
    sample.says.iter().for_each(|text| {
        run.says(text);
    });
    let [line] = run.reproducing()[..] else { panic!("not one line to reproduce it:\n{run}") };
    let quote = if sample.action.contains('#') { "'" } else { "" };
    let expected = format!("dwf --engine {} run {quote}{}{quote}", engine.name(), sample.action);
    assert_eq!(line, expected);

    let again = sandbox.shell(&project, line).run();
    again.expect(1).says(&format!("FAIL  {} ", sample.action));
    sample.says.iter().for_each(|text| {
        again.says(text);
    });
    assert_eq!(foreign(&project, owner), [] as [&str; 0], "not the owner's");
}

macro_rules! stories {
    ($($name:ident: $engine:ident $sample:ident;)*) => {$(
        #[test]
        fn $name() {
            story(Engine::$engine, &$sample, Engine::$engine.user());
        }
    )*};
}

stories! {
    rust_docker: Docker RUST;
    rust_podman: Podman RUST;
    rust_rootless: Rootless RUST;
    node_docker: Docker NODE;
    node_podman: Podman NODE;
    node_rootless: Rootless NODE;
    python_docker: Docker PYTHON;
    python_podman: Podman PYTHON;
    python_rootless: Rootless PYTHON;
    mixed_docker: Docker MIXED;
    mixed_podman: Podman MIXED;
    mixed_rootless: Rootless MIXED;
}

/// Root runs dwf for another user's project: a machine where only root may use Docker.
#[test]
fn another_users_workspace_docker() {
    story(Engine::Docker, &RUST, Engine::Rootless.user());
}

#[test]
fn another_users_workspace_podman() {
    story(Engine::Podman, &RUST, Engine::Rootless.user());
}

/// Where dwf was not started in the project, the line says where the project is.
#[test]
fn the_reproducing_line_works_from_anywhere() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = sandbox.project("rust", "pro'ject of $mine");
    edit(&project.join(RUST.file), "//! Counts", "//!   Counts\n\n\n//! and");
    let root = Path::new("/");
    let dir = project.to_string_lossy().into_owned();
    let run = sandbox.dwf(root, ["-C", &dir, "run", "fmt:check", "--engine", "docker"]).run();
    run.expect(1);
    let [line] = run.reproducing()[..] else { panic!("not one line to reproduce it:\n{run}") };
    assert!(line.starts_with("dwf -C ") && line.ends_with(" --engine docker run rust/fmt:check"), "{line}");
    sandbox.shell(root, line).run().expect(1).says("FAIL  rust/fmt:check");
    edit(&project.join(RUST.file), "//!   Counts\n\n\n//! and", "//! Counts");
    sandbox.shell(root, line).run().expect(0).says("PASS  rust/fmt:check");
}
