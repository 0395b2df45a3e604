//! One project, every engine.

use devflow_tests::{Engine, Sandbox};

fn verify(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let project = sandbox.project("rust", "rust");
    let run = sandbox.dwf(&project, ["verify", "--engine", engine.name()]).run();
    run.expect(0).says("5 passed, 0 failed");
    println!("{run}");
}

#[test]
fn docker() {
    verify(Engine::Docker);
}

#[test]
fn podman() {
    verify(Engine::Podman);
}

#[test]
fn rootless() {
    verify(Engine::Rootless);
}
