//! A plan of forty actions over two stacks, with needs, locks and edges between the stacks, that only sleep.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Sandbox, Spec, repository};

/// Actions at once.
pub const JOBS: usize = 3;

/// Who sleeps how long, after whom, and with which locks.
struct Sleeper {
    needs: Vec<String>,
    locks: BTreeSet<String>,
    tenths: u64,
}

/// Installs both stacks and writes the project; every sleep is `pace` times its own length.
pub fn paced(sandbox: &Sandbox, pace: u64) -> Spec {
    let text =
        std::fs::read_to_string(repository().join("tests/fixtures/devflow-ext-paced")).expect("a fixture");
    for name in ["alpha", "beta"] {
        sandbox.program(&format!("found/devflow-ext-{name}"), &text);
    }
    let config = format!(
        r#"[project]
name = "paced"
stack = ["alpha", "beta"]
[container]
image = "docker.io/library/debian:bookworm-slim"
[targets]
pr = [{}]
[extensions.alpha]
config = {{ pace = {pace} }}
[extensions.beta]
config = {{ pace = {pace} }}
[commands."beta/work:n03"]
needs = ["alpha/work:n02", "alpha/work:n03"]
"#,
        (0..20).map(|number| format!("\"work:n{number:02}\", ")).collect::<String>()
    );
    sandbox.write("paced/devflow.toml", &config);
    let engine = sandbox.engine().name();
    let jobs = JOBS.to_string();
    let spec =
        sandbox.dwf(&sandbox.path().join("paced"), ["verify", "--force", "--engine", engine, "-j", &jobs]);
    let path = format!("{}:{}", sandbox.path().join("found").display(), spec.get_env("PATH"));
    spec.env("PATH", &path)
}

/// Tenths of seconds that the plan takes at the least: what it would where nothing but sleeping costs time, and whoever
/// has the longest way before it starts first, then by name.
pub fn ideal(pace: u64) -> u64 {
    let sleepers = sleepers(pace);
    let mut order: Vec<(usize, &String)> =
        sleepers.keys().map(|name| (usize::MAX - height(&sleepers, name), name)).collect();
    order.sort();
    let (mut done, mut running, mut now) = (BTreeSet::new(), BTreeSet::<(u64, &String)>::new(), 0);
    loop {
        while running.len() < JOBS {
            let is_free = |name: &String| {
                let sleeper = &sleepers[name];
                let held = |other: &String| !sleepers[other].locks.is_disjoint(&sleeper.locks);
                sleeper.needs.iter().all(|need| done.contains(need))
                    && !running.iter().any(|(_, other)| held(other))
            };
            let Some(at) = order.iter().position(|(_, name)| is_free(name)) else { break };
            let name = order.remove(at).1;
            running.insert((now + sleepers[name].tenths, name));
        }
        let Some((end, name)) = running.pop_first() else { return now };
        now = end;
        done.insert(name.clone());
    }
}

fn height(sleepers: &BTreeMap<String, Sleeper>, name: &String) -> usize {
    let behind = sleepers.iter().filter(|(_, sleeper)| sleeper.needs.contains(name));
    1 + behind.map(|(name, _)| height(sleepers, name)).max().unwrap_or(0)
}

fn sleepers(pace: u64) -> BTreeMap<String, Sleeper> {
    let mut sleepers = BTreeMap::new();
    for stack in ["alpha", "beta"] {
        for number in 0..20_usize {
            let name = |number: usize| format!("{stack}/work:n{number:02}");
            let mut needs: Vec<String> = number.checked_sub(4).map(name).into_iter().collect();
            if (stack, number) == ("beta", 3) {
                needs.extend(["alpha/work:n02".to_owned(), "alpha/work:n03".to_owned()]);
            }
            let locks = (number % 3 == 0).then(|| stack.to_owned()).into_iter().collect();
            let tenths = [2, 3, 3, 4][number % 4] * pace;
            sleepers.insert(name(number), Sleeper { needs, locks, tenths });
        }
    }
    sleepers
}
