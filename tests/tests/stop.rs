//! Signals on the host profile, second signals, timeouts and whole groups; `ends` has every phase on every engine.

use std::path::Path;
use std::time::Duration;

use devflow_tests::{Engine, Run, Sandbox};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// Rounds for each signal and engine.
const ROUNDS: u64 = 20;

/// An action that ignores SIGTERM, and so do its children.
const CONFIG: &str = r#"[project]
name = "stubborn"
stack = []
[container]
image = "docker.io/library/debian:bookworm-slim"
[targets]
pr = ["x:stubborn"]
quick = ["x:late", "x:one", "x:two"]
[commands."x:stubborn"]
run = ["sh", "-c", "trap '' TERM; (trap '' TERM; sleep 600) & touch ready; while :; do sleep 1; done"]
[commands."x:late"]
run = ["sh", "-c", "trap '' TERM; echo waiting; while :; do sleep 1; done"]
timeout = 2
[commands."x:one"]
run = ["sleep", "3"]
[commands."x:two"]
run = ["sleep", "3"]
"#;

/// When a signal is sent.
enum Moment {
    /// So long after the start.
    After(Duration),
    /// When the action says that it runs.
    Running,
}

/// The first rounds hit the start-up, the next ones the making of the container, the last the action.
fn moment(round: u64) -> Moment {
    match round {
        0..6 => Moment::After(Duration::from_micros(700 * round)),
        6..14 => Moment::After(Duration::from_millis(10 + 45 * (round - 6))),
        _ => Moment::Running,
    }
}

/// One round; gives what dwf did.
fn round(sandbox: &Sandbox, project: &Path, place: &[&str], signals: &[Signal], moment: &Moment) -> Run {
    let ready = project.join("ready");
    let _ = std::fs::remove_file(&ready);
    let args = ["verify"].into_iter().chain(place.iter().copied());
    let started = sandbox.dwf(project, args).env("RUST_LOG", "devflow=debug").start();
    let pid = Pid::from_raw(i32::try_from(started.child.id()).expect("a pid"));
    match moment {
        Moment::After(delay) => std::thread::sleep(*delay),
        Moment::Running => {
            while !ready.exists() {
                assert!(Path::new(&format!("/proc/{pid}")).exists(), "dwf left before its action ran");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    for signal in signals {
        kill(pid, *signal).expect("a signal");
        std::thread::sleep(Duration::from_millis(if signals.len() > 1 { 100 } else { 0 }));
    }
    started.wait()
}

/// Fails when a container of this run, or a process with this sandbox in its environment, is left.
fn nothing_left(sandbox: &Sandbox, run: &Run) {
    let names = run.stderr.split("--name=").skip(1).filter_map(|rest| rest.split_whitespace().next());
    let names: Vec<&str> = names.collect();
    let there = sandbox.engine().containers();
    let left: Vec<&String> = there.iter().filter(|name| names.contains(&name.as_str())).collect();
    assert!(left.is_empty(), "containers are left: {left:?}\n{run}");
    let left = processes(sandbox);
    assert!(left.is_empty(), "processes are left: {left:?}\n{run}");
}

/// The processes that were started from this sandbox and are no zombies.
fn processes(sandbox: &Sandbox) -> Vec<String> {
    let mark = sandbox.path().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let dir = entry.path();
        let Ok(environment) = std::fs::read(dir.join("environ")) else { continue };
        let zombie =
            std::fs::read_to_string(dir.join("status")).is_ok_and(|status| status.contains("State:\tZ"));
        if !zombie && String::from_utf8_lossy(&environment).contains(&mark) {
            found.push(std::fs::read_to_string(dir.join("cmdline")).unwrap_or_default().replace('\0', " "));
        }
    }
    found
}

fn rounds(engine: Engine, place: &[&str], signal: Signal, code: i32, rounds: u64) {
    let sandbox = Sandbox::new(engine);
    sandbox.write("p/devflow.toml", CONFIG);
    let project = sandbox.path().join("p");
    for number in 0..rounds {
        let number = number * ROUNDS / rounds;
        let run = round(&sandbox, &project, place, &[signal], &moment(number));
        assert_eq!(run.code, code, "round {number}: {run}");
        nothing_left(&sandbox, &run);
    }
}

#[test]
fn host_sigint_and_sigterm() {
    rounds(Engine::Docker, &["--profile", "host"], Signal::SIGINT, 130, ROUNDS);
    rounds(Engine::Docker, &["--profile", "host"], Signal::SIGTERM, 143, ROUNDS);
}

#[test]
fn a_second_signal_does_not_wait() {
    for (engine, place) in [
        (Engine::Docker, &["--engine", "docker"]),
        (Engine::Podman, &["--engine", "podman"]),
        (Engine::Docker, &["--profile", "host"]),
    ] {
        let sandbox = Sandbox::new(engine);
        sandbox.write("p/devflow.toml", CONFIG);
        let project = sandbox.path().join("p");
        let twice = [Signal::SIGINT, Signal::SIGINT];
        let run = round(&sandbox, &project, place, &twice, &Moment::Running);
        assert_eq!(run.code, 130, "{run}");
        nothing_left(&sandbox, &run);
    }
}

/// A dwf that is killed can remove nothing: its session ends because its input ends.
#[test]
fn a_killed_dwf_leaves_nothing() {
    for (engine, place) in [
        (Engine::Docker, &["--engine", "docker"]),
        (Engine::Podman, &["--engine", "podman"]),
        (Engine::Docker, &["--profile", "host"]),
    ] {
        let sandbox = Sandbox::new(engine);
        sandbox.write("p/devflow.toml", CONFIG);
        let project = sandbox.path().join("p");
        let run = round(&sandbox, &project, place, &[Signal::SIGKILL], &Moment::Running);
        assert_eq!(run.code, 137, "{run}");
        let names: Vec<String> = run
            .stderr
            .split("--name=")
            .skip(1)
            .filter_map(|rest| rest.split_whitespace().next())
            .map(str::to_owned)
            .collect();
        // It happens without dwf, so it has to be waited for; the test's own guard ends the wait.
        while engine.containers().iter().any(|name| names.contains(name)) || !processes(&sandbox).is_empty() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn one_past_its_timeout_is_killed_alone() {
    for (engine, place) in [
        (Engine::Docker, &["--engine", "docker"]),
        (Engine::Podman, &["--engine", "podman"]),
        (Engine::Docker, &["--profile", "host"]),
    ] {
        let sandbox = Sandbox::new(engine);
        sandbox.write("p/devflow.toml", CONFIG);
        let project = sandbox.path().join("p");
        let args = ["verify", "quick", "-j", "3"].into_iter().chain(place.iter().copied());
        let run = sandbox.dwf(&project, args).env("RUST_LOG", "devflow=debug").run();
        run.expect(1)
            .says("2 passed, 1 failed")
            .says("━━ x:late failed: timed out after 2 s\nwaiting\nreproduce: dwf ");
        nothing_left(&sandbox, &run);
    }
}

/// A terminal's Ctrl-C reaches every process of its group; dwf alone decides.
#[test]
fn a_signal_to_the_whole_group() {
    let sandbox = Sandbox::new(Engine::Docker);
    sandbox.write("p/devflow.toml", CONFIG);
    let project = sandbox.path().join("p");
    let started =
        sandbox.dwf(&project, ["verify", "--engine", "docker"]).env("RUST_LOG", "devflow=debug").start();
    while !project.join("ready").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    killpg(Pid::from_raw(i32::try_from(started.child.id()).expect("a pid")), Signal::SIGINT)
        .expect("a signal");
    let run = started.wait();
    assert_eq!(run.code, 130, "{run}");
    nothing_left(&sandbox, &run);
}
