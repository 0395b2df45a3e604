//! Extensions that break: each its own clear error, exit 4, and the gate never passes.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use devflow_tests::{Run, Sandbox, Spec, repository};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

fn fixture() -> String {
    std::fs::read_to_string(repository().join("tests/fixtures/devflow-ext-faulty")).expect("the fixture")
}

/// Runs a project of one stack, the extension with this fault.
fn run(sandbox: &Sandbox, fault: &str) -> Run {
    sandbox.program(&format!("found/devflow-ext-{fault}"), &fixture());
    verify(sandbox, fault)
}

fn verify(sandbox: &Sandbox, stack: &str) -> Run {
    spec(sandbox, stack, "").run()
}

/// Deadlines that a test can wait for.
const LIMITS: &str = "[extensions]\ninitialize_timeout = 3\nrequest_timeout = 3\n";

/// The run of a project of one stack, with more for its devflow.toml.
fn spec(sandbox: &Sandbox, stack: &str, config: &str) -> Spec {
    sandbox.write(&format!("{stack}/devflow.toml"), &format!("[project]\nstack = [\"{stack}\"]\n{config}"));
    if !sandbox.path().join("config").exists() {
        sandbox.write("config/devflow/config.toml", LIMITS);
    }
    let project = sandbox.path().join(stack);
    let spec = sandbox.dwf(&project, ["run", "test:unit", "--profile", "host"]);
    let path = format!("{}:/usr/bin:/bin", sandbox.path().join("found").display());
    spec.env("PATH", &path).env("XDG_CONFIG_HOME", &sandbox.path().join("config").to_string_lossy())
}

/// No process of this sandbox may be left, and nothing may have run.
fn nothing_happened(sandbox: &Sandbox, fault: &str, run: &Run) {
    assert!(!sandbox.path().join(fault).join("ran").exists(), "an action ran\n{run}");
    assert!(!run.stderr.contains("panicked"), "{run}");
    assert!(!run.stderr.contains('\u{1b}'), "an escape reaches the terminal\n{run}");
    nothing_left(sandbox, run);
}

fn nothing_left(sandbox: &Sandbox, run: &Run) {
    let mark = sandbox.path().to_string_lossy().into_owned();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let zombie = String::from_utf8_lossy(&read("status")).contains("State:\tZ");
        let seen = [read("cmdline"), read("environ")].concat();
        assert!(
            zombie || !String::from_utf8_lossy(&seen).contains(&mark),
            "a process is left: {entry:?}\n{run}"
        );
    }
}

/// The fault, and what the error says besides the extension's name.
const FAULTS: &[(&str, &str)] = &[
    ("crash-at-start", "closed its standard output before it had answered\nit exited with 3"),
    ("hang-at-start", "did not answer initialize within 3s"),
    ("hang-with-a-child", "did not answer initialize within 3s"),
    ("banner", "wrote a line that is not a JSON object: \"Welcome to \\u{1b}[1mfaulty"),
    ("markup", "log to standard error"),
    ("byte-order-mark", "wrote a line that is not a JSON object: \"\\u{feff}{"),
    ("newer-protocol", "speaks protocol 7, and this dwf speaks 1: upgrade dwf"),
    ("refuses-the-protocol", "speaks protocol 2, 3, and this dwf speaks 1: upgrade dwf"),
    ("requires-more", "requires telepathy, which this version of dwf does not know"),
    ("other-name", "says its name is `someone-else`"),
    ("wrong-id", "it answered a request that nobody sent, with the id \"nobody\""),
    ("id-as-a-number", "it answered a request that nobody sent, with the id 0"),
    ("no-jsonrpc", "a message lacks `jsonrpc`"),
    ("result-and-error", "an answer has both `result` and `error`"),
    ("neither-result-nor-error", "a message has none of `method`, `result` and `error`"),
    ("no-version", "gave a wrong answer to initialize: extension: missing field `version`"),
    ("never-reads", "did not answer initialize within 3s"),
    ("endless-chatter", "sent more than the limit of 10000 messages in one run"),
    ("chatter", "sent more than the limit of 10000 messages in one run"),
    ("crash-in-a-request", "it exited with 9"),
    ("leaves-in-a-request", "closed its standard output before it had answered"),
    ("killed-in-a-request", "it was ended by SIGSEGV"),
    ("hang-in-a-request", "did not answer project/describe within 3s"),
    ("torn-line", "closed its standard output in the middle of a line"),
    ("not-utf8", "wrote a line that is not a JSON object: \"{\"jsonrpc\":\"2.0\",\"id\":\"\\xff\"}"),
    ("long-line", "sent more than the limit of 1048576 bytes in one line"),
    ("endless-line", "sent more than the limit of 1048576 bytes in one line"),
    ("request-to-the-host", "it sent a request, \"shell\"; an extension only answers"),
    ("unknown-notification", "it sent a notification \"progress\"; there is only \"log\""),
    ("unknown-level", "level: unknown variant `loud`"),
    ("batch", "it sent a batch; messages come one by one"),
    ("duplicate-answer", "it answered the request with the id \"1\" twice"),
    ("duplicate-member", "result: the name \"applies\" stands there twice"),
    ("deep-nesting", "a message is nested deeper than 128 levels"),
    ("half-a-pair", "result.because[0]: unexpected end of hex escape"),
    ("closes-stdout", "closed its standard output before it had answered"),
    ("closes-stdin", "did not answer project/describe within 3s"),
    ("unknown-scope", "caches[0].scope: unknown variant `galaxy`, expected `shared` or `environment`"),
    ("wrong-type", "commands: invalid type: string \"test:unit\", expected a sequence"),
    ("bad-command", "commands[0].name: \"Test Unit\" is not a command"),
    ("two-caches", "it has two caches named a"),
    ("sets-path", "it sets PATH, which is not an extension's to set"),
    ("glob-outside", "the glob \"../*\" leaves the folder"),
    ("own-error", "the moon is \\u{1b}[31mfull\\nagain (code 10001)"),
    ("bug", "index out of range (code -32603)"),
    ("crash-in-resolve", "it exited with 5"),
    ("unknown-placeholder", "action.steps[0].args[0]: unknown placeholder ${env:HOME}"),
    ("lone-dollar", "a $ that starts no placeholder in \"costs $5\""),
    ("path-above", "action.cwd: \"../..\" is not a path inside the project"),
    ("absolute-path", "action.outputs[0].path: \"/etc\" is not a path inside the project"),
    ("unknown-cache", "\"${cache:attic}\" names a cache that the stack does not have"),
    ("no-steps", "an action has no steps; nothing to do is a skip"),
    ("no-program", "a step has no program"),
    ("no-timeout", "a timeout of 0 s"),
    ("unknown-need", "it needs setup:moon, which it does not offer"),
    ("circle", "these commands need each other: circle/build:debug → circle/test:unit → circle/build:debug"),
    ("last-has-a-when", "the last of `alternatives` has a `when`"),
    ("two-kinds", "an answer has exactly one of `skip`, `action` and `alternatives`"),
    ("knows-it-not", "unknown command (code 2001)"),
];

#[test]
fn every_fault_has_its_own_error() {
    let sandbox = Sandbox::without_engine();
    let mut wrong = Vec::new();
    for (fault, text) in FAULTS {
        let run = run(&sandbox, fault);
        if run.code != 4 || !run.stderr.contains(fault) || !run.stderr.contains(text) {
            wrong.push(format!("{fault} should say {text:?}: {run}"));
        }
        nothing_happened(&sandbox, fault, &run);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_last_words_are_shown() {
    let sandbox = Sandbox::without_engine();
    run(&sandbox, "crash-at-start").says("its last words:\n  last words of crash-at-start");
}

#[test]
fn a_wrong_configuration_is_the_users() {
    let sandbox = Sandbox::without_engine();
    run(&sandbox, "wrong-config").expect(2).says("unknown key `colour`").says("hint: did you mean `color`?");
}

/// Where a jail keeps extensions from what is tried, it has to hold without one, too.
fn without_a_jail(sandbox: &Sandbox) {
    for place in ["config", "home/.config"] {
        sandbox.write(&format!("{place}/devflow/config.toml"), &format!("{LIMITS}jail = \"off\"\n"));
    }
}

#[test]
fn what_is_no_fault_does_no_harm() {
    let sandbox = Sandbox::without_engine();
    let daemon = run(&sandbox, "daemon");
    daemon.expect(0).says("1 passed");
    nothing_left(&sandbox, &daemon);
    std::fs::remove_dir_all(sandbox.path().join("daemon")).expect("the project goes");
    without_a_jail(&sandbox);
    for (harmless, told) in [
        ("loud", ""),
        ("deaf", "warning: extension `deaf` did not end when it was asked to, and was killed"),
        ("leaves-a-child", ""),
        ("daemon", "warning: an extension left process "),
    ] {
        let run = run(&sandbox, harmless);
        run.expect(0).says("1 passed").says(told);
        assert!(sandbox.path().join(harmless).join("ran").exists());
        nothing_left(&sandbox, &run);
    }
}

#[test]
fn files_that_are_no_extension() {
    let sandbox = Sandbox::without_engine();
    sandbox.program("found/devflow-ext-text", "just text\n");
    verify(&sandbox, "text").expect(4).says("could not be started: it is no program for this machine");
    sandbox.program("found/devflow-ext-orphan", "#!/no/such/interpreter\n");
    verify(&sandbox, "orphan").expect(4).says("the interpreter that it names does not exist");
    sandbox.write("found/devflow-ext-plain", "#!/bin/sh\n");
    verify(&sandbox, "plain").expect(2).says("devflow-ext-plain is not executable");
    verify(&sandbox, "missing").expect(2).says("no extension `missing` was found");
}

/// A project's own files that are wrong are the user's to mend: exit 2, with the place.
#[test]
fn broken_projects() {
    let sandbox = Sandbox::without_engine();
    for (stack, file, text, place) in [
        ("rust", "Cargo.toml", "[package]\nname = \n", "Cargo.toml:2"),
        ("node", "package.json", "{\n  \"name\": }\n", "package.json:2"),
        ("python", "pyproject.toml", "[project]\nname = \n", "pyproject.toml:2"),
    ] {
        sandbox.write(&format!("{stack}/{file}"), text);
        verify(&sandbox, stack).expect(2).says(stack).says(place);
    }
}

/// What an extension sends is bounded before it is kept: a line without end, a gigabyte of standard
/// error. What is measured is the largest of dwf and the extension, which is a small interpreter.
#[test]
fn memory_is_bounded() {
    let measure = "import resource as r, subprocess, sys; code = subprocess.call(sys.argv[1:]);\
                   sys.exit(print(r.getrusage(r.RUSAGE_CHILDREN).ru_maxrss) or code)";
    let sandbox = Sandbox::without_engine();
    for (fault, code) in [("endless-line", 4), ("very-loud", 0)] {
        sandbox.program(&format!("found/devflow-ext-{fault}"), &fixture());
        let run = spec(&sandbox, fault, "").under(["python3", "-c", measure]).run();
        let peak: u64 = run.expect(code).stdout.trim().parse().expect("KiB");
        assert!(peak < 25 << 10, "{fault}: {peak} KiB");
    }
}

/// A request that the pipe does not hold, and nobody who reads it.
#[test]
fn a_large_request_to_one_that_never_reads() {
    let sandbox = Sandbox::without_engine();
    sandbox.program("found/devflow-ext-reads-no-more", &fixture());
    let config = format!("[extensions.reads-no-more.config]\nlong = \"{}\"\n", "x".repeat(400 << 10));
    let run = spec(&sandbox, "reads-no-more", &config).run();
    run.expect(4).says("did not answer project/describe within 3s");
    nothing_happened(&sandbox, "reads-no-more", &run);
}

#[test]
fn nothing_but_the_three_streams_is_inherited() {
    let sandbox = Sandbox::without_engine();
    without_a_jail(&sandbox);
    sandbox.program("found/devflow-ext-nosy", &fixture());
    // In a terminal, with a descriptor that whoever started dwf left open.
    let line = "exec script -qec 'exec 9</etc/passwd; exec dwf plan test:unit' /dev/null";
    let project = sandbox.write("nosy/devflow.toml", "[project]\nstack = [\"nosy\"]\n");
    let [bin, found] = ["bin", "found"].map(|name| sandbox.path().join(name));
    let path = format!("{}:{}:/usr/bin:/bin", bin.display(), found.display());
    let run = sandbox.shell(project.parent().expect("a folder"), line).env("PATH", &path).run();
    assert!(run.expect(0).stdout.contains("[nosy] found No such device or address"), "{run}");
}

/// The true cause, and no shell that takes the bytes for commands.
#[test]
fn a_program_for_another_machine() {
    let sandbox = Sandbox::without_engine();
    let mut bytes = std::fs::read("/bin/true").expect("a program");
    bytes[18] ^= 0xff;
    bytes.extend_from_slice(b"\ntouch ran\n");
    let path = sandbox.program("found/devflow-ext-foreign", "");
    std::fs::write(path, bytes).expect("a program");
    let run = verify(&sandbox, "foreign");
    run.expect(4).says("could not be started: it is no program for this machine");
    nothing_happened(&sandbox, "foreign", &run);
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    let sandbox = Sandbox::without_engine();
    let found = sandbox.write("found/x", "").parent().map(Path::to_owned).expect("a folder");
    let at = |name: &str| found.join(format!("devflow-ext-{name}"));
    mkfifo(&at("fifo"), Mode::S_IRWXU).expect("a fifo");
    std::fs::create_dir(at("folder")).expect("a folder");
    symlink(at("loop"), at("loop")).expect("a link");
    symlink("/nowhere", at("dangling")).expect("a link");
    symlink("/dev/zero", at("device")).expect("a link");
    sandbox.program("found/devflow-ext-setuid", "#!/bin/sh\ntouch ran\n");
    std::fs::set_permissions(at("setuid"), Permissions::from_mode(0o4755)).expect("its mode");
    for (name, reason) in [
        ("fifo", "is not a regular file"),
        ("folder", "is not a regular file"),
        ("device", "is not a regular file"),
        ("loop", "does not exist"),
        ("dangling", "does not exist"),
        ("setuid", "is setuid or setgid"),
    ] {
        let run = verify(&sandbox, name);
        assert!([2, 3].contains(&run.code), "{run}");
        run.says(&format!("devflow-ext-{name} {reason}"));
        nothing_happened(&sandbox, name, &run);
    }
}

/// Names that are none, folders that cannot be read or are none, and crowds: none is started.
#[test]
fn whatever_lies_on_path() {
    let sandbox = Sandbox::without_engine();
    // The mark of a start is a file.
    without_a_jail(&sandbox);
    let script = "#!/bin/sh\ntouch \"$0.ran\"\n";
    for n in 0..500 {
        sandbox.program(&format!("many/devflow-ext-e{n:03}"), script);
    }
    for name in ["..", "-x", "A", "a b", "a\u{1b}[1m", &"n".repeat(100)] {
        sandbox.program(&format!("odd/devflow-ext-{name}"), script);
    }
    let odd = sandbox.path().join("odd");
    let bytes = OsStr::from_bytes(b"devflow-ext-\xff");
    std::fs::write(odd.join(bytes), script).expect("a file");
    let crowd = sandbox.write("crowd/x", "").parent().map(Path::to_owned).expect("a folder");
    for n in 0..10_000 {
        std::fs::write(crowd.join(format!("program-{n}")), "").expect("a file");
    }
    let file = sandbox.write("file", "");
    let dirs = ["many", "odd", "crowd", "gone"].map(|name| sandbox.path().join(name));
    let path =
        std::env::join_paths(dirs.iter().chain([&file])).expect("a PATH").into_string().expect("UTF-8");
    sandbox.write("p/devflow.toml", "[project]\nstack = [\"e007\"]\n");
    let run = sandbox.dwf(&sandbox.path().join("p"), ["ext", "list", "-v"]).env("PATH", &path).run();
    let names: Vec<&str> = run.expect(0).stdout.lines().filter_map(|line| line.split("  ").next()).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!((names.len(), &names), (500 + 3, &sorted));
    for odd in
        ["devflow-ext-.. is no name", "devflow-ext-a\\u{1b}[1m is no name", "devflow-ext-\u{fffd} is no name"]
    {
        run.says(odd);
    }
    let started = |folder: &str| {
        let entries = std::fs::read_dir(sandbox.path().join(folder)).expect("a folder").flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "ran")).count()
    };
    assert_eq!(started("many") + started("odd"), 0);
    let plan = sandbox
        .dwf(&sandbox.path().join("p"), ["plan", "test:unit"])
        .env("PATH", &format!("{path}:/usr/bin:/bin"))
        .run();
    plan.expect(4).says("extension `e007`");
    assert_eq!(started("many"), 1);
}
