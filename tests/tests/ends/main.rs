//! However dwf ends, and whenever: the right exit code, and nothing left.
//!
//! Each engine is one test: a signal in every phase of a run. `DWF_ROUNDS=100` makes it a hundred rounds for each phase and
//! signal, in place of one signal for each phase; `DWF_SEED` repeats the delays of a run that was printed. The long form needs
//! a profile without a limit: `DWF_ROUNDS=100 cargo nextest run -P long -p devflow-tests --test ends --success-output final`.

mod left;
mod rounds;

use devflow_tests::Engine;

#[test]
fn docker() {
    rounds::all(Engine::Docker);
}

#[test]
fn podman() {
    rounds::all(Engine::Podman);
}

#[test]
fn rootless() {
    rounds::all(Engine::Rootless);
}
