//! A devflow.toml that is wrong: exit 2 with file, line and column, the line underlined, and the
//! nearest name that exists. Nothing is started.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use devflow_tests::{Run, Sandbox};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// A good one; what a case adds follows it.
const GOOD: &str = r#"[project]
stack = []
[targets]
pr = ["x:one"]
[commands."x:one"]
run = ["touch", "ran"]
"#;

fn plan(sandbox: &Sandbox) -> Run {
    sandbox.dwf(&sandbox.path().join("p"), ["plan"]).run()
}

/// Fails unless dwf says exactly this, and ran nothing.
#[track_caller]
fn check(sandbox: &Sandbox, text: &str, expected: &str) {
    sandbox.write("p/devflow.toml", text);
    let project = sandbox.path().join("p");
    for args in [["plan"].as_slice(), &["verify", "--profile", "host"]] {
        let run = sandbox.dwf(&project, args.iter().copied()).run();
        assert_eq!(run.code, 2, "{text}\n{run}");
        assert_eq!(run.stderr.trim_end(), expected.trim_matches('\n'), "{text}");
        assert_eq!(run.stdout, "", "{text}");
        assert!(!project.join("ran").exists(), "{text}");
    }
}

#[test]
fn a_good_one() {
    let sandbox = Sandbox::without_engine();
    // A byte order mark and the line ends of other systems are no mistakes.
    for text in [GOOD.to_owned(), format!("\u{feff}{GOOD}"), GOOD.replace('\n', "\r\n")] {
        sandbox.write("p/devflow.toml", &text);
        plan(&sandbox).expect(0);
    }
}

#[test]
fn names_and_types() {
    let sandbox = Sandbox::without_engine();
    let cases: &[(&str, &str)] = &[
        (
            "[project]\nstak = []\n",
            "
error: unknown key `stak`
 --> devflow.toml:2:1
  |
2 | stak = []
  | ^^^^ did you mean `stack`?",
        ),
        (
            "[project]\nstack = []\n\n[contaner]\n",
            "
error: unknown key `contaner`
 --> devflow.toml:4:2
  |
4 | [contaner]
  |  ^^^^^^^^ did you mean `container`?",
        ),
        (
            "[project]\nstack = []\nzebra = 1\n",
            "
error: unknown key `zebra`
 --> devflow.toml:3:1
  |
3 | zebra = 1
  | ^^^^^ known here: name, stack, members",
        ),
        (
            "[project]\nstack = []\n[container]\nengine = \"dokcer\"\n",
            "
error: unknown value `dokcer`
 --> devflow.toml:4:10
  |
4 | engine = \"dokcer\"
  |          ^^^^^^^^ did you mean `docker`?",
        ),
        (
            "[project]\nstack = []\n[container]\nmounts = [{ sorce = \"a\", target = \"/a\" }]\n",
            "
error: unknown key `sorce`
 --> devflow.toml:4:13
  |
4 | mounts = [{ sorce = \"a\", target = \"/a\" }]
  |             ^^^^^ did you mean `source`?",
        ),
        (
            "[project]\nstack = \"one\"\n",
            "
error: this is the text \"one\", and has to be a list
 --> devflow.toml:2:9
  |
2 | stack = \"one\"
  |         ^^^^^",
        ),
        (
            "x = \"\\u001b]0;owned\\u0007\"\n",
            "
error: unknown key `x`
 --> devflow.toml:1:1
  |
1 | x = \"\\u001b]0;owned\\u0007\"
  | ^ known here: project, runtime, container, image, cache, targets, extensions, commands, services, secrets",
        ),
        (
            "[project]\nstack = []\n[container]\nsession = \"yes\"\n",
            "
error: this is the text \"yes\", and has to be true or false
 --> devflow.toml:4:11
  |
4 | session = \"yes\"
  |           ^^^^^",
        ),
        (
            "[project]\nstack = [\"one\", \"Two\"]\n",
            "
error: \"Two\" is not an extension's name: it is [a-z0-9][a-z0-9-]{0,62}
 --> devflow.toml:2:9
  |
2 | stack = [\"one\", \"Two\"]
  |         ^^^^^^^^^^^^^^",
        ),
        (
            "[project]\nstack = [\"one\", \"one\"]\n",
            "
error: `one` is named twice
 --> devflow.toml:2:17
  |
2 | stack = [\"one\", \"one\"]
  |                 ^^^^^",
        ),
        (
            "[project]\nstack = [\"rsut\"]\n",
            "
error: no extension `rsut` was found: no devflow-ext-rsut beside dwf or on PATH
 --> devflow.toml:2:10
  |
2 | stack = [\"rsut\"]
  |          ^^^^^^
hint: did you mean `rust`?",
        ),
        (
            "[runtime]\nprofile = \"host\"\n",
            "
error: `[project] stack` is missing: name the stacks, such as stack = [\"NAME\"]
 --> devflow.toml:1:1
  |
1 | [runtime]
  | ^",
        ),
        (
            "[project\nstack = []\n",
            "
error: unclosed table, expected `]`
 --> devflow.toml:1:9
  |
1 | [project
  |         ^",
        ),
        (
            "[project]\nstack = []\nstack = []\n",
            "
error: duplicate key
 --> devflow.toml:3:1
  |
3 | stack = []
  | ^^^^^",
        ),
        (
            "[project]\nstack = []\n[image]\nbase = \"debian\"\n",
            "
error: a base image has a tag, which says what it is: debian:bookworm-slim
 --> devflow.toml:4:8
  |
4 | base = \"debian\"
  |        ^^^^^^^^",
        ),
        (
            "[project]\nstack = []\n[image]\nsources = [\"images\", \"images\"]\n",
            "
error: this source is named twice
 --> devflow.toml:4:22
  |
4 | sources = [\"images\", \"images\"]
  |                      ^^^^^^^^",
        ),
        (
            "[project]\nstack = []\n[image]\npackages = [\"make\", \"tini-\"]\n",
            "
error: a package is NAME or NAME=VERSION, in the distribution's own spelling
 --> devflow.toml:4:21
  |
4 | packages = [\"make\", \"tini-\"]
  |                     ^^^^^^^",
        ),
        (
            "# Ünïcödé\n[project]\nname = \"Ä\" # …\nstack = []\n",
            "
error: a project's name has letters, digits, `.`, `_` and `-` only
 --> devflow.toml:3:8
  |
3 | name = \"Ä\" # …
  |        ^^^",
        ),
    ];
    for (text, expected) in cases {
        check(&sandbox, text, expected);
    }
}

#[test]
fn commands_and_targets() {
    let sandbox = Sandbox::without_engine();
    let offered = |commands: &str| {
        format!(
            "[project]\nstack = []\n[targets]\npr = [{commands}]\n[commands.\"x:one\"]\nrun = [\"true\"]\n"
        )
    };
    check(
        &sandbox,
        &offered("\"x:one\", \"x:onne\""),
        "
error: no stack of this project offers `x:onne`
 --> devflow.toml:4:16
  |
4 | pr = [\"x:one\", \"x:onne\"]
  |                ^^^^^^^^ did you mean `x:one`?",
    );
    check(
        &sandbox,
        &offered("\"One Two\""),
        "
error: `One Two` is not a command: write verb:selector, such as test:unit
 --> devflow.toml:4:7
  |
4 | pr = [\"One Two\"]
  |       ^^^^^^^^^",
    );
    check(
        &sandbox,
        &offered(""),
        "
error: target `pr` names no command
 --> devflow.toml:4:1
  |
4 | pr = []
  | ^^",
    );
    check(
        &sandbox,
        &format!("{GOOD}needs = [\"x:none\"]\n"),
        "
error: no stack of this project offers `x:none`
 --> devflow.toml:7:10
  |
7 | needs = [\"x:none\"]
  |          ^^^^^^^^ did you mean `x:one`?",
    );
    check(
        &sandbox,
        &format!("{GOOD}[commands.\"x:on\"]\ntimeout = 9\n"),
        "
error: no stack of this project offers `x:on`
 --> devflow.toml:7:11
  |
7 | [commands.\"x:on\"]
  |           ^^^^^^ did you mean `x:one`?",
    );
    check(
        &sandbox,
        &format!("{GOOD}needs = [\"x:two\"]\n[commands.\"x:two\"]\nrun = [\"true\"]\nneeds = [\"x:one\"]\n"),
        "error: these commands need each other: x:one → x:two → x:one",
    );
}

/// Values that no type can refuse: each line is added to a good configuration, and is what is shown.
#[test]
fn values() {
    let sandbox = Sandbox::without_engine();
    for (table, line, column, marks, message) in [
        (
            "container",
            r#"memory = "4 cows""#,
            10,
            8,
            r#""4 cows" is not a size: write it like "20 GB" or "512 MiB""#,
        ),
        ("container", "memory = 4", 10, 1, "this is the number 4, and has to be a text in quotes"),
        (
            "container",
            r#"shm_size = "-1 GB""#,
            12,
            7,
            r#""-1 GB" is not a size: write it like "20 GB" or "512 MiB""#,
        ),
        ("container", r#"cpus = "two""#, 8, 5, r#"this is the text "two", and has to be a number"#),
        ("container", "cpus = -1.5", 8, 4, "-1.5 is not a number of processors"),
        ("container", "cpus = nan", 8, 3, "NaN is not a number of processors"),
        ("container", r#"user = "root""#, 8, 6, r#""root" is not a user: write UID or UID:GID, in numbers"#),
        (
            "container",
            r#"user = "1001:""#,
            8,
            7,
            r#""1001:" is not a user: write UID or UID:GID, in numbers"#,
        ),
        (
            "container",
            r#"user = "4294967296""#,
            8,
            12,
            r#""4294967296" is not a user: write UID or UID:GID, in numbers"#,
        ),
        (
            "container",
            r#"image = "Not An Image""#,
            9,
            14,
            r#""Not An Image" is not the name of an image: each part of the repository is lower-case letters and digits, joined by `.`, `_`, `__` or `-`"#,
        ),
        (
            "container",
            r#"dockerfile = "/etc/passwd""#,
            14,
            13,
            "this is a path inside the project, without `..`",
        ),
        (
            "container",
            r#"dockerfile = "a/../../b""#,
            14,
            11,
            "this is a path inside the project, without `..`",
        ),
        (
            "container",
            r#"fingerprint_inputs = ["a", "../b"]"#,
            28,
            6,
            r#"the fingerprint's input "../b" holds `..`; inputs are in the project"#,
        ),
        (
            "container",
            r#"fingerprint_inputs = ["a[b"]"#,
            23,
            5,
            r#"the fingerprint's input "a[b" is no glob: unclosed character class; missing ']'"#,
        ),
        (
            "container",
            r#"pass_env = ["CI", "A B"]"#,
            19,
            5,
            r#""A B" is not a variable's name, nor a glob of such names"#,
        ),
        (
            "container",
            r#"pass_env = ["LD_PRELOAD"]"#,
            13,
            12,
            "LD_PRELOAD cannot be let through: it would change the engine's client",
        ),
        ("container", r#"tmpfs = ["tmp"]"#, 10, 5, r#"the mount target "tmp" is not absolute"#),
        (
            "container",
            r#"tmpfs = ["/proc/x"]"#,
            10,
            9,
            r#"the mount target "/proc/x" is in /proc, /sys or /dev"#,
        ),
        ("container", r#"tmpfs = ["/a", "/a"]"#, 16, 4, "two mounts want /a"),
        (
            "container",
            r#"mounts = [{ source = "../x", target = "/x" }]"#,
            22,
            6,
            "a mount's source lies inside the project",
        ),
        (
            "container",
            r#"mounts = [{ source = "/etc", target = "/x" }]"#,
            22,
            6,
            "a mount's source lies inside the project",
        ),
        (
            "container",
            r#"mounts = [{ source = "x", target = "/" }]"#,
            36,
            3,
            r#"nothing can be mounted on "/""#,
        ),
        (
            "cache",
            r#"root = "/var/cache""#,
            8,
            12,
            "the cache root is a folder inside the project, without `..`; another place is for DWF_CACHE_ROOT to say",
        ),
        (
            "cache",
            r#"root = "../cache""#,
            8,
            10,
            "the cache root is a folder inside the project, without `..`; another place is for DWF_CACHE_ROOT to say",
        ),
        (
            "cache",
            r#"root = "./""#,
            8,
            4,
            "the cache root is a folder inside the project, without `..`; another place is for DWF_CACHE_ROOT to say",
        ),
        ("cache", r#"max_size = "20""#, 12, 4, r#""20" is not a size: write it like "20 GB" or "512 MiB""#),
        (
            "cache",
            r#"max_age = "30 moons""#,
            11,
            10,
            r#""30 moons" is not a span of time: write it like "30 days" or "12 hours""#,
        ),
        (r#"commands."x:two""#, "run = []", 7, 2, "`run` of `x:two` names no program"),
        (r#"commands."x:two""#, r#"run = [""]"#, 7, 4, "`run` of `x:two` names no program"),
        (r#"commands."x:two""#, r#"run = ["a\u0000b"]"#, 7, 12, "no program can be given a NUL"),
        (
            r#"commands."x:one""#,
            "timeout = 0",
            11,
            1,
            "0 seconds are no time at all: leave it out for the default",
        ),
        (
            r#"commands."x:one""#,
            "timeout = -1",
            11,
            2,
            "this is the number -1, and has to be a whole number that is not negative",
        ),
        (
            r#"commands."x:one""#,
            r#"env = { "A B" = "x" }"#,
            9,
            5,
            r#""A B" is not a variable's name: it is [A-Za-z_][A-Za-z0-9_]*"#,
        ),
        (
            "extensions.x",
            r#"version = "^1""#,
            11,
            4,
            r#""^1" is not a version range: write it like ">=0.1, <0.2""#,
        ),
        (
            "extensions.x",
            r#"path = "../x""#,
            8,
            6,
            "an extension that came with the project lies inside it, without `..`",
        ),
        (
            "extensions.x",
            r#"path = "/bin/x""#,
            8,
            8,
            "an extension that came with the project lies inside it, without `..`",
        ),
        ("runtime", r#"profile = "hots""#, 11, 6, "unknown value `hots`"),
    ] {
        let is_known = GOOD.contains(&format!("[{table}]"));
        let head = if is_known { String::new() } else { format!("[{table}]\n") };
        let number = if is_known { 7 } else { 8 };
        let help = if table == "runtime" { " did you mean `host`?" } else { "" };
        let (indent, marks) = (" ".repeat(column - 1), "^".repeat(marks));
        check(
            &sandbox,
            &format!("{GOOD}{head}{line}\n"),
            &format!(
                "error: {message}\n --> devflow.toml:{number}:{column}\n  |\n{number} | {line}\n  | {indent}{marks}{help}"
            ),
        );
    }
}

#[test]
fn members() {
    let sandbox = Sandbox::without_engine();
    sandbox.write("p/apps/file", "");
    sandbox.write("p/apps/one/devflow.toml", "[project]\nstack = [\"Odd\"]\n");
    for (glob, message) in [
        ("libs/*", "no folder matches `libs/*`"),
        ("../*", "a member is a folder inside the project, without `..`"),
        ("/etc/*", "a member is a folder inside the project, without `..`"),
        ("a[*", "error parsing glob 'a[*': unclosed character class; missing ']'"),
        ("**", "`**` is not for members: write each level as `*`"),
    ] {
        let marks = "^".repeat(glob.len() + 2);
        check(
            &sandbox,
            &format!("[project]\nstack = []\nmembers = [\"{glob}\"]\n"),
            &format!(
                "error: {message}\n --> devflow.toml:3:12\n  |\n3 | members = [\"{glob}\"]\n  |            {marks}"
            ),
        );
    }
    check(
        &sandbox,
        "[project]\nstack = []\nmembers = [\"apps/*\"]\n",
        "
error: \"Odd\" is not an extension's name: it is [a-z0-9][a-z0-9-]{0,62}
 --> apps/one/devflow.toml:2:9
  |
2 | stack = [\"Odd\"]
  |         ^^^^^^^",
    );
}

/// What is no text file of a sane size is not read, and never waited for.
#[test]
fn files_that_are_none() {
    let sandbox = Sandbox::without_engine();
    let project = sandbox.path().join("p");
    let file = project.join("devflow.toml");
    let with = |make: &dyn Fn(), reason: &str| {
        let _ = std::fs::remove_dir_all(&project);
        std::fs::create_dir(&project).expect("a folder");
        make();
        let run = plan(&sandbox);
        run.expect(2).says("error: devflow.toml ").says(reason);
    };
    with(&|| mkfifo(&file, Mode::S_IRWXU).expect("a FIFO"), "it is not a regular file");
    with(&|| std::fs::create_dir(&file).expect("a folder"), "it is not a regular file");
    with(&|| symlink("/dev/zero", &file).expect("a link"), "it is not a regular file");
    with(&|| drop(UnixListener::bind(&file).expect("a socket")), "cannot be read");
    with(&|| symlink("gone", &file).expect("a link"), "No such file");
    with(&|| symlink("devflow.toml", &file).expect("a link"), "Too many levels of symbolic links");
    with(&|| std::fs::write(&file, "#".repeat(2 << 20)).expect("a file"), "it is larger than 1048576 bytes");
    with(&|| std::fs::write(&file, b"[project]\nname = \"\xff\"\n").expect("a file"), "is not UTF-8 text");
    let deep = format!("[project]\nstack = {}{}\n", "[".repeat(1000), "]".repeat(1000));
    check(
        &sandbox,
        &deep,
        &format!(
            "error: this is nested too deeply\n --> devflow.toml:2:89\n  |\n2 | stack = {}…\n  | {}^",
            "[".repeat(112),
            " ".repeat(88)
        ),
    );
    let deep = format!("{GOOD}[{}]\n", ["a"; 1000].join("."));
    sandbox.write("p/devflow.toml", &deep);
    plan(&sandbox).expect(2).says("error: this is nested too deeply\n --> devflow.toml:");
    sandbox.write("p/devflow.toml", "[project]\nname = \"a\0b\"\n");
    plan(&sandbox).expect(2).says(" --> devflow.toml:2:10").says("2 | name = \"a\\u{0}b\"");
}

/// What an extension finds wrong with a file, or with its own configuration, is shown the same way.
#[test]
fn what_extensions_complain_about() {
    let sandbox = Sandbox::without_engine();
    let project = "[project]\nstack = [\"rust\"]\nmembers = [\"apps/*\"]\n";
    sandbox.write("p/apps/one/Cargo.toml", "[package]\nname = \"one\"\n  version = 1.2.3\n");
    sandbox.write("p/devflow.toml", project);
    let run = plan(&sandbox);
    run.expect(2).says(" --> apps/one/Cargo.toml:3:3\n  |\n3 |   version = 1.2.3\n  |   ^^^^^^^^^^^^^^^\nsays extension `rust`");
    sandbox.write("p/apps/one/Cargo.toml", "[package]\nname = \"one\"\nversion = \"0.1.0\"\n");
    for (config, place, shown) in [
        (
            "[extensions.rust]\nconfig = { nextst = true }\n",
            "5:12",
            "5 | config = { nextst = true }\n  |            ^^^^^^",
        ),
        ("[extensions.rust.config]\n# nextst\nnextst = true\n", "6:1", "6 | nextst = true\n  | ^^^^^^"),
    ] {
        sandbox.write("p/devflow.toml", &format!("{project}{config}"));
        plan(&sandbox).expect(2).says("unknown key `nextst`").says(&format!(
            " --> devflow.toml:{place}\n  |\n{shown} did you mean `nextest`?\nsays extension `rust`"
        ));
    }
}

#[test]
fn the_users_own_file() {
    let sandbox = Sandbox::without_engine();
    sandbox.write("p/devflow.toml", GOOD);
    for (text, place) in [
        ("[extensions]\nrequest_timeot = 3\n", "2:1"),
        ("[extensions]\nrequest_timeout = 0\n", "2:19"),
        ("[trust]\nall = true\n", "1:2"),
    ] {
        let path = sandbox.write("config/devflow/config.toml", text);
        let config = sandbox.path().join("config").to_string_lossy().into_owned();
        let run = sandbox.dwf(&sandbox.path().join("p"), ["plan"]).env("XDG_CONFIG_HOME", &config).run();
        run.expect(2).says(&format!(" --> {}:{place}\n", path.display()));
    }
}

const RUST: &str = "[project]\nstack = [\"rust\"]\n";

/// Plans a project that an extension has something to offer for.
fn offered(sandbox: &Sandbox, text: &str) -> Run {
    sandbox.write("p/Cargo.toml", "[package]\nname = \"p\"\n[lib]\npath = \"lib.rs\"\n");
    sandbox.write("p/lib.rs", "");
    sandbox.write("p/devflow.toml", text);
    plan(sandbox)
}

#[test]
fn what_only_the_extensions_can_tell() {
    let sandbox = Sandbox::without_engine();
    offered(&sandbox, RUST).expect(0);
    for (code, text, expected) in [
        (
            2,
            "[targets]\npr = [\"test:unti\"]\n",
            "no stack of this project offers `test:unti`\n --> devflow.toml:4:7\n  |\n4 | pr = [\"test:unti\"]\n  |       ^^^^^^^^^^^ did you mean `test:unit`?",
        ),
        (2, "[targets]\npr = [\"node/test\"]\n", "no stack of this project offers `node/test:unit`"),
        (2, "[extensions.rsut]\n", "`rsut` is no stack of this project\n --> devflow.toml:3:13"),
        (
            2,
            "[commands.\"rust/lint:x\"]\nrun = [\"x\"]\n",
            "write it without a stack\n --> devflow.toml:3:11",
        ),
        (2, "[commands.\"test:unit\"]\n[commands.\"rust/test\"]\n", "rust/test:unit is meant here and by"),
        (4, "[extensions.rust]\nversion = \">=9\"\n", "has version 0.1.0, and devflow.toml allows >=9"),
    ] {
        let run = offered(&sandbox, &format!("{RUST}{text}"));
        run.expect(code).says(expected);
    }
}

#[test]
fn members_that_claim_too_much() {
    let sandbox = Sandbox::without_engine();
    let with = |line: &str| offered(&sandbox, &format!("[project]\nstack = [\"rust\"]\n{line}\n"));
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
    offered(&sandbox, RUST).expect(0);
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
