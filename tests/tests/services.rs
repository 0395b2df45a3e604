//! Services beside the session: waited for, reached by name, told of when they fail, and gone afterwards.

use std::path::Path;

use devflow_tests::{Engine, Run, Sandbox};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server that takes a while until it listens, and answers with a word from its environment. It is PROGRAM's to say
/// how it goes wrong. `x:reach` reaches it by its name and by the loopback's address.
const CONFIG: &str = r#"[project]
name = "services"
stack = []
[container]
image = "docker.io/library/debian:bookworm-slim"
network = "NETWORK"
[services.db]
image   = "docker.io/library/debian:bookworm-slim"
env     = { WORD = "it's there" }
command = ["perl", "-MIO::Socket::INET", "-e", '''$| = 1; PROGRAM''']
ready   = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5432 && read -r word <&3 && test \"$word\" = \"$WORD\""]
ready_timeout = 3
[services.idle]
image = "docker.io/library/debian:bookworm-slim"
command = ["sleep", "600"]
[commands."x:reach"]
run = ["bash", "-c", "for host in db 127.0.0.1; do exec 3<>/dev/tcp/$host/5432; read -r word <&3; echo $host: $word; done >said"]
services = ["db", "idle"]
[commands."x:plain"]
run = ["true"]
[commands."x:fail"]
run = ["false"]
services = ["db"]
[commands."x:long"]
run = ["sh", "-c", "touch running; exec sleep 600"]
services = ["db"]
"#;

const SERVES: &str = r#"print "about to listen\n"; select undef, undef, undef, 0.5;
  $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0", LocalPort => 5432, ReuseAddr => 1) or die $!;
  chown 33, 33, "/tmp" or die "no chown: $!"; print "listening\n";
  while ($c = $s->accept) { print $c "$ENV{WORD}\n"; close $c }"#;

struct Setting {
    sandbox: Sandbox,
    engine: Engine,
}

impl Setting {
    fn new(engine: Engine, program: &str, network: &str) -> Self {
        let sandbox = Sandbox::new(engine);
        sandbox.write("p/devflow.toml", &CONFIG.replace("PROGRAM", program).replace("NETWORK", network));
        Self { sandbox, engine }
    }

    fn project(&self) -> std::path::PathBuf {
        self.sandbox.path().join("p")
    }

    fn dwf(&self, args: &[&str]) -> devflow_tests::Spec {
        let args = args.iter().copied().chain(["--engine", self.engine.name()]);
        self.sandbox.dwf(&self.project(), args).env("RUST_LOG", "devflow::engine=debug")
    }

    fn run(&self, args: &[&str]) -> Run {
        let run = self.dwf(args).run();
        self.nothing_left(&run);
        run
    }

    fn nothing_left(&self, run: &Run) {
        let names = run.stderr.split("--name=").skip(1).filter_map(|rest| rest.split_whitespace().next());
        let names: Vec<&str> = names.collect();
        let left = self.engine.containers();
        let left: Vec<&String> = left.iter().filter(|name| names.contains(&name.as_str())).collect();
        assert!(left.is_empty(), "containers are left: {left:?}\n{run}");
    }
}

fn a_service_is_waited_for_and_reached(engine: Engine) {
    for network in ["on", "off"] {
        let setting = Setting::new(engine, SERVES, network);
        let run = setting.run(&["run", "x:reach", "x:plain"]);
        run.expect(0).says("2 passed, 0 failed");
        assert!(run.stderr.contains("-service-"), "{run}");
        let said = std::fs::read_to_string(setting.project().join("said")).expect("what it heard");
        assert_eq!(said, "db: it's there\n127.0.0.1: it's there\n");
        if network == "on" {
            // Nobody asks for a service here, so none is started.
            let run = setting.run(&["run", "x:plain"]);
            run.expect(0);
            assert!(!run.stderr.contains("-service-") && !run.stderr.contains("--add-host"), "{run}");
            // What fails is shown with the words of its services.
            let run = setting.run(&["run", "x:fail"]);
            run.expect(1).says(
                "━━ x:fail failed: exit code 1\n── service db said last:\nabout to listen\nlistening\n",
            );
        }
    }
}

#[test]
fn docker_service() {
    a_service_is_waited_for_and_reached(Engine::Docker);
}

#[test]
fn podman_service() {
    a_service_is_waited_for_and_reached(Engine::Podman);
}

#[test]
fn rootless_service() {
    let setting = Setting::new(Engine::Rootless, SERVES, "on");
    setting.run(&["run", "x:reach"]).expect(0);
    let said = std::fs::read_to_string(setting.project().join("said")).expect("what it heard");
    assert_eq!(said, "db: it's there\n127.0.0.1: it's there\n");
}

#[test]
fn a_service_that_is_of_no_use_fails_those_who_need_it() {
    for engine in [Engine::Docker, Engine::Podman] {
        for (program, reason) in [
            (
                r#"print "deaf\n"; sleep 600"#,
                "service db was not ready within 3 s: bash: line 1: /dev/tcp/127.0.0.1/5432",
            ),
            (r#"print "deaf\n"; exit 7"#, "service db ended with exit code 7"),
        ] {
            let setting = Setting::new(engine, program, "on");
            let run = setting.run(&["run", "x:reach", "x:plain", "--keep-going"]);
            run.expect(1)
                .says("1 passed, 1 failed")
                .says("PASS  x:plain")
                .says("── service db said last:\ndeaf\n");
            run.says(&format!("━━ x:reach failed: {reason}"));
            assert!(!setting.project().join("said").exists(), "it ran");
        }
        // One that dies under an action takes it along.
        let dies = SERVES.replace(
            "close $c }",
            "close $c; last if ++$n == 1 } select undef, undef, undef, 0.7; die \"fell over\\n\"",
        );
        let setting = Setting::new(engine, &dies, "on");
        let run = setting.run(&["run", "x:long"]);
        run.expect(1).says("━━ x:long failed: service db ended with exit code ").says("\nfell over\n");
    }
}

#[test]
fn nothing_is_left_after_a_signal() {
    for engine in [Engine::Docker, Engine::Podman] {
        for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGKILL, 137)] {
            let setting = Setting::new(engine, SERVES, "on");
            let started = setting.dwf(&["run", "x:long"]).start();
            let pid = i32::try_from(started.child.id()).expect("a pid");
            while !setting.project().join("running").exists() {
                assert!(Path::new(&format!("/proc/{pid}")).exists(), "dwf left before its action ran");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            kill(Pid::from_raw(pid), signal).expect("a signal");
            let run = started.wait();
            run.expect(code);
            if signal == Signal::SIGKILL {
                // It happens without dwf, so it has to be waited for; the test's own guard ends the wait.
                let names =
                    run.stderr.split("--name=").skip(1).filter_map(|rest| rest.split_whitespace().next());
                let names: Vec<&str> = names.collect();
                while engine.containers().iter().any(|name| names.contains(&name.as_str())) {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
            } else {
                setting.nothing_left(&run);
            }
        }
    }
}

#[test]
fn where_there_is_no_session_services_are_refused() {
    let setting = Setting::new(Engine::Docker, SERVES, "on");
    let host = setting.sandbox.dwf(&setting.project(), ["run", "x:fail", "--profile", "host"]).run();
    host.expect(2).says("error: service db is a container beside the session, and on the host there is none");
    host.says("hint: run it in a container: --profile container");
    devflow_tests::edit(
        &setting.project().join("devflow.toml"),
        "[services.db]",
        "session = false\n[services.db]",
    );
    let alone = setting.run(&["run", "x:fail"]);
    alone.expect(2).says("this project has `session = false`").says("hint: take `session = false` out");
    setting.run(&["run", "x:plain"]).expect(0);
}

#[test]
fn a_plan_shows_services_and_mistakes_have_their_place() {
    let setting = Setting::new(Engine::Docker, SERVES, "on");
    let project = setting.project();
    let plan = || setting.sandbox.dwf(&project, ["plan", "x:reach"]).run();
    let before = plan();
    let text = &before.expect(0).stdout;
    assert!(text.contains("x:reach  (with db, idle)\n"), "{text}");
    assert!(text.contains("\nservice db  docker.io/library/debian:bookworm-slim\n    perl "), "{text}");
    assert!(text.contains("\n    ready within 3 s: bash "), "{text}");
    devflow_tests::edit(&project.join("devflow.toml"), "it's there", "elsewhere");
    assert_ne!(plan().stdout, before.stdout, "a service is part of the plan's digest");

    for (old, new, says) in [
        (
            "services = [\"db\", \"idle\"]",
            "services = [\"bd\"]",
            "there is no [services.bd]; did you mean `db`?",
        ),
        ("[services.idle]", "[services.Idle]", "a service's name is a host's"),
        ("ready_timeout = 3", "ready_timeout = 0", "0 seconds are no time at all"),
        ("ready_timeout = 3", "reddy = []", "reddy"),
        ("[services.idle]\nimage = \"docker.io/library/debian:bookworm-slim\"", "[services.idle]", "image"),
        (
            "[services.idle]\nimage = \"docker.io/library/debian:bookworm-slim\"",
            "[services.idle]\nimage = \"debian\"",
            "has a tag or a digest",
        ),
    ] {
        let text = std::fs::read_to_string(project.join("devflow.toml")).expect("a file");
        devflow_tests::edit(&project.join("devflow.toml"), old, new);
        plan().expect(2).says("devflow.toml:").says(says);
        std::fs::write(project.join("devflow.toml"), text).expect("a file");
    }
}
