//! What runs left that were killed together with their reaper: the next run and `dwf down` remove it, and nothing else.

use std::path::Path;
use std::time::Duration;

use devflow_tests::{Engine, Run, Sandbox};

const CONFIG: &str = r#"[project]
name = "down"
stack = []
[container]
image = "docker.io/library/debian:bookworm-slim"
[targets]
pr = ["x:quick"]
[commands."x:quick"]
run = ["true"]
"#;

/// A number that no process has: larger than any system allows.
const NOBODY: &str = "2147483647";

/// What this machine calls itself in a label: all of it but the process.
fn here(sandbox: &Sandbox, project: &Path) -> String {
    let run = sandbox.dwf(project, ["verify", "--engine", sandbox.engine().name()]);
    let run = run.env("RUST_LOG", "devflow=debug").run();
    run.expect(0);
    let owner = run.stderr.split("--label=dwf.owner=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let parts: Vec<&str> = owner.expect("an owner").split(':').collect();
    parts[..3].join(":")
}

/// A container as a run leaves it that was killed before it started.
fn leave(engine: Engine, name: &str, owner: &str) {
    let label = format!("dwf.owner={owner}");
    let words = ["create", "--name", name, "--label", &label, "debian:bookworm-slim", "true"];
    engine.client().args(words).run().expect(0);
}

fn down(sandbox: &Sandbox, more: &[&str]) -> Run {
    let words = ["down", "--engine", sandbox.engine().name()].into_iter().chain(more.iter().copied());
    sandbox.dwf(sandbox.path(), words).run()
}

fn only_the_dead_go(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    sandbox.write("p/devflow.toml", CONFIG);
    let project = sandbox.path().join("p");
    let here = here(&sandbox, &project);
    let name = |what: &str| format!("dwf-{:012x}-{what}", std::process::id());
    let live = std::fs::read_to_string("/proc/self/stat").expect("a process");
    let start = live.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(19)).expect("its start");
    let me = std::process::id();
    let own = name("mine");
    leave(engine, &name("dead"), &format!("{here}:{NOBODY}:1"));
    leave(engine, &name("reused"), &format!("{here}:{me}:1"));
    leave(engine, &name("live"), &format!("{here}:{me}:{start}"));
    leave(engine, &name("elsewhere"), &format!("other:other:1:{NOBODY}:1"));
    leave(engine, &own, "not an owner");
    let there = || {
        let mut there: Vec<String> = engine.containers();
        there.retain(|found| found.starts_with(&name("")));
        there
    };
    let would = down(&sandbox, &["--dry-run"]);
    assert!(would.expect(0).stdout.contains(&format!("would remove container {}", name("dead"))), "{would}");
    assert_eq!(there().len(), 5);
    let done = down(&sandbox, &[]);
    for gone in ["dead", "reused"] {
        assert!(done.expect(0).stdout.contains(&format!("removed container {}", name(gone))), "{done}");
        assert!(!there().contains(&name(gone)));
    }
    done.says(&format!("left alone: container {}: its run goes on", name("live")));
    done.says(&format!(
        "left alone: container {}: its run was started on another machine",
        name("elsewhere")
    ));
    assert_eq!(there().len(), 3, "{done}");
    for name in there() {
        engine.client().args(["rm", "--force", &name]).run().expect(0);
    }
}

#[test]
fn only_the_dead_go_docker() {
    only_the_dead_go(Engine::Docker);
}

#[test]
fn only_the_dead_go_podman() {
    only_the_dead_go(Engine::Podman);
}

#[test]
fn only_the_dead_go_rootless() {
    only_the_dead_go(Engine::Rootless);
}

/// A record of a dead owner, with a container and folders, is settled by the next run beside its own work.
#[test]
fn the_next_run_removes_what_a_dead_one_left() {
    let engine = Engine::Docker;
    let sandbox = Sandbox::new(engine);
    sandbox.write("p/devflow.toml", &CONFIG.replace("\"true\"", "\"sleep\", \"3\""));
    let project = sandbox.path().join("p");
    let here = here(&sandbox, &project);
    let (run, owner) = (format!("{:012x}", std::process::id()), format!("{here}:{NOBODY}:1"));
    leave(engine, &format!("dwf-{run}-check"), &owner);
    let layers = sandbox.write("cache/tmp/dead/deps/upper/x", "");
    let program = engine.client().program("sh").args(["-c", "command -v docker"]).run();
    let record = serde_json::json!({
        "owner": owner,
        "run": run,
        "kind": "docker",
        "program": program.expect(0).stdout.trim(),
        "folders": [sandbox.cache().join("tmp/dead")],
        "temporary": sandbox.path().join("tmp/dwf-build-1-1-"),
    });
    let record = sandbox.write("home/state/devflow/runs/dead.json", &record.to_string());
    let temporary = sandbox.write("tmp/dwf-build-1-1-a/context/file", "");
    let verify = sandbox.dwf(&project, ["verify", "--force", "--engine", "docker"]).start();
    let name = format!("dwf-{run}-check");
    // It happens beside the run; the test's own guard ends the wait.
    while record.exists() || layers.exists() || temporary.exists() || engine.containers().contains(&name) {
        std::thread::sleep(Duration::from_millis(20));
    }
    verify.wait().expect(0);
}
