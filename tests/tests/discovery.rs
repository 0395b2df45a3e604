//! Extensions from outside, what a project says about commands, and whom its host profile needs to ask.

use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Run, Sandbox, Spec, append, edit, repository};

const IMAGE: &str = "[container]\nimage = \"debian:bookworm-slim\"\n";

/// The two examples of the specification in a folder of `PATH`, and a project that names them.
struct Hello {
    sandbox: Sandbox,
    project: PathBuf,
}

fn example(name: &str) -> String {
    let path = repository().join("protocol/examples").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Hello {
    fn new(engine: Engine, config: &str) -> Self {
        let sandbox = Sandbox::new(engine);
        for name in ["devflow-ext-hello-py", "devflow-ext-hello-sh"] {
            sandbox.program(&format!("ext/{name}"), &example(name));
        }
        sandbox.write("project/hello.txt", "Hello there\n");
        sandbox.write("project/devflow.toml", config);
        let project = sandbox.path().join("project");
        Self { sandbox, project }
    }

    fn both(engine: Engine) -> Self {
        Self::new(engine, &format!("{IMAGE}[project]\nname = \"p\"\nstack = [\"hello-py\", \"hello-sh\"]\n"))
    }

    /// dwf with the folder of extensions on its `PATH`, on this sandbox's engine.
    fn spec(&self, words: &[&str]) -> Spec {
        let spec = self.sandbox.dwf(&self.project, words.iter().copied());
        let path = format!("{}:{}", self.sandbox.path().join("ext").display(), spec.get_env("PATH"));
        spec.env("PATH", &path)
    }

    fn run(&self, words: &[&str]) -> Run {
        let engine = self.sandbox.engine().name();
        let front = words.iter().copied().take_while(|word| *word != "--");
        let rest = words.iter().copied().skip_while(|word| *word != "--");
        let words: Vec<&str> = front.chain(["--engine", engine]).chain(rest).collect();
        self.spec(&words).run()
    }

    /// Lets extensions leave marks.
    fn without_jail(&self) {
        self.sandbox.write("home/.config/devflow/config.toml", "[extensions]\njail = \"off\"\n");
    }

    fn config(&self, text: &str) {
        std::fs::write(self.project.join("devflow.toml"), text).expect("devflow.toml");
    }
}

fn extensions_on_path(engine: Engine) {
    let hello = Hello::both(engine);
    let run = hello.run(&["verify", "-v"]);
    run.expect(0).says("4 passed, 0 failed").says("Hello there");
    for name in ["hello-py/lint:static", "hello-py/test:unit", "hello-sh/lint:static", "hello-sh/test:unit"] {
        run.says(&format!("PASS  {name}"));
    }
    edit(&hello.project.join("hello.txt"), "Hello", "Good day");
    hello
        .run(&["verify", "--keep-going"])
        .expect(1)
        .says("2 passed, 2 failed")
        .says("FAIL  hello-sh/lint:static");

    let listed = hello.spec(&["ext", "list"]).run();
    let line = |name: &str| listed.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("hello-py").ends_with("/ext/devflow-ext-hello-py  (on PATH)"), "{listed}");
    assert!(line("rust").ends_with("(came with dwf)"), "{listed}");
}

#[test]
fn extensions_on_path_docker() {
    extensions_on_path(Engine::Docker);
}

#[test]
fn extensions_on_path_podman() {
    extensions_on_path(Engine::Podman);
}

#[test]
fn extensions_on_path_rootless() {
    extensions_on_path(Engine::Rootless);
}

#[test]
fn names_arguments_and_targets() {
    let hello = Hello::both(Engine::Docker);
    // Arguments are one action's.
    hello
        .run(&["run", "test:unit", "--", "-n"])
        .expect(2)
        .says("hello-py/test:unit")
        .says("hello-sh/test:unit");
    hello.run(&["run", "-v", "hello-sh/test:unit", "--", "-n"]).expect(0).says("     1\tHello there");
    hello.run(&["-v", "hello-py/test", "--", "-n", "--show-ends"]).expect(0).says("     1\tHello there$");
    // Those with a `$` reach the program as they are.
    hello.run(&["hello-py/test:unit", "--", "${HOME}"]).expect(1).says("cat: '${HOME}'");
    hello.run(&["run", "test:unti"]).expect(2).says("did you mean `test:unit`?");
    hello.run(&["run", "hello-pi/test:unit"]).expect(2);

    append(&hello.project.join("devflow.toml"), "[targets]\nmain = [\"hello-py/lint:static\"]\n");
    for words in [&["check:main", "--force"][..], &["verify", "main", "--force"]] {
        hello.run(words).expect(0).says("PASS  hello-py/lint:static").says("1 passed, 0 failed");
    }
    hello.run(&["check:mian"]).expect(2).says("did you mean `main`?");
    hello.run(&["verify", "--force"]).expect(0).says("4 passed");

    // Members have names of their own.
    for member in ["one", "two"] {
        hello.sandbox.write(&format!("project/apps/{member}/hello.txt"), &format!("Hello {member}\n"));
    }
    hello.config(&format!("{IMAGE}[project]\nstack = [\"hello-py\"]\nmembers = [\"apps/*\"]\n"));
    let all = hello.run(&["verify", "-v"]);
    all.expect(0).says("6 passed").says("PASS  apps/two#hello-py/test:unit").says("Hello two");
    let one = hello.run(&["run", "-v", "apps/one#test"]);
    one.expect(0).says("PASS  apps/one#hello-py/test:unit").says("Hello one").says("1 passed");
    // A member's folder is as good a place to start from as any.
    let inside =
        hello.spec(&["run", "apps/one#lint", "--engine", "docker"]).cwd(hello.project.join("apps/one"));
    inside.run().expect(0).says("PASS  apps/one#hello-py/lint:static");
}

#[test]
fn a_projects_own_commands() {
    let config = format!(
        r#"{IMAGE}
        [project]
        stack = ["hello-py", "hello-sh"]
        [targets]
        pr = ["hello-py/test:unit", "lint:policy"]
        [commands."hello-py/test:unit"]
        needs = ["hello-sh/lint:static", "build:made"]
        args = ["made.txt"]
        env = {{ GREETING = "from the project" }}
        [commands."build:made"]
        run = ["sh", "-c", "sleep 0.3; echo made for $FOR >made.txt"]
        env = {{ FOR = "it's $5" }}
        needs = ["hello-sh/lint:static"]
        [commands."lint:policy"]
        run = ["./policy.sh", "--strict"]
        [commands."test:slow"]
        run = ["sleep", "300"]
        timeout = 1
        "#
    );
    let hello = Hello::new(Engine::Docker, &config);
    hello.sandbox.program("project/policy.sh", "#!/bin/sh\necho policy $1 in $PWD\n");
    let run = hello.run(&["verify", "-v"]);
    run.expect(0).says("4 passed").says("made for it's $5").says("policy --strict in /workspace");
    let at =
        |name: &str| run.stderr.find(&format!("PASS  {name}")).unwrap_or_else(|| panic!("{name}\n{run}"));
    assert!(
        at("hello-sh/lint:static") < at("build:made") && at("build:made") < at("hello-py/test:unit"),
        "{run}"
    );
    hello.run(&["test:slow"]).expect(1).says("test:slow failed: timed out");
    // What is needed and fails keeps the rest from running, and says so.
    edit(&hello.project.join("hello.txt"), "Hello", "Bye");
    let run = hello.run(&["verify", "--keep-going"]);
    run.expect(1).says("hello-py/test:unit    not run: it needs ").says("PASS  lint:policy");
}

/// The plan's digest is the same wherever the same would run, and `verify` prints it.
#[test]
fn the_digest_is_the_same_everywhere() {
    let mut digests = Vec::new();
    for engine in Engine::ALL {
        let hello = Hello::both(engine);
        let plan = hello.spec(&["plan", "--json"]).run();
        let json: serde_json::Value = serde_json::from_str(&plan.expect(0).stdout).expect("JSON");
        digests.push(json["digest"].as_str().expect("a digest").to_owned());
        digests.push(hello.run(&["verify", "-j1"]).expect(0).digest().to_owned());
        digests.push(hello.spec(&["verify", "--profile", "host"]).run().expect(0).digest().to_owned());
    }
    digests.dedup();
    let [digest] = &digests[..] else { panic!("{digests:?}") };
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    // And another where something else would run.
    let hello = Hello::both(Engine::Docker);
    append(&hello.project.join("devflow.toml"), "[commands.\"hello-py/test:unit\"]\nenv = { A = \"1\" }\n");
    assert_ne!(hello.run(&["verify"]).expect(0).digest(), digest);
}

#[test]
fn an_author_names_the_file() {
    let hello = Hello::new(Engine::Docker, &format!("{IMAGE}[project]\nstack = [\"hello-own\"]\n"));
    let text = example("devflow-ext-hello-py").replace("\"hello-py\"", "\"hello-own\"");
    let path = hello.sandbox.program("elsewhere/work-in-progress.py", &text);
    hello.run(&["verify"]).expect(2).says("no extension `hello-own` was found");
    let spec = hello.spec(&["verify", "--engine", "docker"]);
    spec.env("DWF_EXT_HELLO_OWN", &path.to_string_lossy()).run().expect(0).says("2 passed");
}

/// An extension that came with the project starts after consent, which ends with the next change.
#[test]
fn an_extension_of_the_project_needs_consent() {
    let config = format!(
        "{IMAGE}[project]\nstack = [\"hello-own\"]\n[extensions.hello-own]\npath = \"tools/hello\"\n\
         config = {{ more = [\"other.txt\", \"$5\"] }}\n"
    );
    let hello = Hello::new(Engine::Docker, &config);
    hello.without_jail();
    let marker = hello.sandbox.path().join("started");
    let text = example("devflow-ext-hello-py")
        .replace("\"hello-py\"", "\"hello-own\"")
        .replace(
            "import json",
            &format!("import json\nopen({:?}, 'w')\nimport json", marker.display().to_string()),
        )
        .replace("params.get(\"args\", [])", "params[\"config\"][\"more\"]");
    let tool = hello.sandbox.program("project/tools/hello", &text);
    let refused = || {
        let run = hello.run(&["verify"]);
        run.expect(3).says("nobody outside it has agreed to start it").says("dwf trust");
        assert!(!marker.exists(), "it was started");
    };
    refused();
    hello.spec(&["trust"]).run().expect(0).says("tools/hello");
    // Its configuration reaches it as it is.
    hello
        .run(&["verify", "--keep-going"])
        .expect(1)
        .says("cat: other.txt: No such file")
        .says("cat: '$5': No such file");
    std::fs::remove_file(&marker).expect("it was started");

    append(&tool, "# edited\n");
    refused();
    hello.spec(&["trust"]).run().expect(0);
    // Another checkout was never agreed to.
    let copy = hello.sandbox.path().join("copy");
    let words = ["-R", "project", "copy"];
    Spec::new("cp").args(words).cwd(hello.sandbox.path()).run().expect(0);
    hello.spec(&["-C", &copy.to_string_lossy(), "verify"]).run().expect(3);
    assert!(!marker.exists(), "it was started");
}

/// What is on `PATH` is not started because it is there.
#[test]
fn nobody_starts_what_was_not_named() {
    let hello = Hello::both(Engine::Docker);
    hello.without_jail();
    let marker = hello.sandbox.path().join("started");
    let text = format!("#!/bin/sh\ntouch '{}'\nexec sleep 100\n", marker.display());
    for name in ["devflow-ext-other", "devflow-ext-rust-more"] {
        hello.sandbox.program(&format!("ext/{name}"), &text);
    }
    hello.run(&["verify"]).expect(0);
    hello.spec(&["ext", "list"]).run().expect(0);
    hello.spec(&["plan"]).run().expect(0);
    std::fs::remove_file(hello.project.join("devflow.toml")).expect("devflow.toml");
    hello.run(&["verify"]).expect(2);
    assert!(!marker.exists(), "it was started");
}

#[test]
fn the_host_profile_needs_consent() {
    let own = "[commands.\"test:unit\"]\nrun = [\"touch\", \"../ran\"]\n[project]\nstack = []\n[runtime]\nprofile = ";
    let hello = Hello::new(Engine::Docker, &format!("{own}\"host\"\n"));
    let ran = hello.sandbox.path().join("ran");
    // A `PATH` with the one program that is needed, and no engine.
    let bare = hello.sandbox.path().join("bare");
    std::fs::create_dir(&bare).expect("a folder");
    std::os::unix::fs::symlink("/usr/bin/touch", bare.join("touch")).expect("a link");
    let verify = |words: &[&str]| hello.spec(&[&["run", "test:unit"], words].concat());
    let took_place = || std::fs::remove_file(&ran).is_ok();

    verify(&[]).run().expect(3).says("asks to run on the host").says("--profile host").says("dwf trust");
    assert!(!took_place());
    verify(&["--profile", "host"]).run().expect(0);
    assert!(took_place());
    hello.spec(&["trust"]).run().expect(0).says("its profile may be host");
    verify(&[]).run().expect(0).says("host       linux");
    assert!(took_place());
    append(&hello.project.join("devflow.toml"), "# edited\n");
    verify(&[]).run().expect(3);
    assert!(!took_place());
    // The user's own configuration is consent too.
    let user = hello.sandbox.write("home/.config/devflow/config.toml", "[runtime]\nprofile = \"host\"\n");
    verify(&[]).run().expect(0);
    assert!(took_place());
    std::fs::remove_file(user).expect("the user's file");

    // `auto` that would end on the host; in CI it never does.
    hello.config(&format!("{own}\"auto\"\n"));
    let alone = |words: &[&str]| verify(words).env("PATH", &bare.to_string_lossy());
    alone(&[]).run().expect(3);
    assert!(!took_place());
    alone(&["--profile", "auto"]).run().expect(0).says("no container engine answers");
    assert!(took_place());
    alone(&["--profile", "auto"]).env("CI", "true").run().expect(5);
    assert!(!took_place());
}

/// Without a devflow.toml dwf works from what its own extensions find.
#[test]
fn without_a_configuration() {
    let sandbox = Sandbox::new(Engine::Docker);
    for (sample, passed) in [("mixed", 14), ("rust", 5), ("node", 5), ("python", 5)] {
        // The directory's name is the project's, and so its image's.
        let project = sandbox.project(sample, &format!("sample-{sample}"));
        std::fs::remove_file(project.join("devflow.toml")).expect("devflow.toml");
        let run = sandbox.dwf(&project, ["verify", "--engine", "docker"]).run();
        run.expect(0).says(&format!("{passed} passed, 0 failed"));
    }
    let nothing = sandbox.write("nothing/readme.txt", "").parent().map(Path::to_owned).expect("a folder");
    sandbox.dwf(&nothing, ["verify"]).run().expect(2);
}
