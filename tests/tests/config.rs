//! A devflow.toml that is wrong: exit 2, the place underlined, and what was probably meant.

use devflow_tests::{Run, Sandbox};

/// Plans a project with this devflow.toml.
fn plan(sandbox: &Sandbox, text: &str) -> Run {
    sandbox.write("p/Cargo.toml", "[package]\nname = \"p\"\n[lib]\npath = \"lib.rs\"\n");
    sandbox.write("p/lib.rs", "");
    sandbox.write("p/devflow.toml", text);
    sandbox.dwf(&sandbox.path().join("p"), ["plan"]).run()
}

const GOOD: &str = "[project]\nstack = [\"rust\"]\n";

/// What follows the good lines, and what is said: line 3 is the first of them.
const WRONG: &[(&str, &str)] = &[
    (
        "[projekt]\n",
        "unknown key `projekt`\n --> devflow.toml:3:2\n  |\n3 | [projekt]\n  |  ^^^^^^^ did you mean `project`?",
    ),
    (
        "[container]\nimmage = \"x\"\n",
        " --> devflow.toml:4:1\n  |\n4 | immage = \"x\"\n  | ^^^^^^ did you mean `image`?",
    ),
    ("[container]\nengine = \"dcoker\"\n", "unknown value `dcoker`"),
    ("[container]\nengine = 3\n", "devflow.toml:4:10"),
    ("[container]\nsession = \"no\"\n", "has to be true or false"),
    ("[container]\nuser = \"root\"\n", "\"root\" is not a user: write UID or UID:GID, in numbers"),
    ("[container]\nmemory = \"lots\"\n", "\"lots\" is not a size: write it like \"20 GB\""),
    ("[container]\ndockerfile = \"../Dockerfile\"\n", "devflow.toml:4:14"),
    ("[container]\nfingerprint_inputs = [\"a\", \"/etc/passwd\"]\n", "devflow.toml:4:28"),
    ("[container]\npass_env = [\"[\"]\n", "devflow.toml:4:13"),
    (
        "[container]\nmounts = [{ source = \"../x\", target = \"/x\" }]\n",
        "a mount's source lies inside the project",
    ),
    (
        "[container]\nmounts = [{ source = \"x\", target = \"x\" }]\n",
        "the mount target \"x\" is not absolute",
    ),
    ("[cache]\nmax_age = \"soon\"\n", "\"soon\" is not a span of time"),
    ("[cache]\nroot = \"/tmp\"\n", "the cache root is a folder inside the project"),
    ("[targets]\npr = []\n", "target `pr` names no command"),
    (
        "[targets]\npr = [\"test:unti\"]\n",
        "no stack of this project offers `test:unti`\n --> devflow.toml:4:7\n  |\n4 | pr = [\"test:unti\"]\n  |       ^^^^^^^^^^^ did you mean `test:unit`?",
    ),
    ("[targets]\npr = [\"node/test\"]\n", "no stack of this project offers `node/test:unit`"),
    ("[targets]\npr = [\"everything\"]\n", "`everything` is not a command: write verb:selector"),
    ("[extensions.rust]\nversion = \">=9\"\n", "has version 0.1.0, and devflow.toml allows >=9"),
    ("[extensions.rust]\nversion = \"new\"\n", "\"new\" is not a version range"),
    ("[extensions.rsut]\n", "`rsut` is no stack of this project"),
    ("[extensions.Rust]\n", "\"Rust\" is not an extension's name"),
    ("[commands.\"lint:x\"]\nrun = []\n", "`run` of `lint:x` names no program"),
    (
        "[commands.\"lint:x\"]\nrun = [\"x\"]\nneeds = [\"build:x\"]\n",
        "no stack of this project offers `build:x`",
    ),
    ("[commands.\"rust/lint:x\"]\nrun = [\"x\"]\n", "write it without a stack"),
    ("[commands.\"lint:x\"]\ntimeout = 5\n", "no stack of this project offers `lint:x`"),
    ("[commands.\"test:unit\"]\ntimeout = 0\n", "0 seconds are no time at all"),
    ("[commands.\"test:unit\"]\n[commands.\"rust/test\"]\n", "rust/test:unit is meant here and by"),
    ("[commands.\"test:unit\"]\nenv = { \"A B\" = \"1\" }\n", "\"A B\" is not a variable's name"),
    ("a = 1\na = 2\n", "duplicate key"),
    ("[project\n", "devflow.toml:3"),
    ("x = \"\\u001b]0;owned\\u0007\"\n", "unknown key `x`"),
];

#[test]
fn every_mistake_is_shown_at_its_place() {
    let sandbox = Sandbox::without_engine();
    plan(&sandbox, GOOD).expect(0);
    let mut wrong = Vec::new();
    for (text, expected) in WRONG {
        let run = plan(&sandbox, &format!("{GOOD}{text}"));
        let code = if expected.contains("and devflow.toml allows") { 4 } else { 2 };
        if run.code != code || !run.stderr.contains(expected) || run.stderr.contains(['\u{1b}', '\u{7}']) {
            wrong.push(format!("{text} should say {expected:?}: {run}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_no_configuration() {
    let sandbox = Sandbox::without_engine();
    plan(&sandbox, "").expect(2).says("`[project] stack` is missing");
    plan(&sandbox, "[project]\nstack = []\n").expect(2).says("nothing to verify: no stack was found here");
    plan(&sandbox, &"# much\n".repeat(200_000)).expect(2).says("it is larger than 1048576 bytes");
    plan(&sandbox, &format!("{GOOD}x = {}{}\n", "[".repeat(500), "]".repeat(500)))
        .expect(2)
        .says("devflow.toml:3:");
    plan(&sandbox, &format!("{GOOD}x = \"\0\"\n")).expect(2).says("devflow.toml:3:");
    plan(&sandbox, &format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).expect(0);

    let file = sandbox.path().join("p/devflow.toml");
    std::fs::write(&file, b"x = \"\xff\"\n").expect("a file");
    let again = || sandbox.dwf(&sandbox.path().join("p"), ["plan"]).run();
    again().expect(2).says("devflow.toml is not UTF-8 text");
    std::fs::remove_file(&file).expect("gone");
    std::fs::create_dir(&file).expect("a folder");
    again().expect(2).says("it is not a regular file");
    std::fs::remove_dir(&file).expect("gone");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    again().expect(2).says("it is not a regular file");
}

#[test]
fn members_that_do_not_fit() {
    let sandbox = Sandbox::without_engine();
    let with = |line: &str| plan(&sandbox, &format!("[project]\nstack = [\"rust\"]\n{line}\n"));
    with("members = [\"apps/*\"]").expect(2).says("no folder matches `apps/*`\n --> devflow.toml:3:12");
    with("members = [\"../x\"]").expect(2).says("a member is a folder inside the project");
    with("members = [\"**\"]").expect(2).says("`**` is not for members");
    sandbox.write("p/web/devflow.toml", "[project]\nstack = [\"node\"]\n");
    let claimed = with("members = [\"web\"]");
    claimed
        .expect(2)
        .says("stack `node` does not apply")
        .says("web/devflow.toml says that it has this stack");
    sandbox.write("p/web/devflow.toml", "[targets]\npr = []\n");
    with("members = [\"web\"]").expect(2).says("unknown key `targets`\n --> web/devflow.toml:1:2");
}

#[test]
fn what_is_written_on_the_command_line() {
    let sandbox = Sandbox::without_engine();
    plan(&sandbox, GOOD).expect(0);
    let dwf = |args: &[&str]| sandbox.dwf(&sandbox.path().join("p"), args.iter().copied()).run();
    dwf(&["verify", "prr"]).expect(2).says("no target is named `prr`").says("did you mean `pr`?");
    dwf(&["run", "test:unti"]).expect(2).says("did you mean `test:unit`?");
    dwf(&["tset:unit"]).expect(2).says("did you mean `test:unit`?");
    dwf(&["verfy"]).expect(2).says("there is no command `verfy`; did you mean `verify`?");
    dwf(&["run", "fmt", "test", "--", "x"])
        .expect(2)
        .says("arguments after `--` are for one action, and 2 match");
    dwf(&["-C", "/no/such/place", "plan"]).expect(2).says("/no/such/place cannot be read");
    for help in [&["--help"][..], &["help"], &["help", "verify"], &["plan", "-h"], &["--version"]] {
        assert!(!dwf(help).expect(0).stdout.is_empty());
    }
}
