//! Extensions that break: each its own clear error, exit 4, and the gate never passes.

use devflow_tests::{Run, Sandbox, repository};

/// Runs a project of one stack, the extension with this fault.
fn run(sandbox: &Sandbox, fault: &str) -> Run {
    let text =
        std::fs::read_to_string(repository().join("tests/fixtures/devflow-ext-faulty")).expect("the fixture");
    sandbox.program(&format!("found/devflow-ext-{fault}"), &text);
    verify(sandbox, fault)
}

fn verify(sandbox: &Sandbox, stack: &str) -> Run {
    sandbox.write(&format!("{stack}/devflow.toml"), &format!("[project]\nstack = [\"{stack}\"]\n"));
    let limits = "[extensions]\ninitialize_timeout = 3\nrequest_timeout = 3\n";
    sandbox.write("config/devflow/config.toml", limits);
    let project = sandbox.path().join(stack);
    let spec = sandbox.dwf(&project, ["run", "test:unit", "--profile", "host"]);
    let path = format!("{}:/usr/bin:/bin", sandbox.path().join("found").display());
    spec.env("PATH", &path).env("XDG_CONFIG_HOME", &sandbox.path().join("config").to_string_lossy()).run()
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

#[test]
fn what_is_no_fault_does_no_harm() {
    let sandbox = Sandbox::without_engine();
    for harmless in ["loud", "deaf", "leaves-a-child"] {
        let run = run(&sandbox, harmless);
        run.expect(0).says("1 passed");
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
