//! `dwf image refresh` against a real registry: the digest of the index, moved there and back, and errors that change
//! nothing.

use std::fs;
use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Registry, Run, Sandbox, Spec};
use serde_json::{Value, json};

/// Anything else would be read as a form.
const BYTES: &str = "Content-Type: application/octet-stream";

/// What a registry is told without any engine.
struct Uploads(Registry);

impl Uploads {
    fn curl(&self, args: &[&str], path: &str) -> Run {
        let address = format!("http://{}/v2/{path}", self.0.address());
        let run = Spec::new("curl")
            .args(["--silent", "--show-error", "--fail", "--dump-header", "-"])
            .args(args.iter().copied())
            .args([address])
            .run();
        run.expect(0);
        run
    }

    /// Stores bytes; gives what a manifest says of them.
    fn blob(&self, file: &Path, kind: &str) -> Value {
        let digest = digest(file);
        let begun = self.curl(&["--request", "POST", "--data", ""], "debian/blobs/uploads/");
        let place =
            begun.stdout.lines().find_map(|line| line.strip_prefix("Location: ")).expect("a place").trim();
        let (_, place) = place.split_once("/v2/").expect("a path");
        let data = format!("@{}", file.display());
        self.curl(
            &["--request", "PUT", "--header", BYTES, "--data-binary", &data],
            &format!("{place}&digest={digest}"),
        );
        json!({ "mediaType": kind, "digest": digest, "size": file.metadata().expect("it").len() })
    }

    /// Names a manifest; gives what an index says of it.
    fn manifest(&self, sandbox: &Sandbox, name: &str, manifest: &Value) -> Value {
        let kind = manifest["mediaType"].as_str().expect("its type");
        let file = sandbox.write(&format!("{name}.json"), &manifest.to_string());
        let (header, data) = (format!("Content-Type: {kind}"), format!("@{}", file.display()));
        self.curl(
            &["--request", "PUT", "--header", &header, "--data-binary", &data],
            &format!("debian/manifests/{name}"),
        );
        json!({ "mediaType": kind, "digest": digest(&file), "size": file.metadata().expect("it").len() })
    }

    /// An image for one platform, with a content of its own.
    fn image(&self, sandbox: &Sandbox, arch: &str) -> Value {
        let unique = format!("{arch} {}", sandbox.path().display());
        sandbox.write(&format!("{arch}/content"), &unique);
        let folder = sandbox.path().join(arch);
        let pack = "tar -cf layer.tar content && gzip --keep layer.tar";
        Spec::new("sh").args(["-c", pack]).cwd(&folder).run().expect(0);
        let layers = json!({ "type": "layers", "diff_ids": [digest(&folder.join("layer.tar"))] });
        let config = json!({ "architecture": arch, "os": "linux", "config": {}, "rootfs": layers });
        let config = sandbox.write(&format!("{arch}/config.json"), &config.to_string());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": self.blob(&config, "application/vnd.docker.container.image.v1+json"),
            "layers": [self.blob(&folder.join("layer.tar.gz"), "application/vnd.docker.image.rootfs.diff.tar.gzip")],
        });
        let mut part = self.manifest(sandbox, arch, &manifest);
        part["platform"] = json!({ "os": "linux", "architecture": arch });
        part
    }

    /// Lets `debian:1` be the index of these images; gives its digest.
    fn index(&self, sandbox: &Sandbox, parts: &[&Value]) -> String {
        let kind = "application/vnd.docker.distribution.manifest.list.v2+json";
        let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": parts });
        self.manifest(sandbox, "1", &index)["digest"].as_str().expect("a digest").to_owned()
    }
}

fn digest(file: &Path) -> String {
    let sum = Spec::new("sha256sum").args([file.to_string_lossy()]).run();
    format!("sha256:{}", sum.expect(0).stdout.split_whitespace().next().unwrap_or_default())
}

fn project(sandbox: &Sandbox, base: &str) -> PathBuf {
    let config = "[project]\nname = \"p\"\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n";
    sandbox.write("p/devflow.toml", &format!("{config}[image]\nbase = \"{base}\"\n"));
    sandbox.path().join("p")
}

fn refresh(sandbox: &Sandbox, registry: &Registry, project: &Path, more: &[&str]) -> Run {
    let args = ["image", "refresh", "--engine", sandbox.engine().name()];
    registry.trusted(sandbox.dwf(project, args.iter().chain(more).copied())).run()
}

fn the_pins_follow_the_registry(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let registry = Uploads(Registry::start(&sandbox, ""));
    let (amd, arm) = (registry.image(&sandbox, "amd64"), registry.image(&sandbox, "arm64"));
    let name = format!("{}/debian:1", registry.0.address());
    let project = project(&sandbox, &name);
    let lock = || fs::read_to_string(project.join("devflow.lock")).expect("a lock");

    let first = registry.index(&sandbox, &[&amd, &arm]);
    let run = refresh(&sandbox, &registry.0, &project, &[]);
    assert_eq!(run.expect(0).stdout, format!("{name}  not pinned → {first}\n"));
    assert!(lock().ends_with(&format!("[[image]]\nname = \"{name}\"\ndigest = \"{first}\"\n")), "{}", lock());
    let before = lock();
    let run = refresh(&sandbox, &registry.0, &project, &[]);
    assert_eq!(
        (run.expect(0).stdout.clone(), lock()),
        (format!("{name}  unchanged {first}\n"), before.clone())
    );

    // The part for this machine is the same, there and back.
    let second = registry.index(&sandbox, &[&arm, &amd]);
    for (from, to) in [(&first, &second), (&second, &first)] {
        if to == &first {
            registry.index(&sandbox, &[&amd, &arm]);
        }
        let run = refresh(&sandbox, &registry.0, &project, &[]);
        assert_eq!(run.expect(0).stdout, format!("{name}  {from} → {to}\n"));
        assert!(lock().contains(to) && !lock().contains(from), "{}", lock());
    }

    refresh(&sandbox, &registry.0, &project, &["--locked"]).expect(3).says("leaves devflow.lock as it is");
    let config = fs::read_to_string(project.join("devflow.toml")).expect("a configuration");
    sandbox.write("p/devflow.toml", &config.replace("debian:1", "debian:2"));
    let run = refresh(&sandbox, &registry.0, &project, &[]);
    run.expect(5)
        .says("/debian:2 stands for cannot be told")
        .says("manifest unknown")
        .says("hint: is the name right");
    assert_eq!(lock(), before);

    // Where the project has a Dockerfile, that is its own.
    let dockerfile = format!("FROM {name} AS a\nFROM {name}@{second}\nCOPY --from=a / /\n");
    sandbox.write("p/Dockerfile.devflow", &dockerfile);
    let run = refresh(&sandbox, &registry.0, &project, &[]);
    run.expect(0).says("Dockerfile.devflow is the project's own");
    assert_eq!(run.stdout, format!("{name}  not pinned → {name}@{first}\n{name}  {second} → {first}\n"));
    assert_eq!(lock(), before);
    engine.client().args(["rmi", "--force", &name]).run().expect(0);
}

#[test]
fn the_pins_follow_the_registry_docker() {
    the_pins_follow_the_registry(Engine::Docker);
}

#[test]
fn the_pins_follow_the_registry_podman() {
    the_pins_follow_the_registry(Engine::Podman);
}

#[test]
fn the_pins_follow_the_registry_rootless() {
    the_pins_follow_the_registry(Engine::Rootless);
}

#[test]
fn a_registry_that_does_not_answer() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = project(&sandbox, "127.0.0.1:1/debian:1");
    let registry = Registry::elsewhere(&sandbox, "127.0.0.1:1");
    refresh(&sandbox, &registry, &project, &[])
        .expect(5)
        .says("127.0.0.1:1/debian:1 stands for cannot be told")
        .says("connection refused");
    assert!(!project.join("devflow.lock").exists());
}
