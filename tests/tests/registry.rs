//! Images that are shared through a real registry, and registries that fail.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use devflow_tests::{Engine, Registry, Run, Sandbox, Spec};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

const ENGINES: [Engine; 2] = [Engine::Docker, Engine::Podman];

/// A project whose image is in a repository of this registry.
fn project(sandbox: &Sandbox, name: &str, address: &str, dockerfile: &str) -> PathBuf {
    let config = format!(
        "[project]\nname = \"{name}\"\nstack = []\n[container]\nimage = \"{address}/tests/{name}\"\n\
         fingerprint_inputs = [\"some.lock\"]\n[commands.\"test:unit\"]\nrun = [\"cat\", \"/greeting\"]\n"
    );
    sandbox.write(&format!("{name}/devflow.toml"), &config);
    sandbox.write(&format!("{name}/some.lock"), "1\n");
    sandbox.write(&format!("{name}/greeting"), &format!("well met at {}\n", sandbox.path().display()));
    sandbox.write(&format!("{name}/Dockerfile.devflow"), dockerfile);
    sandbox.path().join(name)
}

const SMALL: &str = "FROM scratch\nCOPY greeting /greeting\n";

fn spec(sandbox: &Sandbox, registry: &Registry, root: &Path, engine: Engine, words: &[&str]) -> Spec {
    registry.trusted(sandbox.dwf(root, words.iter().copied()).args(["--engine", engine.name()]))
}

fn image(sandbox: &Sandbox, registry: &Registry, root: &Path, engine: Engine, word: &str) -> Run {
    spec(sandbox, registry, root, engine, &["image", word]).run()
}

/// The name and the id that `dwf image build` and `pull` print, or the digest of `push`.
fn told(run: &Run) -> (String, String) {
    let mut lines = run.expect(0).stdout.lines().map(str::to_owned);
    (lines.next().expect("a name"), lines.next().unwrap_or_else(|| panic!("no digest\n{run}")))
}

#[test]
fn one_engine_builds_and_the_other_pulls() {
    let sandbox = Sandbox::new(Engine::Docker);
    Engine::Podman.expect();
    let registry = Registry::start(&sandbox, "");
    let root =
        project(&sandbox, "shop", registry.address(), "FROM debian:bookworm-slim\nCOPY greeting /greeting\n");
    let fingerprint = sandbox.dwf(&root, ["fingerprint"]).run().expect(0).stdout.trim().to_owned();

    let built = image(&sandbox, &registry, &root, Engine::Docker, "build");
    let (name, id) = told(built.says("not pulled: the registry does not have it").says("building "));
    assert_eq!(name, format!("{}/tests/shop:{fingerprint}", registry.address()));
    let pushed = image(&sandbox, &registry, &root, Engine::Docker, "push");
    assert!(told(&pushed).1.starts_with("sha256:"), "{pushed}");
    assert_eq!(registry.tags("tests/shop"), [fingerprint]);

    let words = ["run", "-v", "test:unit"];
    let run = spec(&sandbox, &registry, &root, Engine::Podman, &words).env("RUST_LOG", "devflow=debug").run();
    run.expect(0).says("is not in podman\npulling ").says("well met");
    assert!(!run.stderr.contains("building"), "{run}");
    // The same bytes run there: what is started is named by the id that the other engine gave it.
    let started = run.stderr.lines().find(|line| line.contains(" run --rm ")).expect("a container");
    assert!(started.contains(&id), "{id} is not in {started}");
    let again = image(&sandbox, &registry, &root, Engine::Podman, "pull");
    assert_eq!(told(&again), (name, id));
}

#[test]
fn only_what_the_files_say_is_pushed() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::start(&sandbox, "");
    for engine in ENGINES {
        let root = project(&sandbox, engine.name(), registry.address(), SMALL);
        let repository = format!("tests/{}", engine.name());
        let run = |word: &str| image(&sandbox, &registry, &root, engine, word);
        run("push").expect(3).says("has no image of the project's files as they are").says("dwf image build");
        let (first, _) = told(&run("build"));
        sandbox.write(&format!("{}/greeting", engine.name()), "another\n");
        sandbox.write(&format!("{}/some.lock", engine.name()), "2\n");
        run("push").expect(3).says("has no image of the project's files as they are");
        // Somebody gives the old image the new name by hand.
        let name = sandbox.dwf(&root, ["fingerprint"]).run().expect(0).stdout.trim().to_owned();
        let name = format!("{}/{repository}:{name}", registry.address());
        engine.client().args(["tag", &first, &name]).run().expect(0);
        run("push").expect(3).says("it was not built by dwf from these files").says("--force");
        assert!(registry.tags(&repository).is_empty());
        spec(&sandbox, &registry, &root, engine, &["image", "build", "--force"]).run().expect(0);
        run("push").expect(0);
        assert_eq!(registry.tags(&repository).len(), 1);
    }
    let root = project(&sandbox, "local", "localhost", SMALL);
    image(&sandbox, &registry, &root, Engine::Docker, "push").expect(2).says("`image` in [container]");
    image(&sandbox, &registry, &root, Engine::Docker, "pull").expect(2).says("has no registry in its name");
}

/// `user` with the password `secret`.
const AUTHORIZATION: &str = "dXNlcjpzZWNyZXQ=";
const HTPASSWD: &str = "user:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

#[test]
fn credentials_are_the_engines_own() {
    let sandbox = Sandbox::new(Engine::Docker);
    let htpasswd = sandbox.write("htpasswd", HTPASSWD);
    let auth = format!("auth: {{htpasswd: {{realm: tests, path: {}}}}}\n", htpasswd.display());
    let registry = Registry::start(&sandbox, &auth);
    let roots = ENGINES.map(|engine| project(&sandbox, engine.name(), registry.address(), SMALL));
    for (engine, root) in ENGINES.iter().zip(&roots) {
        image(&sandbox, &registry, root, *engine, "pull")
            .expect(5)
            .says("the registry denies access")
            .says("login");
        image(&sandbox, &registry, root, *engine, "build")
            .expect(0)
            .says("not pulled: the registry denies access");
        image(&sandbox, &registry, root, *engine, "push")
            .expect(5)
            .says("could not be pushed: the registry denies");
        assert!(registry.tags(&format!("tests/{}", engine.name())).is_empty());
    }
    let auths = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{AUTHORIZATION}\"}}}}}}", registry.address());
    sandbox.write("home/.docker/config.json", &auths);
    for (engine, root) in ENGINES.iter().zip(&roots) {
        let pushed = spec(&sandbox, &registry, root, *engine, &["image", "push"])
            .env("RUST_LOG", "devflow=debug")
            .run();
        assert!(
            !pushed.expect(0).stderr.contains("secret") && !pushed.stderr.contains(AUTHORIZATION),
            "{pushed}"
        );
        image(&sandbox, &registry, root, *engine, "pull").expect(0);
    }
}

#[test]
fn nobody_answers() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::absent(&sandbox);
    for engine in ENGINES {
        let root = project(&sandbox, engine.name(), registry.address(), SMALL);
        let run = |word: &str| image(&sandbox, &registry, &root, engine, word);
        run("pull")
            .expect(5)
            .says("could not be pulled: the registry cannot be reached")
            .says("connection refused");
        run("build").expect(0).says("not pulled: the registry cannot be reached").says("building ");
        run("push").expect(5).says("could not be pushed: the registry cannot be reached");
    }
}

#[test]
fn a_registry_that_lies_is_not_believed() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::start(&sandbox, "");
    for (from, to) in [(Engine::Docker, Engine::Podman), (Engine::Podman, Engine::Docker)] {
        let root = project(&sandbox, from.name(), registry.address(), SMALL);
        sandbox.write(&format!("{}/greeting", from.name()), &format!("from {}\n", from.name()));
        let (name, _) = told(&image(&sandbox, &registry, &root, from, "build"));
        image(&sandbox, &registry, &root, from, "push").expect(0);
        damage(&registry.folder().join("docker/registry/v2/blobs"));
        let run = image(&sandbox, &registry, &root, to, "pull");
        run.expect(5).says("could not be pulled: the registry sends something else than the digest says");
        assert_ne!(to.client().args(["image", "inspect", &name]).run().code, 0, "it has a name");
    }
}

/// Changes a byte of every layer that a registry has.
fn damage(blobs: &Path) {
    let found = Spec::new("find").args([&blobs.to_string_lossy(), "-name", "data"]).run();
    let mut damaged = 0;
    for path in found.expect(0).stdout.lines() {
        let mut bytes = fs::read(path).expect("a blob");
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            fs::write(path, bytes).expect("a blob");
            damaged += 1;
        }
    }
    assert!(damaged > 0, "there is no layer");
}

#[test]
fn a_registry_that_stalls_is_left_at_a_signal() {
    let sandbox = Sandbox::new(Engine::Docker);
    for engine in ENGINES {
        // It takes connections and never says anything.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number").to_string();
        let registry = Registry::elsewhere(&sandbox, &address);
        let root = project(&sandbox, engine.name(), &address, SMALL);
        let started = spec(&sandbox, &registry, &root, engine, &["image", "build"]).start();
        let connection = listener.accept().expect("a connection");
        let begun = Instant::now();
        let group = Pid::from_raw(i32::try_from(started.child.id()).expect("a process id"));
        killpg(group, Signal::SIGINT).expect("a signal");
        started.wait().expect(130).says("interrupted by SIGINT");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        drop(connection);
        let list = engine.client().args(["images", "--format", "{{.Repository}}"]).run();
        assert!(!list.expect(0).stdout.contains(&address), "{list}");
    }
}

#[test]
fn a_registry_that_dies_in_a_push_has_nothing() {
    let sandbox = Sandbox::new(Engine::Podman);
    let registry = Registry::start(&sandbox, "");
    let proxy = mortal(registry.address(), 300 << 10);
    let front = Registry::elsewhere(&sandbox, &proxy);
    let root = project(&sandbox, "large", &proxy, "FROM scratch\nCOPY large /large\n");
    let noise = "head -c 2000000 /dev/urandom >large";
    Spec::new("sh").args(["-c", noise]).cwd(&root).run().expect(0);
    image(&sandbox, &front, &root, Engine::Podman, "build").expect(0);
    let run = image(&sandbox, &front, &root, Engine::Podman, "push");
    run.expect(5).says("could not be pushed: the registry cannot be reached");
    assert!(run.stdout.is_empty(), "{run}");
    assert!(registry.tags("tests/large").is_empty(), "something was named");
}

/// A way to a registry that closes for ever after so many bytes; gives its address.
fn mortal(to: &str, most: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number").to_string();
    let (to, passed) = (to.to_owned(), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if passed.load(Ordering::SeqCst) > most {
                return;
            }
            let server = TcpStream::connect(&to).expect("the registry");
            let back = (server.try_clone().expect("a clone"), client.try_clone().expect("a clone"));
            let passed = Arc::clone(&passed);
            std::thread::spawn(move || pass(client, server, &passed, most));
            std::thread::spawn(move || pass(back.0, back.1, &AtomicUsize::new(0), usize::MAX));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, passed: &AtomicUsize, most: usize) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let dead = passed.fetch_add(count, Ordering::SeqCst) + count > most;
        if dead || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
