//! Names, arguments and variables that mean something to what they pass through: each reaches the container as itself,
//! or is refused before anything starts. The rows M1 to M17 of the table of bad inputs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Run, Sandbox};

const IMAGE: &str = "docker.io/library/debian:bookworm-slim";

/// Reads the marker, says what else is there, and writes beside it: only the right folder, mounted as it should be, has
/// all of it afterwards.
const LOOK: &str = "{ cat marker; ls -A; } >seen; grep -c . /proc/self/mountinfo >/dev/null";

/// Folders that M1 to M9 speak of; the last part of a path cannot hold a `/`, so `src=/etc` is two.
const NAMES: [&str; 5] = [
    "p,src=/etc",
    "p,readonly=false",
    " a:b = \"c\" ",
    "-v$HOME\\%s*?[x]{y}'é日",
    "a,\"dst=/workspace\",b:/etc:ro#;&|",
];

fn config(commands: &str, container: &str) -> String {
    format!(
        "[project]\nname = \"p\"\nstack = []\n{commands}\n[container]\nimage = \"{IMAGE}\"\nnetwork = \"off\"\n{container}\n"
    )
}

fn run(sandbox: &Sandbox, cwd: &Path, words: &[&str]) -> Run {
    let engine = ["--engine", sandbox.engine().name()];
    sandbox.dwf(cwd, ["run"].iter().chain(words).chain(&engine).copied()).run()
}

/// Runs [`LOOK`] in a folder of this name, and looks for what it wrote.
fn look(sandbox: &Sandbox, name: &str) {
    let text = config(&format!("[commands.\"x:look\"]\nrun = [\"sh\", \"-c\", '{LOOK}']"), "");
    sandbox.write(&format!("{name}/devflow.toml"), &text);
    let marker = format!("this is {name}\n");
    let project = sandbox.write(&format!("{name}/marker"), &marker).parent().map(PathBuf::from).expect("it");
    run(sandbox, &project, &["x:look"]).expect(0);
    let seen =
        std::fs::read_to_string(project.join("seen")).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(seen, format!("{marker}devflow.toml\nmarker\nseen\n"), "{name}");
}

#[test]
fn names_on_docker() {
    let sandbox = Sandbox::new(Engine::Docker);
    for name in NAMES {
        look(&sandbox, name);
    }
    through_links(&sandbox);
}

#[test]
fn names_on_podman() {
    let sandbox = Sandbox::new(Engine::Podman);
    for name in NAMES {
        look(&sandbox, name);
    }
}

#[test]
fn names_without_root() {
    let sandbox = Sandbox::new(Engine::Rootless);
    look(&sandbox, NAMES[0]);
    look(&sandbox, NAMES[2]);
}

/// A folder that is reached by a link is the folder behind it.
fn through_links(sandbox: &Sandbox) {
    let real = sandbox.path().join(NAMES[2]);
    let link = sandbox.path().join("link");
    symlink(sandbox.path(), &link).expect("a link");
    let _ = std::fs::remove_file(real.join("seen"));
    run(sandbox, &link.join(NAMES[2]), &["x:look"]).expect(0);
    std::fs::remove_file(real.join("seen")).expect("what it wrote");
    let directory = link.join(NAMES[2]).to_string_lossy().into_owned();
    sandbox.dwf(sandbox.path(), ["-C", &directory, "run", "x:look", "--engine", "docker"]).run().expect(0);
    assert!(real.join("seen").exists());
}

/// What no engine reads as it is written.
#[test]
fn names_that_are_refused() {
    let sandbox = Sandbox::new(Engine::Docker);
    let text = config("[commands.\"x:look\"]\nrun = [\"touch\", \"seen\"]", "");
    for (name, code, said) in [
        (&b"a\nb"[..], 3, "a\\nb\": its name holds a control character"),
        (b"a\rb", 3, "a\\rb\": its name holds a control character"),
        (b"a\x1b[31mb", 3, "a\\u{1b}[31mb\": its name holds a control character"),
        (b"a\xffb", 2, "is not UTF-8"),
    ] {
        let project = sandbox.path().join(OsStr::from_bytes(name));
        std::fs::create_dir(&project).expect("a folder");
        std::fs::write(project.join("devflow.toml"), &text).expect("a file");
        let run = run(&sandbox, &project, &["x:look"]);
        run.expect(code).says(said);
        assert!(!run.stderr.contains(['\r', '\u{1b}']), "{run}");
        assert!(!project.join("seen").exists(), "{run}");
    }
}

/// Arguments and variables that look like flags, lists, patterns or lines (M10, M15, M16).
const WORDS: &str = r#"
[commands."x:words"]
run = ["sh", "-c", 'printf "%s|" "$@" >words; printf %s "$TEXT" >text; env | grep -c "^INJECTED" >injected; :', "--",
    "--user=0:0", "-v/:/host", 'a,b"c', "*", "$HOME", "two\nlines", " ", "", "é"]
env = { TEXT = "a\nINJECTED=1\n--privileged" }
[commands."x:dash"]
run = ["--privileged"]
"#;

fn words(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    // Behind the runner, and as arguments of the engine's own client.
    for session in ["true", "false"] {
        let path = format!("words-{session}/devflow.toml");
        let pass = "pass_env = [\"PASSED\", \"A*\"]\n";
        let text = config(WORDS, &format!("{pass}session = {session}"));
        let project = sandbox.write(&path, &text).parent().map(PathBuf::from).expect("a folder");
        let words = ["run", "--keep-going", "x:words", "x:dash", "--engine", engine.name()];
        let run = sandbox.dwf(&project, words).env("PASSED", "x\nINJECTED=2").env("A_B", "c").run();
        run.expect(1).says("PASS  x:words").says("1 passed, 1 failed");
        let read = |name: &str| std::fs::read_to_string(project.join(name)).unwrap_or_default();
        assert_eq!(read("words"), "--user=0:0|-v/:/host|a,b\"c|*|$HOME|two\nlines| ||é|", "{run}");
        assert_eq!(read("text"), "a\nINJECTED=1\n--privileged", "{run}");
        // Two lines of values, no variable of that name; `grep` sees the lines.
        assert_eq!(read("injected"), "2\n", "{run}");
    }
}

#[test]
fn words_on_docker() {
    words(Engine::Docker);
}

#[test]
fn words_on_podman() {
    words(Engine::Podman);
}

/// What a devflow.toml or a command line must not say; nothing has run afterwards.
#[test]
fn wishes_that_are_refused() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = sandbox.path().join("p");
    sandbox.write("p/inside/x", "");
    sandbox.write("outside/x", "");
    symlink("/etc", project.join("etc")).expect("a link");
    symlink("../outside", project.join("out")).expect("a link");
    let _socket = std::os::unix::net::UnixListener::bind(project.join("socket")).expect("a socket");
    let long = "x".repeat(131_072);
    let run_it = "[commands.\"x:look\"]\nrun = [\"touch\", \"ran\"]";
    let mount =
        |source: &str, target: &str| format!("mounts = [{{ source = \"{source}\", target = \"{target}\" }}]");
    for (commands, container, code, said) in [
        // M10
        (
            format!("[commands.\"x:look\"]\nrun = [\"touch\", \"{long}\"]"),
            String::new(),
            2,
            "x:look: argument 1 of touch has 131072",
        ),
        (
            format!("{run_it}\nenv = {{ BIG = \"{long}\" }}"),
            String::new(),
            2,
            "x:look: the variable BIG has 131076",
        ),
        (
            "[commands.\"x:look\"]\nrun = [\"touch\", \"a\\u0000\"]".to_owned(),
            String::new(),
            2,
            "no program can be given a NUL",
        ),
        // M11
        (run_it.to_owned(), mount("missing", "/m"), 3, "this cannot be mounted"),
        // M12
        (run_it.to_owned(), mount("inside", "/"), 2, "nothing can be mounted on"),
        (run_it.to_owned(), mount("inside", "/proc"), 2, "is in /proc, /sys or /dev"),
        (run_it.to_owned(), mount("inside", "/w/.."), 2, "has an empty, `.` or `..` part"),
        (run_it.to_owned(), mount("inside", "w"), 2, "is not absolute"),
        (run_it.to_owned(), mount("inside", "/w/"), 2, "or ends with `/`"),
        (run_it.to_owned(), mount("inside", "/workspace"), 2, "two mounts want the target \"/workspace\""),
        (run_it.to_owned(), format!("{}\ntmpfs = [\"/w\"]", mount("inside", "/w")), 2, "two mounts want /w"),
        (run_it.to_owned(), mount("inside", "/w,readonly=false"), 2, "has no `,` and no `:`"),
        // M13
        (run_it.to_owned(), mount("etc", "/m"), 3, "refusing to mount \"/etc\""),
        (run_it.to_owned(), mount("out", "/m"), 3, "in neither the project nor the cache"),
        (run_it.to_owned(), mount("inside/../../outside", "/m"), 2, "lies inside the project"),
        (run_it.to_owned(), mount("socket", "/m"), 3, "neither a folder nor a file"),
        // M15
        (format!("{run_it}\nenv = {{ \"A*\" = \"x\" }}"), String::new(), 2, "A*"),
        (format!("{run_it}\nenv = {{ \"A B\" = \"x\" }}"), String::new(), 2, "A B"),
        (format!("{run_it}\nenv = {{ \"\" = \"x\" }}"), String::new(), 2, "variable"),
        (run_it.to_owned(), "pass_env = [\"A=B\"]".to_owned(), 2, "is not a variable's name"),
        (run_it.to_owned(), "pass_env = [\"DOCKER_HOST\"]".to_owned(), 2, "would change the engine's client"),
    ] {
        sandbox.write("p/devflow.toml", &config(&commands, &container));
        let run = run(&sandbox, &project, &["x:look"]);
        run.expect(code).says(said);
        assert!(!project.join("ran").exists(), "{run}");
    }
    // M16, and M10 on the command line.
    let image = config(run_it, "").replace(IMAGE, "--privileged");
    sandbox.write("p/devflow.toml", &image);
    run(&sandbox, &project, &["x:look"]).expect(2).says("is not the name of an image");
}

/// An extension that says of its stack whatever its settings say.
const SAYS: &str = r#"#!/usr/bin/python3
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        result = {"protocol": 1, "extension": {"name": sys.argv[0].rsplit("-", 1)[-1], "version": "1.0.0"}}
    elif asked["method"] == "project/describe":
        result = {"applies": True, "because": ["x"], "commands": [{"name": "test:unit"}]}
        result.update(json.loads(asked["params"]["config"]["describe"]))
    else:
        step = {"program": "touch", "args": ["ran"]}
        step.update(json.loads(asked["params"]["config"].get("step", "{}")))
        if step["args"] == ["long"]:
            step["args"] = ["x" * 131072]
        result = {"action": {"steps": [step]}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

/// The same wishes from extensions, and two that contradict each other (M10, M12, M15, M17).
#[test]
fn answers_that_are_refused() {
    let sandbox = Sandbox::new(Engine::Docker);
    for name in ["one", "two"] {
        sandbox.program(&format!("bin/devflow-ext-{name}"), SAYS);
    }
    let cache = |more: &str| format!(r#"{{"caches": [{{"name": "c", {more}}}]}}"#);
    let both = |one: &str, two: &str| vec![("one", one.to_owned()), ("two", two.to_owned())];
    let one = |one: &str| vec![("one", one.to_owned())];
    let long = r#"{"args": ["long"]}"#;
    for (answers, step, code, said) in [
        (one("{}"), long, 2, "one/test:unit: argument 1 of touch has 131072 bytes"),
        (one(&cache(r#""target": "/proc/x""#)), "{}", 4, "is in /proc, /sys or /dev"),
        (one(&cache(r#""target": "/""#)), "{}", 4, "`target` is \"/\""),
        (one(&cache(r#""target": "/w/../etc""#)), "{}", 4, "has no `..`"),
        (one(&cache(r#""target": "w""#)), "{}", 4, "starts with ~/ or /"),
        (one(&cache(r#""target": "/workspace""#)), "{}", 2, "two mounts want the target \"/workspace\""),
        (one(&cache(r#""at": "../x""#)), "{}", 4, "one"),
        (one(r#"{"env": {"A*": "x"}}"#), "{}", 4, "A*"),
        (one(r#"{"env": {"PATH": "x"}}"#), "{}", 4, "it sets PATH"),
        (
            both(&cache(r#""target": "~/x""#), &cache(r#""target": "~/x", "readonly": "ok""#)),
            "{}",
            4,
            "extension `two`",
        ),
        (
            both(
                r#"{"caches": [{"name": "a", "target": "/opt/x"}]}"#,
                r#"{"caches": [{"name": "b", "target": "/opt/x"}]}"#,
            ),
            "{}",
            4,
            "what is at /opt/x: extension `one` says cache `a`, extension `two` says cache `b`",
        ),
    ] {
        let names: Vec<String> = answers.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let mut text = config("", "").replace("stack = []", &format!("stack = [{}]", names.join(", ")));
        for (name, describe) in &answers {
            text.push_str(&format!("[extensions.{name}.config]\ndescribe = '{describe}'\nstep = '{step}'\n"));
        }
        let project = sandbox.write("p/devflow.toml", &text).parent().map(PathBuf::from).expect("a folder");
        let run = run(&sandbox, &project, &["test:unit"]);
        run.expect(code).says(said);
        assert!(!project.join("ran").exists(), "{run}");
    }
    // Copy-on-write mounts have no quotes on either engine. The cure is the user's to say.
    let text = config("", "").replace("stack = []", "stack = [\"one\"]");
    let describe = cache(r#""readonly": "overlay""#);
    sandbox.write("a,b/devflow.toml", &format!("{text}[extensions.one.config]\ndescribe = '{describe}'\n"));
    let project = sandbox.path().join("a,b");
    for engine in ["docker", "podman"] {
        let spec = sandbox.dwf(&project, ["run", "test:unit", "--engine", engine]);
        let run = spec.clone().without_env("DWF_CACHE_ROOT").run();
        run.expect(2).says("cannot be mounted copy-on-write").says("DWF_CACHE_ROOT=/absolute/path");
        assert!(!project.join("ran").exists(), "{run}");
        spec.run().expect(0);
        std::fs::remove_file(project.join("ran")).expect("what it wrote");
    }
}
