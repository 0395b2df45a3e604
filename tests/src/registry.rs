//! A real image registry on this machine.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Engine, Sandbox, Spec, Started};

/// A registry that runs until the test ends; then the images that are named after it go from the engines, too.
#[derive(Debug)]
pub struct Registry {
    address: String,
    folder: PathBuf,
    config: PathBuf,
    running: Option<Started>,
}

/// A port of this machine that nobody listens to.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

impl Registry {
    /// Starts one that keeps its data in a folder of the sandbox; `more` is YAML for its configuration.
    pub fn start(sandbox: &Sandbox, more: &str) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let name = format!("registry-{}", address.replace([':', '/'], "-"));
        let folder = sandbox.path().join(&name).join("data");
        let yaml = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n{more}",
            folder.display()
        );
        let yaml = sandbox.write(&format!("{name}/config.yml"), &yaml);
        let server = Spec::new("docker-registry").args(["serve", &yaml.to_string_lossy()]);
        let running = Some(server.start());
        let config = trust(sandbox, &address);
        let begun = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "the registry does not start; run .ci/engines"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { address, folder, config, running }
    }

    /// Where nobody answers: the name of a registry, without one.
    pub fn absent(sandbox: &Sandbox) -> Self {
        Self::elsewhere(sandbox, &format!("127.0.0.1:{}", free_port()))
    }

    /// None at all: names that only an engine knows.
    pub fn none(sandbox: &Sandbox) -> Self {
        Self::elsewhere(sandbox, &format!("localhost/dwf-tests-{}", free_port()))
    }

    /// A registry that the test itself plays at this address.
    pub fn elsewhere(sandbox: &Sandbox, address: &str) -> Self {
        let config = trust(sandbox, address);
        Self { address: address.to_owned(), folder: PathBuf::new(), config, running: None }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it keeps everything, by the layout of its file system driver.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets a client believe it though it does not speak TLS; Docker always does on this machine.
    pub fn trusted(&self, spec: Spec) -> Spec {
        spec.env("CONTAINERS_REGISTRIES_CONF", &self.config.to_string_lossy())
    }

    /// The tags of a repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let tags =
            self.folder.join("docker/registry/v2/repositories").join(repository).join("_manifests/tags");
        let entries = std::fs::read_dir(tags).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// Podman's list of registries, with this one.
fn trust(sandbox: &Sandbox, address: &str) -> PathBuf {
    let text = format!("[[registry]]\nlocation = \"{address}\"\ninsecure = true\n");
    sandbox.write(&format!("registries-{}.conf", address.replace([':', '/'], "-")), &text)
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let pid = i32::try_from(running.child.id()).expect("a process id");
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            let _ = running.child.wait();
        }
        for engine in [Engine::Docker, Engine::Podman] {
            let list = engine.client().args(["images", "--format", "{{.Repository}}:{{.Tag}}"]).run();
            let ours =
                |name: &&str| name.starts_with(&format!("{}/", self.address)) && !name.ends_with(":<none>");
            let names: Vec<&str> = list.stdout.lines().filter(ours).collect();
            if !names.is_empty() {
                engine.client().args(["rmi", "--force"]).args(names).run();
            }
        }
    }
}
