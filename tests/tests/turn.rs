//! Several dwf at once: one at a time in a project, side by side in several, and no lock outlives its holder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_tests::{Engine, Sandbox, Started, long};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// `x:hold` waits until it is let go. `x:mark` says when it begins and ends. `x:nest` starts dwf in its own project.
const CONFIG: &str = r#"[project]
name = "turn"
stack = []
[container]
image = "docker.io/library/debian:bookworm-slim"
[commands."x:hold"]
run = ["sh", "-c", "touch held; until test -e go; do sleep 0.02; done"]
[commands."x:mark"]
run = ["sh", "-c", "echo begin >> marks; sleep 0.05; echo end >> marks"]
[commands."x:nest"]
run = ["sh", "-c", "exec ../bin/dwf run x:mark --profile host"]
"#;

const HOST: &[&str] = &["--profile", "host"];

fn project(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.write(&format!("{name}/devflow.toml"), CONFIG);
    sandbox.path().join(name)
}

fn start(sandbox: &Sandbox, project: &Path, command: &str, place: &[&str]) -> Started {
    sandbox.dwf(project, ["run", command].iter().chain(place).copied()).start()
}

fn pid(started: &Started) -> Pid {
    Pid::from_raw(i32::try_from(started.child.id()).expect("a pid"))
}

fn until(what: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Reads what a dwf says until it says that it waits.
fn waits(started: &mut Started, holder: Pid) {
    let stderr = started.child.stderr.as_mut().expect("its words");
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line).expect("a line");
    assert_eq!(line, format!("waiting for the dwf that runs in this project ({holder}) …\n"));
}

#[test]
fn the_second_waits_says_for_whom_and_goes_on() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox, "p");
    let first = start(&sandbox, &project, "x:hold", HOST);
    until(|| project.join("held").exists());
    let mut second = start(&sandbox, &project, "x:mark", HOST);
    waits(&mut second, pid(&first));
    // What runs nothing waits for nobody, and neither does another project.
    sandbox.dwf(&project, ["plan", "x:mark"]).run().expect(0);
    sandbox.dwf(&project, ["fingerprint"]).run().expect(0);
    let other = self::project(&sandbox, "other");
    start(&sandbox, &other, "x:mark", HOST).wait().expect(0);
    assert!(!project.join("marks").exists(), "it did not wait");
    std::fs::write(project.join("go"), "").expect("a file");
    first.wait().expect(0).says("1 passed");
    second.wait().expect(0).says("1 passed");
}

/// The same project by another path, or from a folder below it, is the same project.
#[test]
fn a_signal_ends_who_waits() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox, "p");
    std::os::unix::fs::symlink(&project, sandbox.path().join("link")).expect("a link");
    let first = start(&sandbox, &project, "x:hold", HOST);
    until(|| project.join("held").exists());
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let mut second = start(&sandbox, &sandbox.path().join("link"), "x:mark", HOST);
        waits(&mut second, pid(&first));
        kill(pid(&second), signal).expect("a signal");
        second.wait().expect(code);
    }
    std::fs::write(project.join("go"), "").expect("a file");
    first.wait().expect(0);
    assert!(!project.join("marks").exists(), "it ran");
}

/// Also while its container, and the client that has it, are still there: neither has the lock.
#[test]
fn a_killed_holder_is_followed_at_once() {
    let places: [(Engine, &[&str]); 3] = [
        (Engine::Docker, HOST),
        (Engine::Docker, &["--engine", "docker"]),
        (Engine::Podman, &["--engine", "podman"]),
    ];
    for (engine, place) in places {
        let sandbox = Sandbox::new(engine);
        let project = project(&sandbox, "p");
        let first = start(&sandbox, &project, "x:hold", place);
        until(|| project.join("held").exists());
        let mut second = start(&sandbox, &project, "x:mark", place);
        waits(&mut second, pid(&first));
        kill(pid(&first), Signal::SIGKILL).expect("a signal");
        second.wait().expect(0).says("1 passed");
        assert_eq!(first.wait().code, 137);
    }
}

/// An action that starts dwf in its own project would wait for itself.
#[test]
fn a_dwf_within_a_dwf_goes_on() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox, "p");
    start(&sandbox, &project, "x:nest", HOST).wait().expect(0).says("1 passed");
    assert!(project.join("marks").exists());
}

/// `DWF_TEST_MANY=50` is the long form.
#[test]
fn many_at_once() {
    let sandbox = Sandbox::without_engine();
    let many = long("DWF_TEST_MANY", 8);
    let one = project(&sandbox, "one");
    let in_one: Vec<Started> = (0..many).map(|_| start(&sandbox, &one, "x:mark", HOST)).collect();
    let several: Vec<PathBuf> = (0..many).map(|number| project(&sandbox, &format!("p{number}"))).collect();
    let side_by_side: Vec<Started> = several.iter().map(|p| start(&sandbox, p, "x:mark", HOST)).collect();
    for started in side_by_side.into_iter().chain(in_one) {
        started.wait().expect(0).says("1 passed");
    }
    let marks = |project: &Path| std::fs::read_to_string(project.join("marks")).expect("marks");
    assert_eq!(marks(&one), "begin\nend\n".repeat(many), "two were there at once");
    assert!(several.iter().all(|project| marks(project) == "begin\nend\n"));
}

/// The same in containers, fewer.
#[test]
fn many_at_once_in_containers() {
    let sandbox = Sandbox::new(Engine::Docker);
    let many = long("DWF_TEST_MANY", 8) / 4;
    let several: Vec<PathBuf> = (0..many).map(|number| project(&sandbox, &format!("p{number}"))).collect();
    let started: Vec<Started> =
        several.iter().map(|p| start(&sandbox, p, "x:mark", &["--engine", "docker"])).collect();
    for started in started {
        started.wait().expect(0).says("1 passed");
    }
}
