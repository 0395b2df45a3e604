//! The rules: from files to complaints.

use crate::files::{File, is_word, parts, words};

/// A crate of this repository: its folder, its name, and which of the others it may know.
type Crate = (&'static str, &'static str, &'static str);

/// All of them. The tests may know everybody.
const CRATES: &[Crate] = &[
    ("protocol", "devflow-protocol", ""),
    ("oci", "devflow-oci", ""),
    ("oci/runner", "devflow-runner", "devflow-protocol"),
    ("ext-rust", "devflow-ext-rust", "devflow-protocol"),
    ("ext-node", "devflow-ext-node", "devflow-protocol"),
    ("ext-python", "devflow-ext-python", "devflow-protocol"),
    ("dwf", "dwf", "devflow-protocol devflow-oci devflow-runner"),
    ("tests", "devflow-tests", "*"),
];

/// The modules of dwf, in one direction: each may import only those before it. First what knows no
/// machine: configuration and answers become a plan, the plan becomes containers and jobs. Then the
/// machine and what is found on it. Then running, and the commands.
pub const MODULES: &str = "error name files owner config lock cli plan compose schedule lower redact report
    trace world signals jail process ring transcript store fetch project cache discover trust turn launch engine secrets volumes profile git identity skip
    image extension query session service estate reaper scan execute conformance command lib main";

/// Files of dwf that touch nothing but their arguments.
const PURE: &[&str] = &["dwf/src/plan/", "dwf/src/compose/", "dwf/src/schedule.rs", "dwf/src/lower/"];
const NOT_PURE: &str = "dwf/src/lower/folders.rs";
const IMPURE: &str = "std::fs std::process std::net std::env::var tokio SystemTime Instant";

/// Where processes start, the environment is read, or a program's own streams are opened.
const DOORS: &str = "dwf/src/process.rs dwf/src/world.rs oci/runner/src/lib.rs oci/runner/src/spawn.rs
    oci/src/quote.rs protocol/src/sdk.rs tests/src/lib.rs tests/src/run.rs";
const STREAMS: &str = "dwf/src/lib.rs dwf/src/report/mod.rs dwf/src/world.rs";

/// What the generic crates must not know, in any spelling: `npm`, `NPM_TOKEN`, `runNpm`.
const TOOLS: &str = "bazel bun bundler cargo clippy cmake composer conda deno dotnet eslint flake8 gofmt
    gradle javac jest mvn mypy nextest nodejs npm npx pip pipx pnpm poetry prettier pylint pyproject pyright
    pytest ruff rustc rustdoc rustfmt rustup sccache tox tsc turbo virtualenv vite vitest webpack yarn
    node_modules package_json";
/// In this spelling only: `Rust` is what the crates themselves are written in.
const LANGUAGES: &str = "golang java javascript php python python3 ruby rust typescript";
const GENERIC: &[&str] = &["dwf/src/", "oci/src/", "oci/runner/src/", "protocol/src/"];

/// What `dwf ext new` writes: no crate of this repository, but the beginning of somebody else's.
const TEMPLATES: &str = "protocol/examples/templates/";

/// What the compiler itself tells a crate, through `env!` or in a path that a macro takes.
const COMPILER: &[&str] = &["CARGO_PKG_", "CARGO_MANIFEST_DIR", "CARGO_BIN_EXE_", "CARGO_CRATE_NAME"];

/// Hosts of package registries; projects find theirs by their own configuration.
pub const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("yarnpkg", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("rubygems", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("deb.debian", ".org"),
    concat!("static.rust-lang", ".org"),
];

/// What is left where something is not finished.
pub const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
];

/// Lines that a source file may have.
pub const LINES: usize = 500;

fn is_listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// The crate of this repository with this name, if there is one.
fn crate_named(name: &str) -> Option<&'static Crate> {
    CRATES.iter().find(|(_, known, _)| *known == name)
}

/// Whether one crate may know another.
fn may_know((_, own, others): &Crate, used: &str) -> bool {
    *own == used || *others == "*" || is_listed(others, used)
}

/// The crate that a file is in: that with the deepest folder.
fn crate_of(file: &File) -> Option<&'static Crate> {
    let holds =
        |(folder, ..): &&Crate| file.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    CRATES.iter().filter(holds).max_by_key(|(folder, ..)| folder.len())
}

/// The arrows between crates, as their manifests have them.
pub fn manifests(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml") && file.path.contains('/')) {
        let folder = file.path.trim_end_matches("/Cargo.toml");
        let Some(own) = CRATES.iter().find(|(known, ..)| *known == folder) else {
            if !folder.starts_with("tests/projects/") && !folder.starts_with(TEMPLATES) {
                complaints.push(format!("{}: no rule says what this crate may know", file.path));
            }
            continue;
        };
        let manifest: toml::Table =
            file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path));
        let name = own.1;
        if manifest["package"]["name"].as_str() != Some(name) {
            complaints.push(format!("{}: the crate is not called {name}", file.path));
        }
        for used in dependencies(&toml::Value::Table(manifest)) {
            if crate_named(&used).is_some() && !may_know(own, &used) {
                complaints.push(format!("{}: {name} must not know {used}", file.path));
            }
        }
    }
    complaints
}

/// Every dependency of a manifest, of any kind, under its true name.
fn dependencies(value: &toml::Value) -> Vec<String> {
    let toml::Value::Table(table) = value else { return Vec::new() };
    let listed = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Table(list) if key.ends_with("dependencies") => {
            let name = |(name, how): (&String, &toml::Value)| {
                how.get("package").and_then(|name| name.as_str()).unwrap_or(name).to_owned()
            };
            list.iter().map(name).collect()
        }
        other => dependencies(other),
    };
    table.iter().flat_map(listed).collect()
}

/// The arrows between crates, as their code has them.
pub fn uses(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let Some(own) = crate_of(file) else { continue };
        for (place, line) in file.lines() {
            for (_, word, rest) in words(line) {
                let used = word.replace('_', "-");
                // `dwf` is a word of its own; as a crate it is the start of a path.
                let a_crate = rest.starts_with("::") || line.trim_start().starts_with("use ");
                if a_crate && crate_named(&used).is_some() && !may_know(own, &used) {
                    complaints.push(format!("{place}: {} must not know {used}", own.1));
                }
            }
        }
    }
    complaints
}

/// The direction of the modules of dwf.
pub fn modules(files: &[File]) -> Vec<String> {
    let order: Vec<&str> = MODULES.split_whitespace().collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let Some(inside) = file.path.strip_prefix("dwf/src/") else { continue };
        let own =
            inside.split('/').next().unwrap_or_default().trim_end_matches(".rs").trim_end_matches("_tests");
        let Some(at) = order.iter().position(|module| *module == own) else {
            complaints.push(format!("{}: {own} has no place in the order of modules", file.path));
            continue;
        };
        for (place, line) in file.lines() {
            let used = words(line)
                .filter(|(before, ..)| before.ends_with("crate::") && !before.ends_with("_crate::"));
            for (_, used, _) in
                used.filter(|(_, used, _)| used.starts_with(char::is_lowercase) && *used != own)
            {
                if !order[..at].contains(&used) {
                    complaints.push(format!("{place}: {own} must not import {used}"));
                }
            }
            if line.contains("crate::{") {
                complaints.push(format!("{place}: one module a line"));
            }
        }
        let pure = PURE.iter().any(|prefix| file.path.starts_with(prefix)) && file.path != NOT_PURE;
        if pure && !file.is_test() {
            for (place, line) in file.lines() {
                let found = IMPURE.split_whitespace().filter(|word| line.contains(word));
                complaints
                    .extend(found.map(|word| format!("{place}: this module is pure, and {word} is not")));
            }
        }
    }
    complaints
}

/// Where the lints about processes, environment and printing are lifted.
pub fn doors(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let path = file.path.as_str();
        for (place, line) in file.lines() {
            if line.contains("disallowed_methods") && !is_listed(DOORS, path) {
                complaints.push(format!("{place}: this is no door of its crate"));
            }
            if line.contains(concat!("allow", "(clippy::")) {
                complaints.push(format!("{place}: an exception is expected, with its reason"));
            }
            if line.contains("process::Command") && !is_listed(DOORS, path) {
                complaints.push(format!("{place}: processes start elsewhere"));
            }
            if ["print!(", "println!(", "dbg!("].iter().any(|print| line.contains(print)) {
                complaints.push(format!("{place}: only a reporter prints"));
            }
            let stream = line.contains("io::stdout") || line.contains("io::stderr");
            if path.starts_with("dwf/") && stream && !is_listed(STREAMS, path) {
                complaints.push(format!("{place}: only report prints"));
            }
        }
    }
    complaints
}

/// Names of tools and languages in the crates that know none.
pub fn tools(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let generic = |file: &&File| {
        file.path.ends_with(".rs") && GENERIC.iter().any(|prefix| file.path.starts_with(prefix))
    };
    for file in files.iter().filter(generic) {
        for (place, line) in file.lines() {
            for (before, word, after) in words(line) {
                let lint = word == "clippy" && after.starts_with("::");
                let told = before.ends_with("env!(\"") || before.ends_with("include_dir!(\"$");
                let compiler = told && COMPILER.iter().any(|known| word.starts_with(known));
                let mut names = parts(word);
                names.push(word.to_lowercase());
                let tool = names.iter().any(|name| is_listed(TOOLS, name)) || is_listed(LANGUAGES, word);
                if tool && !lint && !compiler {
                    complaints.push(format!("{place}: {word} is an extension's word"));
                }
            }
        }
    }
    complaints
}

/// Hosts of package registries, and what is not finished.
pub fn texts(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let locks = ["Cargo.lock", "package-lock.json", "LICENSE"];
    for file in files.iter().filter(|file| !locks.iter().any(|lock| file.path.ends_with(lock))) {
        for (place, line) in file.lines() {
            let hosts = HOSTS.iter().filter(|host| line.contains(**host));
            complaints.extend(hosts.map(|host| format!("{place}: {host} is for a user's own configuration")));
            for sign in UNFINISHED.iter() {
                let alone = |at: usize| {
                    let end = line[at + sign.len()..].starts_with(is_word) && !sign.ends_with(['(', 'e']);
                    !end && !line[..at].ends_with(is_word)
                };
                if line.match_indices(sign).any(|(at, _)| alone(at)) {
                    complaints.push(format!("{place}: {sign} says that this is not finished"));
                }
            }
        }
    }
    // A lock may name its registry, but not tie every user to it.
    let locked = files.iter().filter(|file| file.path.ends_with("package-lock.json"));
    let tied = locked.filter(|file| HOSTS.iter().any(|host| file.text.contains(host)));
    complaints.extend(tied.map(|file| format!("{}: made with omit-lockfile-registry-resolved?", file.path)));
    complaints
}

/// Each module says what it is for, and is not too long to be read.
pub fn shape(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let count = file.text.lines().count();
        if count > LINES {
            complaints.push(format!("{}: {count} lines, more than {LINES}", file.path));
        }
        if !file.text.starts_with("//!") && !file.is_test() {
            complaints.push(format!("{}: it does not begin by saying what it is for", file.path));
        }
    }
    complaints
}

/// Workflows name what they run exactly, and may do no more than they need.
pub fn workflows(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(".github/workflows/")) {
        for (place, line) in file.lines() {
            let Some((_, action)) = line.split_once("uses:") else { continue };
            let commit =
                action.split('@').nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
            if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                complaints.push(format!("{place}: an action is pinned by its commit"));
            }
        }
        let jobs = file.text.matches("runs-on:").count();
        if !file.text.contains("\npermissions:\n  contents: read\n") {
            complaints.push(format!("{}: it says nothing of its permissions", file.path));
        }
        if file.text.matches("timeout-minutes:").count() != jobs {
            complaints.push(format!("{}: a job has no time limit", file.path));
        }
        let checkouts = file.text.matches("actions/checkout@").count();
        if file.text.matches("persist-credentials: false").count() != checkouts {
            complaints.push(format!("{}: a checkout leaves its credentials behind", file.path));
        }
    }
    complaints
}
