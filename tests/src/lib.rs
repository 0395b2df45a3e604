//! What the end-to-end tests share: real engines, private homes, true projects.
//!
//! Invariant: a test that cannot have what it needs fails and says what to run; none is skipped.

mod engine;
mod median;
pub mod paced;
mod registry;
mod run;
mod sandbox;
mod server;

pub use engine::Engine;
pub use median::medians;
pub use registry::Registry;
pub use run::{Run, Spec, Started};
pub use sandbox::Sandbox;
pub use server::{Page, Server};

use std::path::{Path, PathBuf};

/// The repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map(Path::to_owned).unwrap_or_default()
}

/// How often something is done: as often as this variable of the environment says, for the long form of a test; else
/// `short` times.
#[expect(clippy::disallowed_methods, reason = "the only place where tests ask for their long form")]
pub fn long(variable: &str, short: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{variable}: {error}")),
        Err(_) => short,
    }
}

/// Replaces a text that a file has, once.
pub fn edit(path: &Path, old: &str, new: &str) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(text.contains(old), "{} has no {old:?}", path.display());
    std::fs::write(path, text.replacen(old, new, 1)).unwrap_or_else(|error| panic!("{error}"));
}

/// Adds to the end of a file.
pub fn append(path: &Path, more: &str) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::fs::write(path, text + more).unwrap_or_else(|error| panic!("{error}"));
}

/// Gives everything below a folder to a user and group.
pub fn give(path: &Path, (uid, gid): (u32, u32)) {
    let path = path.to_string_lossy();
    Spec::new("chown").args(["-R", &format!("{uid}:{gid}"), &path]).run().expect(0);
}

/// Whatever below a folder does not belong to this user and group.
pub fn foreign(path: &Path, (uid, gid): (u32, u32)) -> Vec<String> {
    let (uid, gid) = (uid.to_string(), gid.to_string());
    let words = ["(", "!", "-uid", &uid, "-o", "!", "-gid", &gid, ")", "-printf", "%U:%G %p\\n"];
    let run = Spec::new("find").args([path.to_string_lossy().as_ref()]).args(words).run();
    assert_eq!(run.code, 0, "{run}");
    run.stdout.lines().map(str::to_owned).collect()
}

/// The folder of the release build that `.ci/build` made: dwf, its extensions and its runner.
#[expect(clippy::disallowed_methods, reason = "the only place where tests ask for the build folder")]
pub fn build() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    repository().join(target.unwrap_or_else(|| "target".into())).join("release")
}
