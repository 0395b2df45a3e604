//! What helps to write an extension: a template, one request at a time, recordings that answer again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use devflow_tests::{Run, Sandbox, Spec, build, edit, repository};

/// A project with a `Makefile` and an extension for it that `dwf ext new` made.
struct Author {
    sandbox: Sandbox,
    program: PathBuf,
}

const NAME: &str = "my-make";

impl Author {
    fn new(language: &str) -> Self {
        let sandbox = Sandbox::without_engine();
        sandbox.write("project/Makefile", "test:\n\ttouch made\n");
        sandbox.write("project/devflow.toml", &format!("[project]\nname = \"p\"\nstack = [\"{NAME}\"]\n"));
        let run = sandbox.dwf(sandbox.path(), ["ext", "new", NAME, "--lang", language, "ext"]).run();
        run.expect(0).says("how to try it: ");
        let program = program(&sandbox.path().join("ext"), language);
        Self { sandbox, program }
    }

    fn project(&self) -> PathBuf {
        self.sandbox.path().join("project")
    }

    fn spec(&self, words: &[&str]) -> Spec {
        let spec = self.sandbox.dwf(&self.project(), words.iter().copied());
        spec.env("DWF_EXT_MY_MAKE", &self.program.to_string_lossy())
    }

    fn run(&self, words: &[&str]) -> Run {
        self.spec(words).run()
    }

    /// The answers to these lines, as they come out of the program itself.
    fn wire(&self, lines: &str) -> Vec<serde_json::Value> {
        let input = self.sandbox.write("lines", lines);
        let script = format!("exec '{}' --stdio < '{}'", self.program.display(), input.display());
        let run = Spec::new("sh").args(["-c", &script]).env("DWF_EXT_PROTOCOLS", "1").run();
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// The executable of a new extension, built where it has to be.
fn program(folder: &Path, language: &str) -> PathBuf {
    let home = folder.to_string_lossy().into_owned();
    match language {
        "go" => {
            let spec = Spec::new("go").args(["build"]).cwd(folder).env("GOCACHE", &format!("{home}/cache"));
            spec.env("GOPATH", &format!("{home}/path")).run().expect(0);
        }
        "rust" => {
            // The crate is not published: its place is this repository, its dependencies the locked ones.
            std::fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock");
            let patch = format!(
                "patch.crates-io.devflow-protocol.path=\"{}\"",
                repository().join("protocol").to_string_lossy()
            );
            let target = build().parent().map(Path::to_owned).expect("a folder");
            let spec = Spec::new("cargo").args(["build", "--release", "--config", &patch]).cwd(folder);
            spec.env("HOME", "/root").env("CARGO_TARGET_DIR", &target.to_string_lossy()).run().expect(0);
            return target.join("release").join(format!("devflow-ext-{NAME}"));
        }
        _ => {}
    }
    folder.join(format!("devflow-ext-{NAME}"))
}

/// What the specification demands, on the bare wire.
const LINES: &str = r#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocols":[1,2],"host":{"name":"h","version":"0"}}}

{"jsonrpc":"2.0","id":"old","method":"initialize","params":{"protocols":[9],"host":{"name":"h","version":"0"}}}
{"jsonrpc":"2.0","method":"news","params":{}}
{"jsonrpc":"2.0","id":"method","method":"fs/read","params":{}}
{"jsonrpc":"2.0","id":"command","method":"command/resolve","params":{"command":"no:such","args":[],"project":{"root":"/","dir":".","name":"p"},"platform":{"os":"linux","arch":"x86_64"}}}
{"jsonrpc":"2.0","id":"params","method":"command/resolve","params":{}}
{"jsonrpc":"2.0","id":"away","method":"project/describe","params":{"project":{"root":"/proc/self/fdinfo","dir":".","name":"p"},"platform":{"os":"linux","arch":"x86_64"},"x-more":1}}
"#;

fn template(language: &str) {
    let author = Author::new(language);
    author.run(&["plan", "test:unit"]).expect(0);
    let plan = author.run(&["plan", "test:unit", "--", "$HOME"]);
    assert!(plan.expect(0).stdout.ends_with("my-make/test:unit\n    make test '$$HOME'\n"), "{plan}");
    author.run(&["test:unit", "--profile", "host"]).expect(0).says("1 passed");
    assert!(author.project().join("made").exists());

    let answers = author.wire(LINES);
    let of = |id: &str| answers.iter().find(|answer| answer["id"] == id).unwrap_or_else(|| panic!("{id}"));
    assert_eq!(answers.len(), 6, "{answers:?}");
    assert_eq!(of("hello")["result"]["extension"]["name"], NAME);
    assert_eq!(of("away")["result"]["applies"], false);
    for (id, code) in [("old", 1001), ("method", -32601), ("command", 2001), ("params", -32602)] {
        assert_eq!(of(id)["error"]["code"], code, "{answers:?}");
    }
    assert_eq!(of("old")["error"]["data"]["supported"], serde_json::json!([1]));

    let program = author.program.to_string_lossy().into_owned();
    let version = Spec::new(&program).args(["--version"]).run();
    assert_eq!(version.expect(0).stdout, "devflow-ext-my-make 0.1.0\n");
    Spec::new(&program).args(["--stdio"]).run().expect(64).says("run it through dwf");
}

#[test]
fn the_template_in_go() {
    template("go");
}

#[test]
fn the_template_in_node() {
    template("node");
}

#[test]
fn the_template_in_python() {
    template("python");
}

#[test]
fn the_template_in_rust() {
    template("rust");
}

#[test]
fn the_template_in_sh() {
    template("sh");
}

/// A new language needs a test of its own above.
#[test]
fn these_are_all_templates() {
    let folders = std::fs::read_dir(repository().join("protocol/examples/templates")).expect("templates");
    let mut names: Vec<_> = folders.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["go", "node", "python", "rust", "sh"]);
}

#[test]
fn a_template_writes_over_nothing() {
    let author = Author::new("sh");
    let before = std::fs::read(&author.program).expect("a program");
    let new = |words: &[&str]| {
        let words = ["ext", "new"].iter().chain(words).copied();
        author.sandbox.dwf(author.sandbox.path(), words).run()
    };
    new(&[NAME, "--lang", "python", "ext"]).expect(2).says("is there already; nothing was written");
    assert_eq!(std::fs::read(&author.program).expect("a program"), before);
    std::fs::create_dir(author.sandbox.path().join("other")).expect("a folder");
    std::os::unix::fs::symlink("/nowhere", author.sandbox.path().join("other/README.md")).expect("a link");
    new(&[NAME, "--lang", "python", "other"]).expect(2).says("README.md is there already");
    assert!(!author.sandbox.path().join("other").join(format!("devflow-ext-{NAME}")).exists());
    new(&[NAME, "--lang", "pyhton"]).expect(2).says("there are: go, node, python, rust, sh");
    new(&["../up", "--lang", "sh"]).expect(2).says("../up");
}

/// Edit and run again: that is all there is to it.
#[test]
fn the_loop_of_an_author() {
    let author = Author::new("python");
    let plan = || author.run(&["plan", "lint:policy"]);
    plan().expect(2).says("no stack of this project offers `lint:policy`");
    edit(&author.program, "\"test:unit\": [\"make\", \"test\"]", "\"lint:policy\": [\"touch\", \"checked\"]");
    assert!(plan().expect(0).stdout.contains("    touch checked\n"));
    author.run(&["lint:policy", "--profile", "host"]).expect(0);
    assert!(author.project().join("checked").exists());
    edit(&author.program, "def describe(params):", "def describe(params):\n    print('a trace')");
    plan().expect(0);
    author.run(&["plan", "lint:policy", "-v"]).expect(0).says("[my-make] a trace");
    edit(&author.program, "    print('a trace')", "    wire.write('a trace\\n')");
    plan()
        .expect(4)
        .says("wrote a line that is not a JSON object: \"a trace\"")
        .says("log to standard error");
}

#[test]
fn one_request_at_a_time() {
    let author = Author::new("python");
    let call = |words: &[&str]| {
        let words: Vec<&str> = ["ext", "call", NAME].iter().chain(words).copied().collect();
        author.run(&words)
    };
    let json = |run: Run| -> serde_json::Value { serde_json::from_str(&run.expect(0).stdout).expect("JSON") };
    assert_eq!(json(call(&["initialize"]))["extension"]["name"], NAME);
    assert_eq!(json(call(&["project/describe"]))["applies"], true);
    let elsewhere = json(call(&["project/describe", "{\"project\":{\"dir\":\"sub\"}}"]));
    assert_eq!(elsewhere["because"], serde_json::json!(["no Makefile"]));
    let answer = json(call(&["command/resolve", "{\"command\":\"test:unit\",\"args\":[\"a b\"]}"]));
    assert_eq!(answer["action"]["steps"][0]["args"], serde_json::json!(["test", "a b"]));

    call(&["command/resolve", "{\"command\":\"no:such\"}"])
        .expect(4)
        .says("command/resolve was answered with error 2001: unknown command")
        .says("\"known\": [\n    \"test:unit\"");
    call(&["moon/phase", "{\"now\":true}"]).expect(4).says("error -32601: unknown method");
    call(&["project/describe", "{\"project\":null}"]).expect(4).says("error -32602");
    call(&["project/describe", "[1]"]).expect(2).says("the parameters are not a JSON object");
    call(&["initialize", "{\"protocols\":[7]}"]).expect(2).says("initialize takes no parameters here");

    let esc = "    return {\"applies\": True, \"because\": [\"\\u202e\\u009b\\x1b[1m\"]}\n";
    edit(&author.program, "    project = params[\"project\"]\n", esc);
    let run = call(&["project/describe"]);
    assert!(run.stdout.contains("\"\\u202e\\u009b\\u001b[1m\""), "{run}");
}

#[test]
fn all_about_an_extension() {
    let author = Author::new("python");
    edit(
        &author.program,
        "\"commands\": commands,",
        "\"commands\": commands, \"env\": {\"A\": \"${cache:c}\"}, \"wants_env\": [\"W\"], \"fingerprint\": [\"*.lock\"],\
         \"caches\": [{\"name\": \"c\", \"env\": \"C\", \"scope\": \"environment\"}], \"tools\": [{\"program\": \"make\", \"wants\": \">=4\"}],",
    );
    let run = author.run(&["ext", "info", NAME]);
    for line in [
        "my-make 0.1.0, protocol 1",
        "(from the environment)",
        "in .",
        "  applies      Makefile",
        "  commands     test:unit  make test",
        "  caches       c, environment, env C",
        "  env          A=${cache:c}",
        "  wants_env    W",
        "  fingerprint  *.lock",
        "  tools        make >=4",
    ] {
        assert!(run.expect(0).stdout.contains(line), "{line:?} is missing: {run}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&author.run(&["ext", "info", NAME, "--json"]).expect(0).stdout).expect("JSON");
    assert_eq!((&json["origin"], &json["protocol"]), (&"variable".into(), &1.into()));
    assert_eq!(json["members"][0]["commands"][0]["name"], "test:unit");

    // What came with the project is started by nobody who did not agree.
    let own = author.project().join("own");
    std::fs::copy(&author.program, &own).expect("a copy");
    edit(&own, "import json, os, sys", "import json, os, sys\nopen('started', 'w')");
    let config = format!("[project]\nstack = [\"{NAME}\"]\n[extensions.{NAME}]\npath = \"own\"\n");
    author.sandbox.write("project/devflow.toml", &config);
    for words in [&["ext", "info", NAME][..], &["ext", "call", NAME, "initialize"]] {
        let run = author.spec(words).without_env("DWF_EXT_MY_MAKE").run();
        run.expect(3).says("nobody outside it has agreed");
    }
    assert!(!author.project().join("started").exists());
}

#[test]
fn a_recording_answers_in_the_place_of_its_extension() {
    let author = Author::new("python");
    let recording = author.sandbox.path().join("talk.jsonl");
    let plan = author.run(&["plan", "test:unit", "--trace-ext", "../talk.jsonl"]);
    let mode = plan.expect(0).code
        + i32::try_from(recording.metadata().expect("a file").permissions().mode() & 0o777).expect("a mode");
    assert_eq!(mode, 0o600);
    let text = std::fs::read_to_string(&recording).expect("a recording");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 6, "{text}");
    for (at, line) in lines.iter().enumerate() {
        let to = if at % 2 == 0 { "extension" } else { "host" };
        assert_eq!(
            (&line["extension"], &line["to"], &line["message"]["jsonrpc"]),
            (&NAME.into(), &to.into(), &"2.0".into())
        );
    }

    // Another machine: another place, and no trace of the program.
    std::fs::rename(author.project(), author.sandbox.path().join("elsewhere")).expect("a move");
    std::fs::remove_dir_all(author.sandbox.path().join("ext")).expect("the extension goes");
    let wrapper = format!(
        "#!/bin/sh\nexec '{}' ext replay \"${{0%/*}}/talk.jsonl\" \"$@\"\n",
        author.sandbox.dwf_path().display()
    );
    let wrapper = author.sandbox.program("replay/devflow-ext-my-make", &wrapper);
    // In its jail it can read what lies beside it, and nothing else of the user's.
    std::fs::copy(&recording, wrapper.with_file_name("talk.jsonl")).expect("a copy");
    let spec = |words: &[&str]| {
        let spec = author.sandbox.dwf(&author.sandbox.path().join("elsewhere"), words.iter().copied());
        spec.env("DWF_EXT_MY_MAKE", &wrapper.to_string_lossy())
    };
    assert_eq!(spec(&["plan", "test:unit"]).run().expect(0).stdout, plan.stdout);
    let other = spec(&["plan", "test:unit", "--", "more"]).run();
    other
        .expect(4)
        .says("the recording has no such request: command/resolve")
        .says("`args` is [\"more\"], and was []");

    let listing = spec(&["ext", "replay", "../talk.jsonl"]).run();
    assert!(listing.expect(0).stdout.starts_with("my-make\n→ {\"jsonrpc\""), "{listing}");
    spec(&["ext", "replay", "../talk.jsonl", "--name", "other"])
        .run()
        .expect(2)
        .says("it has those of my-make");
    spec(&["ext", "replay", "devflow.toml"])
        .run()
        .expect(2)
        .says("devflow.toml:1: this is no line of a recording");
    spec(&["ext", "replay", "/dev/zero"]).run().expect(2).says("not a regular file");
}

#[test]
fn what_breaks_is_recorded_too_and_no_link_is_followed() {
    let author = Author::new("python");
    edit(
        &author.program,
        "for line in sys.stdin.buffer:",
        "wire.write('\\x1b[1mHello\\n')\nfor line in sys.stdin.buffer:",
    );
    author.run(&["plan", "--trace-ext", "../talk.jsonl"]).expect(4);
    let text = std::fs::read_to_string(author.sandbox.path().join("talk.jsonl")).expect("a recording");
    let said = "{\"extension\":\"my-make\",\"to\":\"host\",\"line\":\"\\u001b[1mHello\"}\n";
    assert!(text.starts_with("{\"extension\":\"my-make\",\"to\":\"extension\",\"message\":{"), "{text}");
    assert!(text.contains(said), "{text}");

    let kept = author.sandbox.write("kept", "kept\n");
    std::os::unix::fs::symlink(&kept, author.sandbox.path().join("link")).expect("a link");
    author.run(&["plan", "--trace-ext", "../link"]).expect(6).says("cannot record to").says("link");
    assert_eq!(std::fs::read_to_string(kept).expect("the file"), "kept\n");
}
