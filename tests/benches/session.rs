//! What a gate costs beside one plain container that does the same, a plan beside no program, and verified extensions
//! in a jail beside plain ones.
//!
//! Prints ratios of medians measured in one run, with the budget of each. Run it with
//! `.ci/build && cargo bench -p devflow-tests`.

use std::path::Path;

use devflow_tests::{Engine, Sandbox, Spec, medians};

const ROUNDS: usize = 15;
const IMAGE: &str = "docker.io/library/debian:bookworm-slim";

/// An extension of four trivial actions, as cheap as one can be.
fn extension(name: &str) -> String {
    format!(
        r#"#!/bin/sh
while IFS= read -r line; do
  id=${{line#*\"id\":\"}}; id=${{id%%\"*}}
  case $line in
    *'"initialize"'*) result='{{"protocol":1,"extension":{{"name":"{name}","version":"1"}}}}' ;;
    *'"project/describe"'*) result='{{"applies":true,"commands":[{{"name":"a:one"}},{{"name":"a:two"}},{{"name":"a:three"}},{{"name":"a:four"}}]}}' ;;
    *) result='{{"action":{{"steps":[{{"program":"true"}}]}}}}' ;;
  esac
  printf '{{"jsonrpc":"2.0","id":"%s","result":%s}}\n' "$id" "$result"
done
"#
    )
}

fn gate(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    for name in ["alpha", "beta"] {
        sandbox.program(&format!("found/devflow-ext-{name}"), &extension(name));
    }
    let targets = "pr = [\"a:one\", \"a:two\", \"a:three\", \"a:four\"]";
    let config = format!(
        "[project]\nname = \"p\"\nstack = [\"alpha\", \"beta\"]\n[container]\nimage = \"{IMAGE}\"\n[targets]\n{targets}\n"
    );
    sandbox.write("p/devflow.toml", &config);
    let spec = sandbox.dwf(&sandbox.path().join("p"), ["verify", "--force", "--engine", engine.name()]);
    let path = format!("{}:{}", sandbox.path().join("found").display(), spec.get_env("PATH"));
    let dwf = spec.env("PATH", &path);
    dwf.run().expect(0).says("8 passed, 0 failed");
    let shell = ["true"; 8].join("; ");
    let plain = engine.client().args(["run", "--rm", IMAGE, "sh", "-c", &shell]);
    let (plain, gate) = medians(ROUNDS, &plain, &dwf);
    let ratio = gate.as_secs_f64() / plain.as_secs_f64();
    println!("8 actions, {engine:?}: {gate:.0?} against {plain:.0?} for one run: {ratio:.2} (budget 1.25)");
}

fn plan() {
    let sandbox = Sandbox::without_engine();
    let project = sandbox.project("mixed", "p");
    let dwf = sandbox.dwf(&project, ["plan"]);
    let (nothing, plan) = medians(ROUNDS, &Spec::new("/bin/true"), &dwf);
    let more = plan.saturating_sub(nothing);
    println!("plan, 3 extensions: {plan:.1?}, {more:.1?} more than /bin/true (budget 12 ms)");
}

/// What it costs that extensions are kept in a jail, and that they are verified besides.
fn start() {
    let sandbox = Sandbox::without_engine();
    let (found, pinned) = (sandbox.project("mixed", "found"), sandbox.project("mixed", "pinned"));
    let dwf = |project: &Path, jail: &str, words: &[&str]| {
        sandbox.write(&format!("{jail}/devflow/config.toml"), &format!("[extensions]\njail = \"{jail}\"\n"));
        let config = sandbox.path().join(jail).to_string_lossy().into_owned();
        sandbox.dwf(project, words.iter().copied()).env("XDG_CONFIG_HOME", &config)
    };
    dwf(&pinned, "off", &["ext", "pin", "rust", "node", "python"]).run().expect(0);
    for (what, project) in [("jailed", &found), ("jailed and pinned", &pinned)] {
        let [plain, kept] = [dwf(&found, "off", &["plan"]), dwf(project, "required", &["plan"])];
        let (plain, kept) = medians(ROUNDS, &plain, &kept);
        let ratio = kept.as_secs_f64() / plain.as_secs_f64();
        println!("plan, 3 extensions {what}: {kept:.1?} against {plain:.1?} without: {ratio:.2}");
    }
}

fn main() {
    plan();
    start();
    for engine in Engine::ALL {
        gate(engine);
    }
}
