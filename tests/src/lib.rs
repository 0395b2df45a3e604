//! What the end-to-end tests share: real engines, private homes, true projects.
//!
//! Invariant: a test that cannot have what it needs fails and says what to run; none is skipped.

mod engine;
mod run;
mod sandbox;

pub use engine::Engine;
pub use run::{Run, Spec, Started};
pub use sandbox::Sandbox;

use std::path::{Path, PathBuf};

/// The repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map(Path::to_owned).unwrap_or_default()
}

/// The folder of the release build that `.ci/build` made: dwf, its extensions and its runner.
#[expect(clippy::disallowed_methods, reason = "the only place where tests ask for the build folder")]
pub fn build() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    repository().join(target.unwrap_or_else(|| "target".into())).join("release")
}
