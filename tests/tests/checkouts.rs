//! Two checkouts of one project below one cache root: each gets its own true answer.

use std::path::PathBuf;

use devflow_tests::{Engine, Sandbox, edit};

const GOOD: &str = r#"assert_eq!(Tally::of(b"a\nb").lines, 1);"#;
const BAD: &str = r#"assert_eq!(Tally::of(b"a\nb").lines, 7);"#;

/// Two checkouts with files of the same age and size, which is all that Cargo looks at.
fn checkouts(sandbox: &Sandbox) -> [PathBuf; 2] {
    let [good, bad] = ["one", "two"].map(|place| sandbox.project("rust", &format!("{place}/project")));
    edit(&bad.join("src/lib.rs"), GOOD, BAD);
    let time = std::time::SystemTime::now();
    for project in [&good, &bad] {
        let file = std::fs::File::options().write(true).open(project.join("src/lib.rs")).expect("a file");
        file.set_modified(time).expect("its time");
    }
    [good, bad]
}

fn each_gets_its_own_answer(sandbox: &Sandbox, words: &[&str]) {
    let [good, bad] = checkouts(sandbox);
    // Either may come first, and later runs find what earlier ones have built.
    for (project, code) in [(&bad, 1), (&good, 0), (&bad, 1), (&good, 0)] {
        let words = ["run", "test:unit"].iter().chain(words).copied();
        let run = sandbox.dwf(project, words).run();
        run.expect(code).says(if code == 0 { "0 failed" } else { "right: 7" });
    }
    // One that is mended passes, one that is spoilt fails.
    edit(&bad.join("src/lib.rs"), BAD, GOOD);
    edit(&good.join("src/lib.rs"), GOOD, BAD);
    for (project, code) in [(&bad, 0), (&good, 1)] {
        let words = ["run", "test:unit"].iter().chain(words).copied();
        sandbox.dwf(project, words).run().expect(code);
    }
}

#[test]
fn in_containers() {
    let sandbox = Sandbox::new(Engine::Docker);
    each_gets_its_own_answer(&sandbox, &["--engine", "docker"]);
}

#[test]
fn on_the_host() {
    let sandbox = Sandbox::without_engine();
    each_gets_its_own_answer(&sandbox, &["--profile", "host"]);
}

/// Both at once, over the same downloads.
#[test]
fn at_the_same_time() {
    let sandbox = Sandbox::new(Engine::Podman);
    let [good, bad] = checkouts(&sandbox);
    let words = ["verify", "--engine", "podman"];
    let runs = [&good, &bad].map(|project| sandbox.dwf(project, words).start());
    let [good, bad] = runs.map(|run| run.wait());
    good.expect(0).says("5 passed, 0 failed");
    bad.expect(1).says("right: 7");
}
