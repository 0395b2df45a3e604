//! The jail of extensions: a program that tries everything, and interpreters that still start.

use std::collections::BTreeMap;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use devflow_tests::{Run, Sandbox, Spec, repository};

fn fixture(name: &str) -> String {
    let path = repository().join("tests/fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// dwf with the folder `found` on its `PATH`, a home in the sandbox, and a policy of its user.
fn dwf(sandbox: &Sandbox, project: &str, policy: &str, words: &[&str]) -> Spec {
    sandbox.write("config/devflow/config.toml", &format!("[extensions]\njail = \"{policy}\"\n"));
    let text = |name: &str| sandbox.path().join(name).to_string_lossy().into_owned();
    sandbox
        .dwf(&sandbox.path().join(project), words.iter().copied())
        .env("PATH", &format!("{}:/usr/bin:/bin", text("found")))
        .env("HOME", &text("home"))
        .env("XDG_CONFIG_HOME", &text("config"))
}

/// Lets the probe try everything; gives what came of each attempt.
fn probe(sandbox: &Sandbox, policy: &str) -> BTreeMap<String, String> {
    let at = |name: &str| sandbox.path().join(name);
    sandbox.program("found/devflow-ext-probe", &fixture("devflow-ext-probe"));
    sandbox.write("found/neighbour", "here");
    sandbox.write("home/.ssh/x", "secret");
    sandbox.write("outside/file", "");
    sandbox.write("project/hello.txt", "Hello\n");
    sandbox.write("project/other.txt", "");
    sandbox.write("project/third.txt", "");
    sandbox.program("project/script", "#!/bin/sh\nexit 0\n");
    let tool = sandbox.program("project/tool", "");
    std::fs::copy("/bin/true", &tool).expect("a program");
    symlink(at("home/.ssh/x"), at("project/secret")).expect("a link");

    let abstract_name = format!("devflow-probe-{}", sandbox.path().display());
    let address = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
    let _abstract = UnixListener::bind_addr(&address).expect("an abstract socket");
    // As an engine's: whoever may use it is as good as root.
    let _socket = UnixListener::bind(at("outside/engine.sock")).expect("a socket");
    std::fs::set_permissions(at("outside/engine.sock"), std::fs::Permissions::from_mode(0o777))
        .expect("a mode");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let config = format!(
        "[project]\nstack = [\"probe\"]\n[extensions.probe]\nconfig = {{ outside = {:?}, tcp = {}, udp = {}, \
         socket = {:?}, abstract = {abstract_name:?} }}\n",
        at("outside"),
        tcp.local_addr().expect("an address").port(),
        udp.local_addr().expect("an address").port(),
        at("outside/engine.sock"),
    );
    sandbox.write("project/devflow.toml", &config);

    // Whoever started dwf may have left a descriptor open.
    let leak = format!("exec \"$@\" 7<>{}", at("outside/file").display());
    let spec = dwf(sandbox, "project", policy, &["plan", "-v"]).env("SECRET_TOKEN", "s3cret");
    let run = spec.under(["/bin/sh", "-c", &leak, "sh"]).run();
    let lines = run.expect(0).stderr.lines().filter_map(|line| line.strip_prefix("[probe] probe "));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, came)| (name.to_owned(), came.to_owned()))
        .collect()
}

/// What has to work; everything else that the probe tries is harm.
const ALLOWED: &[&str] = &[
    "read-project",
    "list-project",
    "read-neighbour",
    "system-program",
    "script-by-system",
    "dev-null",
    "random",
    "stream-pair",
    "event-loop",
    "own-child",
    "stat-anything",
];

fn nothing_gets_out(sandbox: &Sandbox) {
    let came = probe(sandbox, "required");
    assert!(came.len() > 50, "the probe did not come to its end: {came:#?}");
    let wrong: Vec<_> =
        came.iter().filter(|(name, came)| (*came == "yes") != ALLOWED.contains(&name.as_str())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_gets_out_as_root() {
    nothing_gets_out(&Sandbox::without_engine());
}

#[test]
fn nothing_gets_out_as_an_ordinary_user() {
    nothing_gets_out(&Sandbox::of_an_ordinary_user());
}

/// The same attempts succeed without the jail: it is the jail that refuses them.
#[test]
fn without_a_jail_everything_gets_out() {
    let came = probe(&Sandbox::without_engine(), "off");
    for path in ["/tmp/devflow-probe", "/dev/shm/devflow-probe"] {
        std::fs::remove_file(path).unwrap_or_else(|error| panic!("{path}: {error}\n{came:#?}"));
    }
    // There may be no terminal, dwf keeps its descriptors from every child, and other parts of the
    // machine may refuse the rest.
    let elsewhere = ["terminal", "descriptor", "io-uring", "namespace", "setxattr"];
    let refused = came.iter().filter(|(name, came)| *came != "yes" && !elsewhere.contains(&name.as_str()));
    let refused: Vec<_> = refused.collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

const DESCRIBED: &str = r#"{"applies":true,"commands":[{"name":"test:unit","summary":"NAME"}]}"#;

/// An extension that takes its answers from a file beside it, and tries to write into the project.
fn in_language(language: &str, name: &str) -> (String, &'static str, String) {
    let described = DESCRIBED.replace("NAME", name);
    let known = format!(r#"{{"protocol":1,"extension":{{"name":"{name}","version":"1"}}}}"#);
    let action = r#"{"action":{"steps":[{"program":"true"}]}}"#;
    match language {
        "sh" => (
            ". \"${0%/*}/lib.sh\"\n(echo x >escaped) 2>/dev/null || true\nwhile IFS= read -r line; do id=${line#*\\\"id\\\":\\\"}; id=${id%%\\\"*}\n\
             printf '{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":%s}\\n' \"$id\" \"$(answer \"$line\")\"\ndone\n"
                .to_owned(),
            "lib.sh",
            format!(
                "answer() {{ case $1 in *'\"initialize\"'*) echo '{known}' ;; *describe*) echo '{described}' ;; *) echo '{action}' ;; esac; }}\n"
            ),
        ),
        "python" => (
            "import json, sys\nimport lib_of_test as lib\ntry:\n    open('escaped', 'w')\nexcept OSError:\n    pass\n\
             print('runs', sys.executable, file=sys.stderr)\n\
             for line in sys.stdin:\n    request = json.loads(line)\n    \
             print(json.dumps({'jsonrpc': '2.0', 'id': request['id'], 'result': json.loads(lib.answer(line))}), flush=True)\n"
                .to_owned(),
            "lib_of_test.py",
            format!(
                "def answer(line):\n    return '{known}' if 'initialize' in line else '{described}' if 'describe' in line else '{action}'\n"
            ),
        ),
        _ => (
            "const lib = require('./lib_of_test');\ntry { require('fs').writeFileSync('escaped', 'x'); } catch {}\n\
             const lines = require('readline').createInterface({ input: process.stdin });\n\
             lines.on('line', (line) => console.log(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(line).id, result: JSON.parse(lib.answer(line)) })));\n"
                .to_owned(),
            "lib_of_test.js",
            format!(
                "exports.answer = (line) => line.includes('initialize') ? '{known}' : line.includes('describe') ? '{described}' : '{action}';\n"
            ),
        ),
    }
}

/// Starts an extension with this `#!` line; `more` are folders for the front of `PATH`.
fn starts(sandbox: &Sandbox, name: &str, line: &str, language: &str, more: &[&Path]) -> Run {
    let (text, beside, library) = in_language(language, name);
    sandbox.program(&format!("found/devflow-ext-{name}"), &format!("{line}\n{text}"));
    sandbox.write(&format!("found/{beside}"), &library);
    sandbox.write(&format!("{name}/devflow.toml"), &format!("[project]\nstack = [\"{name}\"]\n"));
    let spec = dwf(sandbox, name, "required", &["plan", "-v", "test:unit"]);
    let front = more.iter().map(|path| format!("{}:", path.display())).collect::<String>();
    let path = format!("{front}{}", spec.get_env("PATH"));
    let run = spec.env("PATH", &path).run();
    assert!(run.expect(0).stdout.contains(&format!("{name}/test:unit")), "{run}");
    assert!(!sandbox.path().join(name).join("escaped").exists(), "it wrote\n{run}");
    run
}

fn every_interpreter_starts(sandbox: &Sandbox) {
    starts(sandbox, "sh", "#!/bin/sh", "sh", &[]);
    starts(sandbox, "bash", "#!/usr/bin/env -S bash -eu", "sh", &[]);
    starts(sandbox, "system", "#!/usr/bin/env python3", "python", &[]).says("runs /usr/bin/python3");
    starts(sandbox, "isolated", "#!/usr/bin/python3 -B", "python", &[]);
    starts(sandbox, "events", "#!/usr/bin/env node", "node", &[]);

    // One that a manager keeps in the user's home, behind a shim that reads the manager's files.
    let real = sandbox.program("home/.manager/versions/9/bin/python3", "");
    std::fs::copy("/usr/bin/python3", &real).expect("a program");
    sandbox.write("home/.manager/version", "9\n");
    let manager = sandbox.path().join("home/.manager");
    let shim = "#!/usr/bin/env bash\nset -e\nread -r version <MANAGER/version\nexec \"MANAGER/versions/$version/bin/${0##*/}\" \"$@\"\n";
    sandbox.program("home/.manager/shims/python3", &shim.replace("MANAGER", &manager.to_string_lossy()));
    starts(sandbox, "managed", "#!/usr/bin/env python3", "python", &[&manager.join("shims")])
        .says(&format!("runs {}", real.display()));

    // A folder of programs that came with the project is no place to look for an interpreter.
    sandbox.program("tempting/bin/python3", "#!/bin/sh\ntouch ../evil\n");
    let inside = sandbox.path().join("tempting/bin");
    starts(sandbox, "tempting", "#!/usr/bin/env python3", "python", &[&inside]).says("runs /usr/bin/python3");
    assert!(!sandbox.path().join("evil").exists());
}

#[test]
fn every_interpreter_starts_as_root() {
    let sandbox = Sandbox::without_engine();
    every_interpreter_starts(&sandbox);
    // A real manager of versions, where the user has one; a made-up one is tried everywhere.
    let spec = sandbox.dwf(sandbox.path(), [] as [&str; 0]);
    let real = |dir: &PathBuf| dir.ends_with(".pyenv/shims") && dir.join("python3").exists();
    match std::env::split_paths(spec.get_env("PATH")).find(real) {
        Some(shims) => {
            let versions = shims.with_file_name("versions");
            starts(&sandbox, "pyenv", "#!/usr/bin/env python3", "python", &[&shims])
                .says(&format!("runs {}/", versions.display()));
        }
        None => eprintln!("no pyenv on PATH: only the made-up manager was tried"),
    }
}

#[test]
fn every_interpreter_starts_as_an_ordinary_user() {
    every_interpreter_starts(&Sandbox::of_an_ordinary_user());
}

/// dwf's own extensions are in it like any other.
#[test]
fn the_own_extensions_are_jailed() {
    let sandbox = Sandbox::of_an_ordinary_user();
    sandbox.project("mixed", "mixed");
    let run = dwf(&sandbox, "mixed", "required", &["plan"]).run();
    for stack in ["rust/", "node/", "python/"] {
        assert!(run.expect(0).stdout.contains(stack), "{run}");
    }
}

/// Where the machine cannot do it: refused by those who require it, and said to all others.
#[test]
fn a_machine_without_landlock() {
    let sandbox = Sandbox::without_engine();
    starts(&sandbox, "sh", "#!/bin/sh", "sh", &[]);
    let without = sandbox.program("without", &fixture("without")).to_string_lossy().into_owned();
    let on =
        |policy: &str, words: &[&str]| dwf(&sandbox, "sh", policy, words).under([&without, "landlock"]).run();
    on("required", &["plan", "test:unit"]).expect(3).says("missing: Landlock").says("jail = \"required\"");
    on("auto", &["plan", "test:unit"]).expect(0).says("lacks Landlock");
    let quiet = on("off", &["plan", "test:unit"]);
    assert!(!quiet.expect(0).stderr.contains("Landlock"), "{quiet}");
    let doctor = on("auto", &["doctor"]);
    assert!(doctor.stdout.contains("without Landlock"), "{doctor}");
}

/// Programs whose bytes matter run from a copy where memory cannot be executed.
#[test]
fn a_machine_without_programs_in_memory() {
    let sandbox = Sandbox::without_engine();
    let without = sandbox.program("without", &fixture("without")).to_string_lossy().into_owned();
    sandbox
        .write("own/devflow.toml", "[project]\nstack = [\"rust\"]\n[extensions.rust]\npath = \"tools/x\"\n");
    sandbox.write("own/Cargo.toml", "[package]\nname = \"own\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    sandbox.write("own/src/lib.rs", "");
    let tool = sandbox.program("own/tools/x", "");
    std::fs::copy(sandbox.path().join("bin/devflow-ext-rust"), &tool).expect("a program");
    dwf(&sandbox, "own", "auto", &["ext", "trust", "rust"]).run().expect(0);
    for front in [&[][..], &[without.as_str(), "memfd"]] {
        let spec = dwf(&sandbox, "own", "auto", &["plan"]);
        let run = if front.is_empty() { spec.run() } else { spec.under(front.iter().copied()).run() };
        assert!(run.expect(0).stdout.contains("rust/test:unit"), "{run}");
    }
    let doctor = dwf(&sandbox, "own", "auto", &["doctor"]).under([&without, "memfd"]).run();
    assert!(doctor.stdout.contains("private copies"), "{doctor}");
}

/// A project has no say in it, whichever way it tries.
#[test]
fn a_project_cannot_open_the_jail() {
    let sandbox = Sandbox::without_engine();
    for text in [
        "jail = \"off\"\n",
        "[extensions]\njail = \"off\"\n",
        "extensions.jail = \"off\"\n",
        "[extensions.sh]\njail = \"off\"\n",
        "[runtime]\njail = \"off\"\n",
    ] {
        sandbox.write("p/devflow.toml", text);
        let run = dwf(&sandbox, "p", "auto", &["plan"]).run();
        run.expect(2).says("`jail` is not a project's to set").says("config.toml");
    }
}
