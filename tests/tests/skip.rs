//! What has not changed does not run again, and whatever changed does.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use devflow_tests::{Engine, Run, Sandbox, Spec, edit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Two actions of the project's own, the second of which needs the first. What is ignored is no input.
const CONFIG: &str = r#"[project]
name = "lab"
stack = []
[targets]
pr = ["x:one", "x:two"]
[commands."x:one"]
run = ["sh", "-c", "test ! -e ignored/block || { touch ignored/ready; sleep 600; }; test ! -e ignored/fail"]
[commands."x:two"]
needs = ["x:one"]
run = ["sh", "-c", "test ! -e ignored/write || date +%N >source; echo two"]
"#;

struct Lab {
    sandbox: Sandbox,
    project: PathBuf,
}

impl Lab {
    /// Both actions have succeeded once, on the host.
    fn new() -> Self {
        let lab = Self::empty();
        lab.check(&[], &["x:one runs because there is no earlier run"]);
        lab.check(&["x:one", "x:two"], &["nothing changed: 2 unchanged, 0 run"]);
        lab
    }

    fn empty() -> Self {
        let sandbox = Sandbox::without_engine();
        let project = sandbox.write("lab/devflow.toml", CONFIG).parent().expect("a parent").to_owned();
        for (path, text) in [("lab/.gitignore", "ignored\n"), ("lab/source", "one\n"), ("lab/ignored/x", "")]
        {
            sandbox.write(path, text);
        }
        Self { sandbox, project }
    }

    fn spec(&self, words: &[&str]) -> Spec {
        self.sandbox.dwf(&self.project, words.iter().copied().chain(["--profile", "host", "-v"]))
    }

    fn at(&self, path: &str) -> PathBuf {
        self.project.join(path)
    }

    /// A gate that passes, in which these were skipped and all others ran; it says so.
    #[track_caller]
    fn check(&self, skipped: &[&str], says: &[&str]) {
        let run = self.spec(&["verify"]).run();
        expect(&run, skipped, says);
    }
}

#[track_caller]
fn expect(run: &Run, skipped: &[&str], says: &[&str]) {
    run.expect(0);
    let (skips, runs) = outcomes(run);
    assert_eq!(skips, skipped.iter().map(|name| (*name).to_owned()).collect(), "{run}");
    assert_eq!(skips.len() + runs.len(), 2, "{run}");
    for text in says {
        run.says(text);
    }
}

/// The names of the actions that were skipped, and of those that passed.
fn outcomes(run: &Run) -> (BTreeSet<String>, BTreeSet<String>) {
    let named = |word: &str, text: &str| {
        let lines = run.stderr.lines().filter(|line| line.contains(text));
        let lines = lines.filter_map(|line| line.strip_prefix(word));
        lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    // What has nothing to do is skipped as well, and no matter here.
    (named("SKIP  ", "unchanged since"), named("PASS  ", ""))
}

/// Sets when a file was changed last, in seconds from now.
fn age(path: &Path, seconds: i64) {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    let time = if seconds < 0 { now - by } else { now + by };
    File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("a time");
}

/// Times say nothing: neither those of a branch that was left and taken again, nor those of a clock that jumped.
#[test]
fn content_decides_and_no_time() {
    let lab = Lab::new();
    let source = lab.at("source");
    let both = ["x:one", "x:two"];
    for seconds in [0, -400_000_000, 400_000_000] {
        std::fs::write(&source, "two\n").expect("another branch");
        std::fs::write(&source, "one\n").expect("the first again");
        age(&source, seconds);
        lab.check(&both, &["SKIP  x:one  unchanged since its last success"]);
        let time = source.metadata().and_then(|meta| meta.modified()).expect("a time");
        std::fs::write(&source, "0ne\n").expect("as many bytes");
        File::options().write(true).open(&source).and_then(|f| f.set_modified(time)).expect("a time");
        lab.check(&[], &["x:one runs because source changed", "x:two runs because source changed"]);
        // Only the latest run counts.
        std::fs::write(&source, "one\n").expect("the first again");
        lab.check(&[], &["x:one runs because source changed"]);
    }
    std::fs::write(lab.at("new"), "").expect("a new file");
    lab.check(&[], &["x:two runs because new is new"]);
    std::fs::write(lab.at("ignored/new"), "").expect("an ignored file");
    lab.check(&both, &[]);
    std::fs::remove_file(lab.at("new")).expect("it goes");
    lab.check(&[], &["x:one runs because new is gone"]);
}

#[test]
fn the_latest_run_must_have_succeeded() {
    let lab = Lab::new();
    std::fs::write(lab.at("ignored/fail"), "").expect("a file");
    lab.check(&["x:one", "x:two"], &[]);
    lab.spec(&["verify", "--force"]).run().expect(1).says("FAIL  x:one").says("--force was given");
    std::fs::remove_file(lab.at("ignored/fail")).expect("it goes");
    lab.check(&[], &["x:one runs because its last run failed", "x:two runs because x:one runs before it"]);
    lab.check(&["x:one", "x:two"], &[]);

    // Killed, when an earlier run had succeeded.
    std::fs::write(lab.at("ignored/block"), "").expect("a file");
    for (signal, reason) in [(Signal::SIGKILL, "did not end"), (Signal::SIGINT, "was stopped")] {
        let started = lab.spec(&["verify", "--force"]).start();
        while !lab.at("ignored/ready").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let pid = Pid::from_raw(i32::try_from(started.child.id()).expect("a pid"));
        kill(pid, signal).expect("a signal");
        assert_ne!(started.wait().code, 0);
        std::fs::remove_file(lab.at("ignored/ready")).expect("it goes");
        std::fs::rename(lab.at("ignored/block"), lab.at("ignored/later")).expect("it goes");
        lab.check(&[], &[&format!("x:one runs because its last run {reason}")]);
        std::fs::rename(lab.at("ignored/later"), lab.at("ignored/block")).expect("it comes");
    }
}

#[test]
fn records_that_are_not_whole_are_none() {
    let lab = Lab::new();
    let runs = lab.sandbox.path().join("home/state/devflow/results");
    let words = ["-type", "f", "-path", "*/actions/*"];
    let files = Spec::new("find").args([runs.to_string_lossy().as_ref()]).args(words).run();
    let files: Vec<&str> = files.stdout.lines().collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for text in ["", "{", "{\"version\":99}", "\0\0\0\0"] {
        files.iter().for_each(|file| std::fs::write(file, text).expect("damage"));
        lab.check(&[], &["x:one runs because the record of its last run is of no use"]);
        lab.check(&["x:one", "x:two"], &[]);
    }
    // One that cannot be replaced would be believed after a failure.
    std::fs::remove_file(files[0])
        .and_then(|()| std::fs::create_dir_all(Path::new(files[0]).join("x")))
        .expect("");
    lab.spec(&["verify"]).run().expect(6).says("cannot be replaced").says("or remove it");
}

#[test]
fn what_is_asked_for_runs() {
    let lab = Lab::new();
    let run = |words: &[&str]| lab.spec(words).run();
    expect(&run(&["run", "x:two"]), &["x:one"], &["x:two runs because it was asked for by name", "1 passed"]);
    expect(&run(&["verify", "--force"]), &[], &["x:one runs because --force was given"]);
    let ci = lab.spec(&["verify"]).env("CI", "true").run();
    expect(&ci, &[], &["x:two runs because in CI everything runs"]);
    // Actions do not see it.
    lab.check(&["x:one", "x:two"], &[]);
    let other = lab.spec(&["verify"]).env("TZ", "UTC").run();
    expect(&other, &[], &["the variable TZ is new"]);
    let other = lab.spec(&["verify"]).env("TZ", "UTC").env("COLUMNS", "80").run();
    expect(&other, &["x:one", "x:two"], &[]);
    // What needs one that ran by itself runs as well: nobody knows what it made.
    lab.spec(&["run", "x:one"]).env("TZ", "UTC").run().expect(0);
    expect(&lab.spec(&["verify"]).env("TZ", "UTC").run(), &["x:one"], &["or has run since"]);
    edit(&lab.at("devflow.toml"), "echo two", "echo 2");
    expect(&lab.spec(&["verify"]).env("TZ", "UTC").run(), &[], &["x:two runs because its steps changed"]);
}

#[test]
fn what_changes_its_own_inputs_is_not_believed() {
    let lab = Lab::new();
    std::fs::write(lab.at("ignored/write"), "").expect("a file");
    lab.spec(&["verify", "--force"]).run().expect(0);
    for _ in 0..2 {
        lab.check(&[], &["x:two runs because source changed while it ran last"]);
    }
    std::fs::remove_file(lab.at("ignored/write")).expect("it goes");
    lab.check(&[], &[]);
    lab.check(&["x:one", "x:two"], &[]);
}

#[test]
fn several_at_once() {
    let lab = Lab::empty();
    for _ in 0..3 {
        let started = [(); 4].map(|()| lab.spec(&["verify", "--force"]).start());
        for started in started {
            started.wait().expect(0);
        }
        // Where one's record is older than the other's need of it, that one runs once more.
        lab.spec(&["verify"]).run().expect(0).says("SKIP  x:one");
        lab.check(&["x:one", "x:two"], &[]);
    }
}

/// The actions that ran, of a gate that passes.
#[track_caller]
fn ran(run: &Run, all: usize) -> BTreeSet<String> {
    run.expect(0);
    let (skipped, passed) = outcomes(run);
    assert_eq!(skipped.len() + passed.len(), all, "{run}");
    passed
}

/// A copy of an extension that calls itself another version.
fn another_version(sandbox: &Sandbox, name: &str) -> PathBuf {
    let own = sandbox.program("copies/own", "");
    std::fs::copy(sandbox.path().join("bin").join(name), &own).expect("a copy");
    let (old, new) = (env!("CARGO_PKG_VERSION"), "0.1.9");
    let other = format!("s/\"version\":\"{old}\"/\"version\":\"{new}\"/");
    let script = format!("#!/bin/sh\n\"${{0%/*}}/own\" \"$@\" | /bin/sed -u '{other}'\n");
    sandbox.program(&format!("copies/{name}"), &script)
}

/// Exactly the right actions of the sample with three stacks, without an engine where nothing has to run.
#[test]
fn exactly_what_changed_runs_docker() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = sandbox.project("mixed", "project");
    let verify = || sandbox.dwf(&project, ["verify", "--engine", "docker", "-v"]);
    let nowhere = sandbox.write("nowhere/x", "").parent().expect("a parent").to_string_lossy().into_owned();
    let all = ran(&verify().run(), 14);
    let of =
        |stack: &str| all.iter().filter(|name| name.starts_with(stack)).cloned().collect::<BTreeSet<_>>();
    assert_eq!(all.len(), 14);

    // No engine can be found, and none is missed.
    let again = verify().env("PATH", &nowhere).run();
    again
        .says("nothing changed: 14 unchanged, 0 run")
        .says("frontend#node/build:debug  unchanged since its last success");
    assert_eq!(ran(&again, 14), BTreeSet::new());

    edit(&project.join("backend/src/lib.rs"), "//! ", "//! Here: ");
    let run = verify().run();
    run.says("backend#rust/test:unit runs because backend/src/lib.rs changed");
    let mut rust = of("backend#rust/");
    assert!(rust.remove("backend#rust/setup:deps"));
    assert_eq!(ran(&run, 14), rust);

    // A new fingerprint, and the same image.
    edit(&project.join("frontend/package-lock.json"), r#""requires": true"#, r#""requires": false"#);
    let run = verify().run();
    run.says("frontend#node/setup:deps runs because frontend/package-lock.json changed");
    assert_eq!(ran(&run, 14), of("frontend#node/"));
    assert_eq!(ran(&verify().run(), 14), BTreeSet::new());
    assert_eq!(ran(&verify().env("PATH", &nowhere).run(), 14), BTreeSet::new());

    let other = another_version(&sandbox, "devflow-ext-python").to_string_lossy().into_owned();
    let verify = || verify().env("DWF_EXT_PYTHON", &other);
    let run = verify().run();
    run.says("tools#python/fmt:check runs because the extension python changed");
    assert_eq!(ran(&run, 14), of("tools#python/"));

    // What was pruned is made again.
    let words = ["-type", "d", "-name", "node_modules", "-prune", "-exec", "rm", "-rf", "{}", "+"];
    let env = sandbox.cache().join("env");
    Spec::new("find").args([env.to_string_lossy().as_ref()]).args(words).run().expect(0);
    let run = verify().run();
    run.says("frontend#node/setup:deps runs because its output the cache node_modules is not what it left");
    assert_eq!(ran(&run, 14), of("frontend#node/"));
    assert_eq!(ran(&verify().env("PATH", &nowhere).run(), 14), BTreeSet::new());
}
