//! What starts when: the same order every time, what a failure does to the others, and cycles.

use devflow_tests::paced::{JOBS, paced};
use devflow_tests::{Engine, Sandbox, long};

/// The names that dwf started, in that order.
fn starts(engine: Engine) -> Vec<Vec<String>> {
    let sandbox = Sandbox::new(engine);
    let dwf = paced(&sandbox, 1).env("RUST_LOG", "devflow::schedule=debug");
    let start = || {
        let run = dwf.run();
        run.expect(0).says("40 passed, 0 failed");
        let lines = run.stderr.lines().filter_map(|line| line.split_once(" devflow::schedule start "));
        lines.map(|(_, name)| name.to_owned()).collect::<Vec<String>>()
    };
    (0..long("DWF_TEST_ORDERS", 2)).map(|_| start()).collect()
}

/// `DWF_TEST_ORDERS=50` is the long form.
#[test]
fn the_order_of_starts_is_always_the_same() {
    // Each waits for sleeping containers only, so they may sleep side by side.
    let podman = std::thread::spawn(|| starts(Engine::Podman));
    let docker = starts(Engine::Docker);
    let podman = podman.join().expect("the other thread");
    let first = &docker[0];
    assert_eq!(first.len(), 40, "{first:?}");
    assert_eq!(first[..JOBS], ["alpha/work:n02", "alpha/work:n03", "alpha/work:n01"], "{first:?}");
    for (number, other) in docker.iter().chain(&podman).enumerate() {
        assert_eq!(other, first, "run {number}");
    }
}

const FAILS: &str = r#"[project]
name = "fails"
stack = []
[container]
image = "docker.io/library/debian:bookworm-slim"
[targets]
pr = ["x:bad", "x:behind", "x:last", "x:long"]
both = ["y:early", "y:late", "y:other", "y:behind"]
[commands."x:bad"]
run = ["sh", "-c", "until test -e long; do sleep 0.05; done; exit 3"]
[commands."x:behind"]
run = ["true"]
needs = ["x:bad"]
[commands."x:last"]
run = ["true"]
needs = ["x:long"]
[commands."x:long"]
run = ["sh", "-c", "touch long; exec sleep 600"]
[commands."y:early"]
run = ["sh", "-c", "until test -e late; do sleep 0.05; done; sleep 0.2; exit 4"]
[commands."y:late"]
run = ["sh", "-c", "touch late; exit 5"]
[commands."y:other"]
run = ["true"]
[commands."y:behind"]
run = ["true"]
needs = ["y:late"]
"#;

#[test]
fn a_failure_cancels_what_runs_and_each_is_told_for_what_it_is() {
    let places: [&[&str]; 3] = [&["--engine", "docker"], &["--engine", "podman"], &["--profile", "host"]];
    for place in places {
        let engine = if place[1] == "podman" { Engine::Podman } else { Engine::Docker };
        let sandbox = Sandbox::new(engine);
        sandbox.write("p/devflow.toml", FAILS);
        let dwf = |args: &[&str]| {
            let args = ["verify", "-j", "2"].iter().chain(args).chain(place).copied();
            sandbox.dwf(&sandbox.path().join("p"), args).run()
        };
        let run = dwf(&[]);
        run.expect(1).says("0 passed, 1 failed, 1 cancelled, 2 not run").says("━━ x:bad failed: exit code 3");
        run.says("----  x:behind  not run: it needs x:bad, which failed\n");
        run.says("----  x:last    not run: x:bad failed\n");
        let stopped = run.stderr.lines().find(|line| line.starts_with("STOP  x:long "));
        assert!(stopped.is_some_and(|line| line.ends_with(" s  cancelled because x:bad failed")), "{run}");
        assert_eq!(run.reproducing().len(), 1, "what was cancelled did not fail:\n{run}");

        let run = dwf(&["both", "--keep-going"]);
        run.expect(1).says("1 passed, 2 failed, 1 not run").says("not run: it needs y:late, which failed\n");
        // They ended the other way round; the report has the order of the plan.
        let (early, late) = (run.stderr.find("━━ y:early failed"), run.stderr.find("━━ y:late failed"));
        assert!(early.is_some() && early < late, "{run}");
        assert!(run.stderr.find("FAIL  y:late") < run.stderr.find("FAIL  y:early"), "{run}");
    }
}

/// Ten thousand that need each other, in a chain and in a ring: a plan, or the whole ring.
#[test]
fn long_chains_and_rings() {
    let sandbox = Sandbox::without_engine();
    let mut config = "[project]\nname = \"chain\"\nstack = []\n".to_owned();
    for at in 0..10_000 {
        config.push_str(&format!("[commands.\"c:a{at}\"]\nrun = [\"true\"]\n"));
        if at > 0 {
            config.push_str(&format!("needs = [\"c:a{}\"]\n", at - 1));
        }
    }
    sandbox.write("p/devflow.toml", &config);
    let plan = || sandbox.dwf(&sandbox.path().join("p"), ["plan", "c:a9999"]).run();
    let run = plan();
    run.expect(0);
    assert_eq!(run.stdout.matches("needs c:a").count(), 9_999);

    let ring = config.replacen("run = [\"true\"]\n", "run = [\"true\"]\nneeds = [\"c:a9999\"]\n", 1);
    sandbox.write("p/devflow.toml", &ring);
    let run = plan();
    run.expect(2)
        .says("error: these commands need each other: c:a0 → c:a9999 → c:a9998 → ")
        .says(" → c:a1 → c:a0\n");
}

#[test]
fn too_long_is_told_with_how_long() {
    let sandbox = Sandbox::without_engine();
    let config = "[project]\nname = \"t\"\nstack = []\n[commands.\"x:slow\"]\nrun = [\"sleep\", \"60\"]\ntimeout = 1\n";
    sandbox.write("p/devflow.toml", config);
    let run = sandbox.dwf(&sandbox.path().join("p"), ["run", "x:slow", "--profile", "host"]).run();
    run.expect(1).says("━━ x:slow failed: timed out after 1 s");
}
