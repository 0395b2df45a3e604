//! The lines that dwf shows do what dwf does, and where no runner can be used they are what it runs.

use std::path::Path;

use devflow_tests::{Engine, Run, Sandbox, append, edit};

/// A project of its own commands alone, in the plainest image there is.
fn plain(sandbox: &Sandbox, name: &str, more: &str) -> std::path::PathBuf {
    let config = format!("[project]\nstack = []\n\n[container]\nimage = \"debian:bookworm-slim\"\n{more}");
    sandbox.write(&format!("{name}/devflow.toml"), &config);
    sandbox.path().join(name)
}

fn traced(sandbox: &Sandbox, project: &Path, words: &[&str]) -> Run {
    let words = words.iter().copied().chain(["--engine", sandbox.engine().name()]);
    sandbox.dwf(project, words).env("RUST_LOG", "devflow=debug").run()
}

/// The line of an action does what the action did: it passes, and fails when that would fail.
fn a_pasted_line(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let project = sandbox.project("rust", "it's a project");
    let run = traced(&sandbox, &project, &["verify"]);
    run.expect(0);
    let client = format!("/{} ", engine.name());
    let shown: Vec<&str> = run.stderr.lines().filter(|line| line.contains(&client)).collect();
    assert!(shown.iter().any(|line| line.contains(" version ")), "the question for the version\n{run}");
    assert!(shown.iter().any(|line| line.contains(" image inspect ")), "the look for the image\n{run}");
    for session in ["-fetch ", "-check "] {
        assert!(shown.iter().any(|line| line.contains(session)), "the session {session}\n{run}");
    }
    for line in shown {
        assert!(line.starts_with('/'), "an engine's line does not stand alone: {line}");
    }
    let [format, test] = ["fmt:check", "test:unit"].map(|name| run.line_of(&format!("rust/{name}")));
    let paste = |line: &str| sandbox.shell(Path::new("/"), line).run();
    assert!(format.contains(" run --rm ") && !format.contains("dwf-runner"), "{format}");
    paste(format).expect(0);
    let passed = paste(test);
    assert!(passed.expect(0).stdout.contains("a_line_without_an_end_is_not_counted ... "), "{passed}");

    edit(&project.join("src/lib.rs"), "\"a\\nb\").lines, 1", "\"a\\nb\").lines,  7");
    let failed = paste(format);
    assert!(failed.expect(1).stdout.contains("Diff in /workspace/src/lib.rs"), "{failed}");
    let failed = paste(test);
    assert!(failed.expect(101).stdout.contains("right: 7"), "{failed}");
    // The comment above the line may come along.
    let both = format!("# DEBUG devflow::action rust/fmt:check\n{format}\n");
    paste(&both).expect(1);
}

#[test]
fn a_pasted_line_docker() {
    a_pasted_line(Engine::Docker);
}

#[test]
fn a_pasted_line_podman() {
    a_pasted_line(Engine::Podman);
}

#[test]
fn a_pasted_line_rootless() {
    a_pasted_line(Engine::Rootless);
}

/// A line that needs copy-on-write layers, which go with the run, makes them again.
fn a_pasted_line_with_layers(engine: Engine, owner: (u32, u32)) {
    let sandbox = Sandbox::new(engine);
    let project = sandbox.project("node", "project");
    devflow_tests::give(&project, owner);
    let run = traced(&sandbox, &project, &["run", "test:unit"]);
    run.expect(0);
    let line = run.line_of("node/test:unit");
    let paste = || sandbox.shell(Path::new("/"), line).run();
    for _ in 0..2 {
        let run = paste();
        assert!(run.expect(0).stdout.contains("an item without a price is refused by its number"), "{run}");
    }
    edit(&project.join("test/catalogue.test.js"), "read(\"\"), []", "read(\"\"), [7]");
    paste().expect(1);
    assert_eq!(devflow_tests::foreign(&project, owner), [] as [&str; 0], "not the owner's");
}

#[test]
fn a_pasted_line_with_layers_docker() {
    a_pasted_line_with_layers(Engine::Docker, Engine::Rootless.user());
}

#[test]
fn a_pasted_line_with_layers_podman() {
    a_pasted_line_with_layers(Engine::Podman, Engine::Podman.user());
}

/// `session = false`: every action in a container of its own, with the same outcome.
fn without_sessions(engine: Engine, sample: &str, action: &str, file: &str, [good, bad]: [&str; 2]) {
    let sandbox = Sandbox::new(engine);
    let project = sandbox.project(sample, "project");
    append(&project.join("devflow.toml"), "\n[container]\nsession = false\n");
    let words = ["run", "-v", "-j4", "fmt:check", "test:unit", "--engine", engine.name()];
    let run = sandbox.dwf(&project, words).run();
    run.expect(0).says("every action gets a container of its own").says("3 passed, 0 failed");
    edit(&project.join(file), good, bad);
    // The rust extension would rather have cargo-nextest, which this image has not.
    let run = traced(&sandbox, &project, &["run", action]);
    run.expect(1).says(&format!("FAIL  {action} ")).says("7");
    expect_gone(engine, &run);
}

/// None of the containers that a traced run started is there any more.
fn expect_gone(engine: Engine, run: &Run) {
    let names: Vec<&str> =
        run.stderr.split("--name=").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    assert!(!names.is_empty(), "no container's name:\n{run}");
    let left: Vec<String> =
        engine.containers().into_iter().filter(|name| names.contains(&name.as_str())).collect();
    assert_eq!(left, [] as [&str; 0]);
}

#[test]
fn without_sessions_docker() {
    let edit = ["read(\"\"), []", "read(\"\"), [7]"];
    without_sessions(Engine::Docker, "node", "node/test:unit", "test/catalogue.test.js", edit);
}

#[test]
fn without_sessions_podman() {
    let edit = ["\"a\\nb\").lines, 1", "\"a\\nb\").lines, 7"];
    without_sessions(Engine::Podman, "rust", "rust/test:unit", "src/lib.rs", edit);
}

/// What a runner would do exactly, done by the engine's client: exit codes, deadlines, a program
/// that is missing, an exit code that the client has for itself.
fn alone(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let commands = r#"
        session = false
        [commands."test:unit"]
        run = ["sh", "-c", "echo to stdout; echo to stderr >&2; exit 3"]
        [commands."test:slow"]
        run = ["sh", "-c", "trap '' TERM; echo begun; while :; do sleep 1; done"]
        timeout = 1
        [commands."test:absent"]
        run = ["no-such-program"]
        [commands."test:odd"]
        run = ["sh", "-c", "exit 125"]
        [commands."test:good"]
        run = ["sh", "-c", "test \"$MORE\" = 'two\nlines' && test \"$1\" = \"it's\"", "-", "it's"]
        env = { MORE = "two\nlines" }
    "#;
    let project = plain(&sandbox, "project", commands);
    let all = ["run", "test:unit", "test:slow", "test:absent", "test:odd", "test:good", "--keep-going"];
    let run = traced(&sandbox, &project, &all);
    run.expect(1).says("1 passed, 4 failed").says("PASS  test:good");
    run.says("test:unit failed: exit code 3").says("to stdout").says("to stderr");
    run.says("test:slow failed: timed out").says("begun");
    run.says("test:absent failed: exit code ").says("test:odd failed: exit code 125");
    expect_gone(engine, &run);
}

#[test]
fn alone_docker() {
    alone(Engine::Docker);
}

#[test]
fn alone_podman() {
    alone(Engine::Podman);
}

/// An installation without a runner for the image's processor.
#[test]
fn a_missing_runner_is_no_obstacle() {
    let sandbox = Sandbox::new(Engine::Podman);
    let runner = format!("bin/dwf-runner-linux-{}", std::env::consts::ARCH);
    std::fs::remove_file(sandbox.path().join(runner)).expect("the runner");
    let project = plain(&sandbox, "project", "[commands.\"test:unit\"]\nrun = [\"true\"]\n");
    let run = sandbox.dwf(&project, ["run", "test:unit", "-v", "--engine", "podman"]).run();
    run.expect(0).says("every action gets a container of its own").says("1 passed");
}

/// dwf builds what a project's Dockerfile says, once for each content.
fn an_image_is_built(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let unique = sandbox.path().file_name().and_then(|name| name.to_str()).expect("a name");
    let name = format!("dwf-tests-{}", unique.to_lowercase());
    let config = format!(
        "[project]\nname = \"{name}\"\nstack = []\n\n[commands.\"test:unit\"]\nrun = [\"cat\", \"/greeting\", \"/made\"]\n"
    );
    sandbox.write("project/devflow.toml", &config);
    sandbox.write("project/greeting", "well met\n");
    let dockerfile = format!(
        "FROM debian:bookworm-slim\nCOPY greeting /greeting\nRUN echo {unique} >/made\nENTRYPOINT [\"/bin/false\"]\n"
    );
    let path = sandbox.write("project/Dockerfile.devflow", &dockerfile);
    let project = sandbox.path().join("project");
    let run = || sandbox.dwf(&project, ["run", "-v", "test:unit", "--engine", engine.name()]).run();
    let first = run();
    first.expect(0).says(&format!("building localhost/devflow/{name}:")).says("well met").says(unique);
    let second = run();
    assert!(!second.expect(0).stderr.contains("building"), "{second}");
    edit(&path, "echo", "echo once more");
    run().expect(0).says("building").says("once more");
    std::fs::write(&path, format!("FROM debian:bookworm-slim\nRUN : {unique}; no-such-program\n"))
        .expect("a file");
    let broken = run();
    broken.expect(5).says("could not be built from Dockerfile.devflow").says("no-such-program");
    let left = engine.client().args(["ps", "--all", "--no-trunc", "--format={{.Command}}"]).run();
    assert!(!left.expect(0).stdout.contains(unique), "a container of the build is left\n{left}");

    let images = engine.client().args(["images", "--quiet", &format!("localhost/devflow/{name}")]).run();
    let ids = images.expect(0).stdout.split_whitespace().map(str::to_owned);
    let ids: std::collections::BTreeSet<String> = ids.collect();
    assert_eq!(ids.len(), 2, "{images}");
    engine.client().args(["rmi", "--force"]).args(ids).run().expect(0);
}

#[test]
fn an_image_is_built_docker() {
    an_image_is_built(Engine::Docker);
}

#[test]
fn an_image_is_built_podman() {
    an_image_is_built(Engine::Podman);
}

#[test]
fn an_image_is_built_rootless() {
    an_image_is_built(Engine::Rootless);
}
