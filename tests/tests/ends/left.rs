//! What a run of dwf left on this machine.

use std::path::{Path, PathBuf};

use devflow_tests::{Run, Sandbox};

const CONTAINER: &str = "container";
const WORK: &str = "work";

/// Containers, processes, mounts and files of a sandbox, in words; nothing else may have its name or its token.
pub fn left(sandbox: &Sandbox, token: &str, run: &Run) -> Vec<String> {
    let mut found = containers(sandbox, run);
    found.extend(processes(sandbox, token));
    let home = sandbox.path().to_string_lossy().into_owned();
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("the mounts");
    found.extend(mounts.lines().filter(|line| line.contains(&home)).map(|line| format!("mount {line}")));
    let places = ["cache/tmp", "tmp", "home/state/devflow/runs"];
    let files = places.iter().flat_map(|place| entries(&sandbox.path().join(place)));
    let files = files.filter(|path| path.extension().is_none_or(|extension| extension != "asked"));
    found.extend(files.map(|path| format!("file {}", path.display())));
    found
}

/// Whether some of this is a container, or works in one.
pub fn works(found: &[String]) -> bool {
    found.iter().any(|line| line.starts_with(CONTAINER) || line.starts_with(WORK))
}

/// The containers that dwf said it would start.
fn containers(sandbox: &Sandbox, run: &Run) -> Vec<String> {
    let names = run.stderr.split("--name=").skip(1).filter_map(|rest| rest.split_whitespace().next());
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return Vec::new();
    }
    let there = sandbox.engine().containers();
    there
        .into_iter()
        .filter(|name| names.contains(&name.as_str()))
        .map(|name| format!("{CONTAINER} {name}"))
        .collect()
}

/// The processes that have the sandbox or its token in their command line or environment, and have not ended.
fn processes(sandbox: &Sandbox, token: &str) -> Vec<String> {
    let home = sandbox.path().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let words = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let seen = format!("{words}{}", String::from_utf8_lossy(&read("environ")));
        let ended = String::from_utf8_lossy(&read("status")).contains("State:\tZ");
        if !ended && (seen.contains(&home) || seen.contains(token)) {
            // What has the token is an action, a step of a build or an extension; the rest are dwf's own.
            let kind = if seen.contains(token) { WORK } else { "process" };
            found.push(format!("{kind} {} {words}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
