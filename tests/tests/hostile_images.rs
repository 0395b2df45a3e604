//! Images that would change how actions run, or that they end: what they say is overridden, or refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_tests::{Engine, Run, Sandbox, Spec, repository};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What an action finds, one file each.
const LOOK: &str = "pwd >pwd; echo \"$HOME $USER\" >home; echo \"$LD_PRELOAD\" >preload; tr '\\0' ' ' </proc/1/cmdline >first; \
    grep -h CapEff /proc/self/status >power; awk '$5 ~ \"^/(workspace|run|home|data|deep)\" { print $5 }' /proc/self/mountinfo \
    >mounts";

/// Entrypoints and working directories that no step of a build could run with.
const WORST: &str = "ENTRYPOINT [\"/usr/bin/evil\"]\nWORKDIR /proc/self/fd/8\n";
/// An image that brings a tini.
const TINI: &str = "ENTRYPOINT [\"/usr/bin/tini\", \"--\", \"/usr/bin/evil\"]\n";
/// A volume whose place is a link to where the runner is.
const LINK: &str = "ENTRYPOINT []\nVOLUME /deep/er/down/run\n";
/// A volume that would hide a part of the project.
const BELOW: &str = "VOLUME /workspace/src\n";

/// Images that are gone after the test.
struct Images {
    engine: Engine,
    mark: String,
    made: Vec<String>,
}

impl Images {
    fn new(sandbox: &Sandbox) -> Self {
        let fixture = repository().join("tests/fixtures/hostile");
        for (program, words) in [("preload.so", &["-shared", "-fPIC"][..]), ("tini", &[])] {
            let source = fixture.join(Path::new(program).with_extension("c")).to_string_lossy().into_owned();
            let made = sandbox.write(&format!("image/{program}"), "").to_string_lossy().into_owned();
            let out = ["-o", made.as_str(), source.as_str()];
            Spec::new("cc").args(words.iter().copied()).args(out).run().expect(0);
        }
        for file in ["evil", "Dockerfile"] {
            let text = std::fs::read_to_string(fixture.join(file)).expect("a fixture");
            sandbox.write(&format!("image/{file}"), &text);
        }
        let engine = sandbox.engine();
        Self { engine, mark: format!("localhost/hostile-{}", std::process::id()), made: Vec::new() }
    }

    /// The fixture's image, with more behind it.
    fn build(&mut self, sandbox: &Sandbox, tag: &str, more: &str) -> String {
        let name = format!("{}:{tag}", self.mark);
        let text = std::fs::read_to_string(sandbox.path().join("image/Dockerfile")).expect("the fixture");
        let folder = sandbox.path().join("image").to_string_lossy().into_owned();
        let file =
            sandbox.write(&format!("image/Dockerfile-{tag}"), &(text + more)).to_string_lossy().into_owned();
        let format = if self.engine == Engine::Docker { "--quiet" } else { "--format=docker" };
        // With BuildKit, as Debian's own client has it.
        let client = self.engine.client().env("DOCKER_BUILDKIT", "1");
        let client = if self.engine == Engine::Docker { client.program("/usr/bin/docker") } else { client };
        client.args(["build", format, "--tag", &name, "--file", &file, &folder]).run().expect(0);
        self.made.push(name.clone());
        name
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        for name in &self.made {
            self.engine.client().args(["image", "rm", "--force", name]).run();
        }
    }
}

fn project(sandbox: &Sandbox, image: &str) -> PathBuf {
    let stubborn = "trap '' TERM; touch ready; while :; do sleep 1; done";
    let config = format!(
        "[project]\nstack = []\n[container]\nimage = \"{image}\"\n\
         [commands.\"x:look\"]\nrun = [\"sh\", \"-c\", '''{LOOK}''']\n\
         [commands.\"x:late\"]\nrun = [\"sh\", \"-c\", \"{stubborn}\"]\ntimeout = 1\n\
         [commands.\"x:stay\"]\nrun = [\"sh\", \"-c\", \"{stubborn}\"]\n"
    );
    sandbox.write("p/devflow.toml", &config);
    sandbox.path().join("p")
}

fn run(sandbox: &Sandbox, project: &Path, command: &str) -> Run {
    sandbox.dwf(project, ["run", command, "--engine", sandbox.engine().name()]).run()
}

#[test]
fn on_docker() {
    let (sandbox, mut images) = images(Engine::Docker);
    overridden(&sandbox, &mut images);
    // An empty folder is where the runner was.
    let project = project(&sandbox, &images.build(&sandbox, "link", LINK));
    let run = run(&sandbox, &project, "x:look");
    run.expect(5);
    assert!(!project.join("evil").exists(), "the image's own runner was started\n{run}");
}

#[test]
fn on_podman() {
    let (sandbox, mut images) = images(Engine::Podman);
    overridden(&sandbox, &mut images);
    // It can be told to make no volumes.
    let project = project(&sandbox, &images.build(&sandbox, "link", LINK));
    let run = run(&sandbox, &project, "x:look");
    run.expect(0).says("1 passed");
    assert!(!project.join("evil").exists(), "the image's own runner was started\n{run}");
}

fn images(engine: Engine) -> (Sandbox, Images) {
    let sandbox = Sandbox::new(engine);
    let images = Images::new(&sandbox);
    (sandbox, images)
}

/// What both engines do alike.
fn overridden(sandbox: &Sandbox, images: &mut Images) {
    for (tag, more, first) in
        [("worst", WORST, "/run/dwf-runner "), ("tini", TINI, "/usr/bin/tini -- /run/dwf-runner ")]
    {
        let project = project(sandbox, &images.build(sandbox, tag, more));
        let seen = |name: &str| std::fs::read_to_string(project.join(name)).unwrap_or_default();
        run(sandbox, &project, "x:look").expect(0).says("1 passed");
        assert!(seen("first").starts_with(first), "{}", seen("first"));
        assert_eq!((seen("pwd").as_str(), seen("home").as_str()), ("/workspace\n", "/home/dwf dwf\n"));
        assert_eq!(seen("power"), "CapEff:\t0000000000000000\n");
        // The image is the project's own: its actions have what it sets, and only they.
        assert_eq!(seen("preload"), "/preload.so\n");
        let loaded = seen("loaded");
        assert!(loaded.lines().count() > 1, "{loaded}");
        assert!(!loaded.contains("tini") && !loaded.contains("dwf"), "{loaded}");
        let mounts = seen("mounts");
        let placed = |place: &str| mounts.lines().filter(|line| *line == place).count();
        assert_eq!(
            [placed("/workspace"), placed("/home/dwf"), placed("/run/dwf-runner")],
            [1; 3],
            "{mounts}"
        );
        match tag {
            "tini" => stop(sandbox, &project),
            _ => {
                run(sandbox, &project, "x:late").expect(1).says("timed out");
            }
        }
        assert!(!project.join("evil").exists(), "something of the image was started");
    }
    let project = project(sandbox, &images.build(sandbox, "below", BELOW));
    let run = run(sandbox, &project, "x:look");
    run.expect(2).says("VOLUME at \"/workspace/src\", which would hide a part of /workspace");
}

/// A signal ends the run, and its container is gone.
fn stop(sandbox: &Sandbox, project: &Path) {
    let _ = std::fs::remove_file(project.join("ready"));
    let spec = sandbox.dwf(project, ["run", "x:stay", "--engine", sandbox.engine().name()]);
    let started = spec.env("RUST_LOG", "devflow=debug").start();
    while !project.join("ready").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(i32::try_from(started.child.id()).expect("a pid")), Signal::SIGTERM)
        .expect("a signal");
    let run = started.wait();
    run.expect(143);
    let name = run.stderr.split("--name=").nth(1).and_then(|rest| rest.split(' ').next()).expect("its name");
    assert!(!sandbox.engine().containers().contains(&name.to_owned()), "{run}");
}
