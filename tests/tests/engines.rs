//! Engines and images that are not there, do not answer, or die.

use devflow_tests::{Engine, Run, Sandbox};

const CONFIG: &str = "[project]\nname = \"p\"\nstack = []\n[targets]\npr = [\"x:one\"]\n[commands.\"x:one\"]\nrun = [\"sh\", \"-c\", \"touch ready; sleep 600\"]\n";

fn project(sandbox: &Sandbox, container: &str) -> std::path::PathBuf {
    sandbox.write("p/devflow.toml", &format!("{CONFIG}[container]\n{container}\n"));
    sandbox.path().join("p")
}

fn verify(sandbox: &Sandbox, container: &str, args: &[&str]) -> Run {
    let project = project(sandbox, container);
    sandbox.dwf(&project, ["verify"].iter().chain(args).copied()).run()
}

#[test]
fn an_engine_that_was_named_and_is_missing() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox, "");
    let empty = sandbox.path().join("home").to_string_lossy().into_owned();
    for engine in ["docker", "podman"] {
        let run = sandbox.dwf(&project, ["verify", "--engine", engine]).env("PATH", &empty).run();
        run.expect(5).says(&format!("{engine} was asked for, and no `{engine}` is on PATH"));
    }
    let run = sandbox.dwf(&project, ["verify"]).env("PATH", &empty).run();
    run.expect(5).says("no container engine answers\n  docker is not installed\n  podman is not installed");
    // `auto` never falls to the host where it was not asked for, and in CI not even then.
    let run =
        sandbox.dwf(&project, ["verify", "--profile", "auto"]).env("PATH", &empty).env("CI", "true").run();
    run.expect(5);
    assert!(!project.join("ready").exists());
}

#[test]
fn an_engine_that_answers_nonsense_or_nothing() {
    let sandbox = Sandbox::without_engine();
    for (script, text) in [
        ("echo 'Welcome!'", "docker does not answer"),
        ("echo 'no permission for the socket' >&2; exit 1", "no permission for the socket"),
        ("sleep 600", "it did not answer within 10 s"),
    ] {
        sandbox.program("fake/docker", &format!("#!/bin/sh\n{script}\n"));
        let project = project(&sandbox, "");
        let path = format!("{}:/usr/bin:/bin", sandbox.path().join("fake").display());
        let run = sandbox.dwf(&project, ["verify", "--engine", "docker"]).env("PATH", &path).run();
        run.expect(5).says(text);
    }
}

/// An engine of the project's own is no engine: it would run on the host without consent.
#[test]
fn an_engine_that_came_with_the_project() {
    let sandbox = Sandbox::without_engine();
    let project = project(&sandbox, "");
    sandbox.program("p/tools/docker", "#!/bin/sh\ntouch planted\n");
    let path = project.join("tools").to_string_lossy().into_owned();
    let run = sandbox.dwf(&project, ["verify", "--engine", "docker"]).env("PATH", &path).run();
    run.expect(5).says("no `docker` is on PATH");
    assert!(!project.join("planted").exists());
}

#[test]
fn images_that_cannot_be_had() {
    for engine in Engine::ALL {
        let sandbox = Sandbox::new(engine);
        let args = ["--engine", engine.name()];
        let run = verify(&sandbox, "", &args);
        run.expect(5).says("cannot be had").says("there is no Dockerfile.devflow to build it from");
        let run = verify(&sandbox, "image = \"127.0.0.1:1/no/such:thing\"", &args);
        run.expect(5).says("it could not be pulled: ").says("127.0.0.1:1/no/such:thing");
        verify(&sandbox, "image = \"Not An Image\"", &args).expect(2).says("is not the name of an image");
        sandbox.write("p/Dockerfile.devflow", "FROM debian:bookworm-slim\nRUN echo the reason >&2; exit 3\n");
        let run = verify(&sandbox, "", &args);
        run.expect(5).says("could not be built from Dockerfile.devflow").says("the reason");
    }
}

/// A container that is ended from outside while its action runs: never green, and nothing left.
#[test]
fn a_container_that_dies() {
    for engine in [Engine::Docker, Engine::Podman] {
        let sandbox = Sandbox::new(engine);
        let project = project(&sandbox, "image = \"docker.io/library/debian:bookworm-slim\"");
        let spec =
            sandbox.dwf(&project, ["verify", "--engine", engine.name()]).env("RUST_LOG", "devflow=debug");
        let before = engine.containers();
        let started = spec.start();
        while !project.join("ready").exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let label = format!(":{}:", started.child.id());
        let name = engine.containers().into_iter().filter(|name| !before.contains(name)).find(|name| {
            let format = "{{index .Config.Labels \"dwf.owner\"}}";
            engine.client().args(["inspect", "--format", format, name]).run().stdout.contains(&label)
        });
        let name = name.expect("the run's container");
        engine.client().args(["kill", &name]).run().expect(0);
        let run = started.wait();
        run.expect(5).says("the container ended before its actions did").says("its session was lost");
        assert!(!engine.containers().contains(&name), "{run}");
    }
}

/// What a repository brings must not make dwf mount or write what is outside of it.
#[test]
fn mounts_stay_inside() {
    let engine = Engine::Docker;
    let sandbox = Sandbox::new(engine);
    let image = "image = \"docker.io/library/debian:bookworm-slim\"";
    sandbox.write("outside/secret", "x");
    let project = project(&sandbox, image);
    let link = |name: &str| std::os::unix::fs::symlink(sandbox.path().join("outside"), project.join(name));
    link("data").expect("a link");
    let args = ["--engine", "docker"];
    let mounts = format!("{image}\nmounts = [{{ source = \"data\", target = \"/data\" }}]");
    verify(&sandbox, &mounts, &args)
        .expect(3)
        .says("devflow.toml:10:")
        .says("in neither the project nor the cache");
    verify(&sandbox, &format!("{image}\n[cache]\nroot = \"/etc\""), &args)
        .expect(2)
        .says("the cache root is a folder inside the project");
    link("cache").expect("a link");
    let run = sandbox.dwf(&project, ["verify", "--engine", "docker"]);
    sandbox.write("p/devflow.toml", &format!("{CONFIG}[container]\n{image}\n[cache]\nroot = \"cache\"\n"));
    run.without_env("DWF_CACHE_ROOT").run().expect(3).says("is a link");
}
