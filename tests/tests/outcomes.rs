//! What an end means: a gate is green only where its action said so, and a broken engine is never an action's failure.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use devflow_tests::{Engine, Run, Sandbox, Spec};

fn project(sandbox: &Sandbox, container: &str, script: &str, more: &str) -> PathBuf {
    let config = format!(
        "[project]\nname = \"outcomes\"\nstack = []\n[container]\nimage = \"docker.io/library/debian:bookworm-slim\"\n\
         {container}\n[targets]\npr = [\"x:it\"]\n[commands.\"x:it\"]\nrun = ['sh', '-c', '{script}']\n{more}\n"
    );
    sandbox.write("p/devflow.toml", &config);
    sandbox.path().join("p")
}

fn verify(sandbox: &Sandbox, project: &Path) -> Spec {
    let place = ["verify", "--engine", sandbox.engine().name()];
    sandbox.dwf(project, place).env("RUST_LOG", "devflow=debug")
}

fn no_container(engine: Engine, run: &Run) {
    let names = run.stderr.split("--name=").skip(1).filter_map(|rest| rest.split_whitespace().next());
    let names: Vec<&str> = names.collect();
    let left: Vec<String> =
        engine.containers().into_iter().filter(|name| names.contains(&name.as_str())).collect();
    assert!(left.is_empty(), "{left:?}\n{run}");
}

/// Docker's socket, with a wire that can be cut.
struct Wire {
    path: PathBuf,
    streams: Arc<Mutex<Vec<UnixStream>>>,
    closed: Arc<AtomicBool>,
}

impl Wire {
    fn new(sandbox: &Sandbox) -> Self {
        let path = sandbox.path().join("docker.sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        let (streams, closed) = (Arc::<Mutex<Vec<UnixStream>>>::default(), Arc::<AtomicBool>::default());
        let (kept, no) = (Arc::clone(&streams), Arc::clone(&closed));
        std::thread::spawn(move || {
            for here in listener.incoming().flatten() {
                if no.load(Ordering::SeqCst) {
                    continue;
                }
                let there = UnixStream::connect("/var/run/docker.sock").expect("the engine");
                for (mut from, mut to) in [(&here, &there), (&there, &here)].map(|(from, to)| {
                    (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"))
                }) {
                    std::thread::spawn(move || pass(&mut from, &mut to));
                }
                kept.lock().expect("the streams").extend([here, there]);
            }
        });
        Self { path, streams, closed }
    }

    /// Cuts all that is connected; new connections are as good as before.
    fn cut(&self) {
        for stream in std::mem::take(&mut *self.streams.lock().expect("the streams")) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        self.cut();
    }
}

fn pass(from: &mut UnixStream, to: &mut UnixStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_connection_that_is_cut_is_the_engines_fault() {
    for container in ["", "session = false"] {
        let sandbox = Sandbox::new(Engine::Docker);
        let project = project(&sandbox, container, "touch ready; exec sleep 600", "");
        let wire = Wire::new(&sandbox);
        let host = format!("unix://{}", wire.path.display());
        let started = verify(&sandbox, &project).env("DOCKER_HOST", &host).start();
        while !project.join("ready").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        wire.cut();
        let run = started.wait();
        run.expect(5).says("its session was lost");
        assert!(!run.stderr.contains("PASS"), "{run}");
        no_container(Engine::Docker, &run);
    }
}

#[test]
fn codes_that_are_the_clients_own_are_the_actions_too() {
    for engine in [Engine::Docker, Engine::Podman] {
        let sandbox = Sandbox::new(engine);
        for (code, container) in [(125, ""), (126, "session = false"), (127, "session = false")] {
            let project = project(&sandbox, container, &format!("exit {code}"), "");
            let run = verify(&sandbox, &project).run();
            run.expect(1).says(&format!("x:it failed: exit code {code}"));
            no_container(engine, &run);
        }
    }
}

#[test]
fn memory_that_is_used_up_has_its_name() {
    for engine in [Engine::Docker, Engine::Podman] {
        for container in ["memory = \"64 MB\"", "memory = \"64 MB\"\nsession = false"] {
            let sandbox = Sandbox::new(engine);
            let project = project(&sandbox, container, "head -c 400M /dev/zero | tail", "");
            let run = verify(&sandbox, &project).run();
            // Podman itself notices only when the memory of a container's first process is used up.
            let told = match (engine, container.contains("session")) {
                (Engine::Podman, true) => "exit code 137, as after SIGKILL",
                _ => "killed by SIGKILL: out of memory",
            };
            run.expect(1).says(&format!("x:it failed: {told}"));
            assert!(!project.join("oom").exists(), "the engine left a file in the project");
            no_container(engine, &run);
        }
    }
}

/// A daemon that an action leaves behind, in a session of its own and without any of its streams.
#[test]
fn a_daemon_ends_with_its_session() {
    for (engine, profile) in
        [(Engine::Docker, "container"), (Engine::Podman, "container"), (Engine::Docker, "host")]
    {
        let sandbox = Sandbox::new(engine);
        let seconds = format!("8{}{}", std::process::id(), profile.len());
        let script = format!("setsid sleep {seconds} </dev/null >/dev/null 2>&1 & sleep 0.2; touch ready");
        let project = project(&sandbox, "", &script, "");
        let run = verify(&sandbox, &project).args(["--profile", profile]).run();
        run.expect(0).says("1 passed");
        let wanted = format!("sleep\0{seconds}\0");
        let left = std::fs::read_dir("/proc").expect("/proc").flatten().any(|entry| {
            std::fs::read(entry.path().join("cmdline")).unwrap_or_default() == wanted.as_bytes()
        });
        assert!(project.join("ready").exists() && !left, "{engine:?} {profile}\n{run}");
    }
}

/// `DWF_MIB=1024` is the long form.
#[test]
fn much_output_costs_little_memory() {
    #[expect(clippy::disallowed_methods, reason = "how much it is is the test's caller's to say")]
    let mib = std::env::var("DWF_MIB").unwrap_or_else(|_| "256".to_owned());
    let sandbox = Sandbox::new(Engine::Docker);
    let script = format!("yes 0123456789012345678901234567890123456789 | head -c {mib}M; exit 3");
    let project = project(&sandbox, "", &script, "");
    let started = verify(&sandbox, &project).args(["--color", "never"]).start();
    let status = format!("/proc/{}/status", started.child.id());
    let peak = std::thread::spawn(move || {
        let mut peak = 0;
        // It grows only, so the last look before the end is the peak.
        while let Ok(text) = std::fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(line) = line else { break };
            peak = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of KiB").max(peak);
            std::thread::sleep(Duration::from_millis(20));
        }
        peak
    });
    let run = started.wait();
    let peak = peak.join().expect("the peak") / 1024;
    println!("{mib} MiB of output: at most {peak} MiB of memory");
    run_failed(&run);
    assert!(peak < 64, "{peak} MiB");
}

/// Says only the beginning where there is much.
fn run_failed(run: &Run) {
    assert_eq!(run.code, 1, "{}", run.stderr.chars().take(2000).collect::<String>());
    assert!(run.stderr.contains("x:it failed: exit code 3"));
}
