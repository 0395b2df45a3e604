//! A private place for one test: projects, a home, a state, a cache root.

use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Engine, Spec, build, repository};

/// What dwf is installed from.
const PROGRAMS: &[&str] = &["dwf", "devflow-ext-rust", "devflow-ext-node", "devflow-ext-python"];

/// A folder that goes away with the test; everything in it belongs to the engine's user.
#[derive(Debug)]
pub struct Sandbox {
    dir: TempDir,
    engine: Engine,
}

impl Sandbox {
    /// An empty place for an engine's user; fails when the engine does not answer.
    pub fn new(engine: Engine) -> Self {
        engine.expect();
        Self::quiet(engine)
    }

    /// An empty place for a test that needs no engine.
    pub fn without_engine() -> Self {
        Self::quiet(Engine::Docker)
    }

    /// The same, of an ordinary user.
    pub fn of_an_ordinary_user() -> Self {
        Self::quiet(Engine::Rootless)
    }

    fn quiet(engine: Engine) -> Self {
        // Not /tmp: a tmpfs there would be another machine's normal, and its size another limit.
        let dir = tempfile::Builder::new().prefix("dwf-e2e-").tempdir_in("/var/tmp").expect("a folder");
        let sandbox = Self { dir, engine };
        std::fs::set_permissions(sandbox.path(), std::fs::Permissions::from_mode(0o755)).expect("its mode");
        for name in ["home", "bin", "cache"] {
            std::fs::create_dir(sandbox.path().join(name)).expect("a folder");
        }
        for program in PROGRAMS {
            sandbox.install(program);
        }
        sandbox.install(&format!("dwf-runner-linux-{}", std::env::consts::ARCH));
        sandbox.own(sandbox.path());
        sandbox
    }

    fn install(&self, program: &str) {
        let from = build().join(program);
        let to = self.path().join("bin").join(program);
        std::fs::copy(&from, &to)
            .unwrap_or_else(|error| panic!("{}: {error}: run .ci/build", from.display()));
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The installed dwf; its companions are beside it.
    pub fn dwf_path(&self) -> PathBuf {
        self.path().join("bin/dwf")
    }

    /// The cache root.
    pub fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    /// A copy of `tests/projects/<name>`, called `to`.
    pub fn project(&self, name: &str, to: &str) -> PathBuf {
        let to = self.path().join(to);
        copy(&repository().join("tests/projects").join(name), &to);
        self.own(&to);
        to
    }

    /// A file of the sandbox, with its folders; gives its path.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let to = self.path().join(path);
        std::fs::create_dir_all(to.parent().expect("a parent")).expect("its folder");
        std::fs::write(&to, text).expect("a file");
        let top = path.split('/').next().unwrap_or(path);
        self.own(&self.path().join(top));
        to
    }

    /// An executable file of the sandbox; gives its path.
    pub fn program(&self, path: &str, text: &str) -> PathBuf {
        let to = self.write(path, text);
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        to
    }

    /// `dwf ARGS…` in a folder, with a private home, state and cache root, as the engine's user.
    pub fn dwf<S: Into<String>>(&self, cwd: &Path, args: impl IntoIterator<Item = S>) -> Spec {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let private = self.path().join("home");
        let home = self.engine.home().unwrap_or_else(|| private.clone());
        let spec = Spec::new(text(self.dwf_path())).user(self.engine.user());
        let spec = match self.engine {
            Engine::Rootless => spec.env("XDG_RUNTIME_DIR", &format!("/run/user/{}", self.engine.user().0)),
            // The toolchain is the machine's, whatever the home is.
            _ => spec.env("RUSTUP_HOME", "/root/.rustup").env("PYENV_ROOT", "/root/.pyenv"),
        };
        spec.env("HOME", &text(home))
            .env("XDG_STATE_HOME", &text(private.join("state")))
            .env("DWF_CACHE_ROOT", &text(self.cache()))
            .cwd(cwd)
            .args(args)
    }

    /// A line as a person pastes it: the same as [`Sandbox::dwf`], with that dwf on `PATH`.
    pub fn shell(&self, cwd: &Path, line: &str) -> Spec {
        let spec = self.dwf(cwd, [] as [&str; 0]);
        let path = format!("{}:{}", self.path().join("bin").display(), spec.get_env("PATH"));
        spec.program("/bin/sh").args(["-c", line]).env("PATH", &path)
    }

    fn own(&self, path: &Path) {
        let (uid, gid) = self.engine.user();
        if (uid, gid) == (0, 0) {
            return;
        }
        lchown(path, Some(uid), Some(gid)).expect("an owner");
        if path.is_dir() && !path.is_symlink() {
            for entry in std::fs::read_dir(path).expect("a folder").flatten() {
                self.own(&entry.path());
            }
        }
    }
}

/// What a run leaves in a project, which git ignores.
const LEFT: &[&str] = &[".cache", ".venv", "dist", "node_modules", "target"];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in
        std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())).flatten()
    {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if LEFT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).expect("a copy");
        }
    }
}
