//! Container and host share downloads, and nothing else: not what a hostile project leaves behind.

use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Run, Sandbox, Spec, append, edit, repository};

/// A run on the host without any network, not even loopback.
fn on_host(sandbox: &Sandbox, project: &Path, words: &[&str]) -> Run {
    let words = words.iter().copied().chain(["--profile", "host"]);
    sandbox.dwf(project, words).under(["unshare", "-n"]).run()
}

/// Takes the large tools away that tests do not need.
fn slim(project: &Path) {
    let path = project.join("requirements-dev.txt");
    let text = std::fs::read_to_string(&path).expect("the requirements");
    let large = ["mypy", "ruff", "librt", "ast-serialize", "pathspec", "typing-extensions"];
    let kept = text.lines().filter(|line| !large.iter().any(|name| line.starts_with(name)));
    std::fs::write(path, kept.collect::<Vec<_>>().join("\n") + "\n").expect("the requirements");
}

/// The host downloads, the container has no network.
fn host_then_container(engine: Engine, sample: &str) {
    let sandbox = Sandbox::new(engine);
    let project = sandbox.project(sample, "project");
    if sample == "python" {
        slim(&project);
    }
    sandbox.dwf(&project, ["run", "setup:deps", "--profile", "host"]).run().expect(0);
    append(&project.join("devflow.toml"), "\n[container]\nnetwork = \"off\"\n");
    let words = ["run", "test:unit", "build:debug", "--engine", engine.name()];
    sandbox.dwf(&project, words).run().expect(0).says("PASS");
}

#[test]
fn a_container_finds_what_the_host_downloaded_rust() {
    host_then_container(Engine::Podman, "rust");
}

#[test]
fn a_container_finds_what_the_host_downloaded_node() {
    host_then_container(Engine::Docker, "node");
}

#[test]
fn a_container_finds_what_the_host_downloaded_python() {
    host_then_container(Engine::Docker, "python");
}

/// A project whose own code, in the container, plants whatever it can; then the host, offline.
struct Plot {
    sandbox: Sandbox,
    project: PathBuf,
    marker: PathBuf,
}

impl Plot {
    fn new(engine: Engine, sample: &str) -> Self {
        let sandbox = Sandbox::new(engine);
        let project = sandbox.project(sample, "project");
        let marker = sandbox.path().join("marker");
        // That of a fresh user: nothing is there yet that a plant would have to replace.
        let script = repository().join("tests/fixtures/plant.sh");
        std::fs::copy(script, project.join("plant.sh")).expect("a copy");
        Self { sandbox, project, marker }
    }

    /// What the project's code runs, as a list of words in double quotes.
    fn words(&self) -> String {
        format!("\"sh\", \"plant.sh\", \"{}\"", self.marker.display())
    }

    fn run(&self, command: &str) -> Run {
        let engine = self.sandbox.engine().name();
        self.sandbox.dwf(&self.project, ["run", command, "--engine", engine]).run()
    }

    /// Runs the project's code in the container, and then once more what fetches: with everything
    /// in place that was planted.
    fn carry_out(&self) {
        // Whether the test passes is the plotters' problem.
        let run = self.run("test:unit");
        assert!(!self.planted(&self.sandbox.cache()).is_empty(), "nothing was planted at all:\n{run}");
        self.expect_none();
        self.run("setup:deps");
        self.expect_none();
    }

    /// Build products are the container's alone, nobody else looks at them; all others are clean.
    fn expect_none(&self) {
        let env = self.sandbox.cache().join("env");
        let mut found = self.planted(self.sandbox.path());
        found.retain(|path| !Path::new(path).starts_with(&env) && !path.ends_with("/plant.sh"));
        assert_eq!(found, [] as [&str; 0], "planted where others look");
        assert!(!self.marker.exists(), "it ran on the host");
    }

    /// Files that were planted or spoilt.
    fn planted(&self, place: &Path) -> Vec<String> {
        let place = place.to_string_lossy();
        let named = Spec::new("find").args([&place, "-name", "*PLANTED*"]).run();
        let spoilt = Spec::new("grep").args(["-rlsI", "PLANTED", &place]).run();
        let lines = named.stdout.lines().chain(spoilt.stdout.lines());
        lines.map(str::to_owned).collect()
    }

    /// The host's own run, which must do its work without the network and without what was planted.
    fn expect_host(&self, words: &[&str]) {
        on_host(&self.sandbox, &self.project, words).expect(0).says("PASS");
        self.expect_none();
        let home = std::fs::read_dir(self.sandbox.path().join("home")).expect("the home");
        let names: Vec<_> = home.flatten().map(|entry| entry.file_name()).collect();
        // pip asks for the version of a Rust compiler, and rustup makes its folder to answer.
        let known = ["state", ".npm", ".rustup"];
        assert!(names.iter().all(|name| known.iter().any(|known| name == known)), "{names:?}");
    }
}

#[test]
fn nothing_planted_reaches_the_host_rust() {
    let plot = Plot::new(Engine::Docker, "rust");
    let words = plot.words();
    let build = format!(
        "//! Runs on every build.\n\nfn main() {{\n    let [sh, rest @ ..] = [{words}];\n    \
         std::process::Command::new(sh).args(rest).status().unwrap();\n}}\n"
    );
    std::fs::write(plot.project.join("build.rs"), build).expect("a build script");
    plot.carry_out();
    plot.expect_host(&["verify"]);
}

#[test]
fn nothing_planted_reaches_the_host_node() {
    let plot = Plot::new(Engine::Podman, "node");
    let test = format!("\"test\": \"sh plant.sh '{}'; ", plot.marker.display());
    edit(&plot.project.join("package.json"), "\"test\": \"", &test);
    plot.carry_out();
    plot.expect_host(&["verify"]);
}

#[test]
fn nothing_planted_reaches_the_host_python() {
    let plot = Plot::new(Engine::Docker, "python");
    slim(&plot.project);
    let words = plot.words();
    let test = format!("import subprocess\n\n\ndef test_plant() -> None:\n    subprocess.run([{words}])\n");
    std::fs::write(plot.project.join("tests/test_plant.py"), test).expect("a test");
    plot.carry_out();
    plot.expect_host(&["run", "test:unit"]);
}

/// Cargo's configuration in a project may name programs; fetching, which may write downloads, must
/// not start them.
#[test]
fn fetching_starts_no_program_of_the_project_rust() {
    let plot = Plot::new(Engine::Docker, "rust");
    let program = "#!/bin/sh\nsh plant.sh x >/dev/null 2>&1\nexec rustc \"$@\"\n";
    plot.sandbox.program("project/rustc.sh", program);
    let library = "#include <stdlib.h>\n__attribute__((constructor)) static void f(void) {\n\
                   unsetenv(\"LD_PRELOAD\"); system(\"sh /workspace/plant.sh x >/dev/null 2>&1\"); }\n";
    let source = plot.sandbox.write("preload.c", library);
    let object = plot.project.join("preload.so");
    let paths = [&object, &source].map(|path| path.to_string_lossy().into_owned());
    Spec::new("cc").args(["-shared", "-fPIC", "-o"]).args(paths).run().expect(0);
    for config in [
        "[build]\nrustc = \"./rustc.sh\"\n",
        "[build]\nrustc-wrapper = \"./rustc.sh\"\n",
        "[build]\nrustc-workspace-wrapper = \"./rustc.sh\"\n",
        "[env]\nLD_PRELOAD = { value = \"preload.so\", relative = true, force = true }\n",
    ] {
        plot.sandbox.write("project/.cargo/config.toml", config);
        let run = plot.run("setup:deps");
        if config.starts_with("[build]") {
            run.expect(0);
        }
        plot.expect_none();
    }
}

/// Python finds modules in the working directory before its own.
#[test]
fn fetching_starts_no_program_of_the_project_python() {
    let plot = Plot::new(Engine::Docker, "python");
    slim(&plot.project);
    for module in ["argparse", "json", "pip", "venv", "tempfile"] {
        let text = "import os\n\nos.system('sh /workspace/plant.sh x')\n";
        plot.sandbox.write(&format!("project/{module}.py"), text);
    }
    plot.run("setup:deps").expect(0);
    plot.expect_none();
}

/// On the host a user's own configuration of Cargo counts, and his credentials are found; in the
/// container neither is there.
#[test]
fn a_users_own_cargo_home_is_seen_on_the_host_alone() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = sandbox.project("rust", "project");
    sandbox.write("home/.cargo/config.toml", "[env]\nFROM_USER = \"mine\"\n");
    sandbox.write("home/.cargo/credentials.toml", "[registry]\ntoken = \"s3cret\"\n");
    let test = r#"
        #[test]
        fn a_look_around() {
            let home = std::env::var("CARGO_HOME").unwrap();
            let read = |name| std::fs::read_to_string(format!("{home}/{name}")).unwrap_or_default();
            let seen = format!("{:?} {:?}", option_env!("FROM_USER"), read("credentials.toml"));
            std::fs::write("seen", seen).unwrap();
        }
    "#;
    append(&project.join("src/main.rs"), test);
    let seen = || std::fs::read_to_string(project.join("seen")).expect("what was seen");

    sandbox.dwf(&project, ["run", "test:unit", "--engine", "docker"]).run().expect(0);
    assert_eq!(seen(), r#"None """#);
    on_host(&sandbox, &project, &["run", "test:unit"]).expect(0);
    assert_eq!(seen(), r#"Some("mine") "[registry]\ntoken = \"s3cret\"\n""#);

    // The same for a home that the user put elsewhere.
    let own = sandbox.path().join("home/elsewhere");
    std::fs::rename(sandbox.path().join("home/.cargo"), &own).expect("another place");
    edit(&own.join("config.toml"), "mine", "moved");
    let words = ["run", "test:unit", "--profile", "host"];
    sandbox.dwf(&project, words).env("CARGO_HOME", &own.to_string_lossy()).run().expect(0);
    assert_eq!(seen(), r#"Some("moved") "[registry]\ntoken = \"s3cret\"\n""#);
}
