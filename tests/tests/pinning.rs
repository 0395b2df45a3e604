//! Extensions pinned by hash: written here, verified there, and everything that must be refused.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use devflow_tests::{Page, Run, Sandbox, Server, append, build, edit, repository};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A project that names an extension, and a second checkout of it by somebody else.
struct Pinning {
    sandbox: Sandbox,
    project: PathBuf,
}

impl Pinning {
    fn new(stack: &str) -> Self {
        let sandbox = Sandbox::without_engine();
        sandbox.write("project/hello.txt", "hello\n");
        sandbox.write("project/devflow.toml", &format!("[project]\nstack = [\"{stack}\"]\n"));
        let project = sandbox.path().join("project");
        std::fs::create_dir(sandbox.path().join("home/other")).expect("another home");
        Self { sandbox, project }
    }

    fn dwf(&self, args: &[&str]) -> Run {
        self.sandbox.dwf(&self.project, args.iter().copied()).run()
    }

    /// The same project as another user has it: nothing in the store, nothing trusted.
    fn elsewhere(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        let home = self.sandbox.path().join("home/other").to_string_lossy().into_owned();
        let spec = self.sandbox.dwf(&self.project, args.iter().copied());
        let spec = spec.env("HOME", &home).env("XDG_STATE_HOME", &format!("{home}/state"));
        env.iter().fold(spec, |spec, (name, value)| spec.env(name, value)).run()
    }

    fn lock(&self) -> PathBuf {
        self.project.join("devflow.lock")
    }

    fn lock_text(&self) -> String {
        std::fs::read_to_string(self.lock()).expect("a lock")
    }

    fn script(&self, path: &str) -> PathBuf {
        self.sandbox.program(&format!("project/{path}"), &example())
    }
}

fn example() -> String {
    let path = repository().join("protocol/examples/devflow-ext-hello-sh");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first bytes of a native program of another machine.
fn foreign(system: &str) -> Vec<u8> {
    let mut bytes = match system {
        "aarch64-linux" => vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 183, 0],
        "x86_64-linux" => vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0],
        "aarch64-macos" => vec![0xcf, 0xfa, 0xed, 0xfe, 12, 0, 0, 1],
        other => panic!("{other}"),
    };
    bytes.resize(500, 0);
    bytes
}

fn archive(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    for (name, mode, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_size(bytes.len() as u64);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).expect("an entry");
    }
    builder.into_inner().and_then(|encoder| encoder.finish()).expect("an archive")
}

/// Everything in the stores of a sandbox that is no folder.
fn stored(home: &Path) -> Vec<String> {
    let run = devflow_tests::Spec::new("find").args([home.to_string_lossy().as_ref()]);
    let run = run.args(["-path", "*/devflow/ext/*", "-type", "f"]).run();
    run.expect(0).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_lock_for_several_platforms_is_written_here_and_verified_elsewhere() {
    let pinning = Pinning::new("rust");
    pinning.sandbox.write("project/Cargo.toml", "[package]\nname = \"x\"\nversion = \"0.1.0\"\n");
    pinning.sandbox.write("project/src/lib.rs", "");
    let server = Server::start();
    let program = std::fs::read(build().join("devflow-ext-rust")).expect("an extension");
    let name = |platform: &str| format!("/v1/devflow-ext-rust-{platform}.tar.gz");
    let this = format!("{}-linux", std::env::consts::ARCH);
    for platform in ["x86_64-linux", "aarch64-linux", "aarch64-macos"] {
        let bytes = if platform == this { program.clone() } else { foreign(platform) };
        let files: [(&str, u32, &[u8]); 2] =
            [("README", 0o644, b"read me"), ("bin/devflow-ext-rust", 0o755, &bytes)];
        server.page(&name(platform), Page::Bytes(archive(&files)));
    }
    let address = format!("{}{}", server.address(), name("{target}"));
    let run = pinning.dwf(&["ext", "pin", &address]);
    run.expect(0).says("note: ").says("x86_64-macos.tar.gz cannot be fetched: the server answers 404");
    run.says("pinned: rust ").says("aarch64-macos sha256:");
    let text = pinning.lock_text();
    assert_eq!(text.matches("\narchive = \"sha256:").count(), 3, "{text}");
    assert_eq!(text.matches("\nentry = \"bin/devflow-ext-rust\"").count(), 3, "{text}");
    server.asked();

    // Here it is in the store already.
    pinning.dwf(&["ext", "sync"]).expect(0).says("there already: rust");
    let here = pinning.dwf(&["--locked", "plan", "test:unit"]);
    assert_eq!((server.asked(), here.code), (Vec::<String>::new(), 0), "{here}");

    // Elsewhere it is fetched by nothing but sync, and only after consent.
    let plan = ["plan", "test:unit"];
    pinning.elsewhere(&plan, &[]).expect(3).says("`rust` is not in the store").says("dwf ext sync");
    let refused = pinning.elsewhere(&["ext", "sync"], &[]);
    refused.expect(3).says("nobody outside this project has agreed").says(&name(&this));
    assert_eq!((server.asked(), stored(&pinning.sandbox.path().join("home/other")).len()), (vec![], 0));
    let trust = refused.stderr.split("DWF_TRUST=").nth(1).expect("the hash").trim().to_owned();
    pinning.elsewhere(&["ext", "sync"], &[("DWF_TRUST", &"0".repeat(64))]).expect(3);
    let synced = pinning.elsewhere(&["ext", "sync"], &[("DWF_TRUST", &trust)]);
    synced.expect(0).says(&format!("fetched: rust  sha256:{trust}  from {}", server.address()));
    assert_eq!(server.asked(), [name(&this)]);
    let there = pinning.elsewhere(&plan, &[("CI", "true")]);
    assert_eq!(there.expect(0).stdout, here.stdout, "the same plan, with the same digest");
    assert!(here.stdout.contains("rust 0.1.0 (pinned)"), "{here}");

    // The digest holds all that is pinned, for whichever platform.
    let moved = text.replace("[extension.platform.aarch64-macos]", "[extension.platform.x86_64-macos]");
    std::fs::write(pinning.lock(), moved).expect("a lock");
    let moved = pinning.dwf(&["--locked", "plan", "test:unit"]);
    assert_ne!(moved.expect(0).stdout.lines().nth(1), here.stdout.lines().nth(1));
}

#[test]
fn what_a_server_gives_has_to_be_what_is_pinned() {
    let pinning = Pinning::new("hello-sh");
    let server = Server::start();
    let good = example().into_bytes();
    let address = server.page("/devflow-ext-hello-sh", Page::Bytes(good.clone()));
    pinning.dwf(&["ext", "pin", &address]).expect(0).says("any           sha256:");
    let trust = pinning.lock_text().split("sha256:").nth(1).expect("a hash")[..64].to_owned();
    let sync = || pinning.elsewhere(&["ext", "sync"], &[("DWF_TRUST", &trust)]);
    let store = pinning.sandbox.path().join("home/other");

    let evil = [&good[..], b"# evil\n"].concat();
    for (page, code, words) in [
        (Page::Bytes(evil.clone()), 3, "is not what devflow.lock pins"),
        (Page::Bytes(good[..good.len() / 2].to_vec()), 3, "is not what devflow.lock pins"),
        (Page::Torn(good.clone()), 6, "cannot be fetched"),
        (Page::Elsewhere(address.clone()), 6, "redirect"),
    ] {
        server.page("/devflow-ext-hello-sh", page);
        let run = sync();
        run.expect(code).says(words).says(&address);
        if code == 3 {
            run.says(&format!("expected  sha256:{trust}")).says("found     sha256:").says("source    http");
        }
        assert_eq!(stored(&store), Vec::<String>::new());
    }
    let moved = server.page("/moved", Page::Bytes(good));
    server.page("/devflow-ext-hello-sh", Page::Elsewhere(moved));
    sync().expect(0).says("fetched: hello-sh");
    let files = stored(&store);
    assert_eq!(files.len(), 1, "{files:?}");
    let plan = || pinning.elsewhere(&["plan", "test:unit"], &[]);
    plan().expect(0);

    // What was changed in the store is not started, and is mended.
    std::fs::set_permissions(&files[0], std::fs::Permissions::from_mode(0o700)).expect("a mode");
    std::fs::write(&files[0], &evil).expect("a file");
    plan().expect(3).says("was changed: it has the hash sha256:").says("dwf ext sync");
    sync().expect(0).says("was changed").says("fetched: hello-sh");
    plan().expect(0);
}

#[test]
fn an_interrupted_download_leaves_nothing() {
    let pinning = Pinning::new("hello-sh");
    let server = Server::start();
    let address = server.page("/devflow-ext-hello-sh", Page::Silent(example().into_bytes()));
    let args = ["ext", "pin", address.as_str()];
    let started = pinning.sandbox.dwf(&pinning.project, args).start();
    let begin = Instant::now();
    while server.asked().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing is fetched");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = Pid::from_raw(i32::try_from(started.child.id()).expect("a process id"));
    kill(pid, Signal::SIGINT).expect("a signal");
    started.wait().expect(130).says("interrupted by SIGINT");
    let tmp = pinning.sandbox.path().join("home/.local/share/devflow/ext/tmp");
    assert_eq!(std::fs::read_dir(tmp).expect("a folder").count(), 0);
    assert!(!pinning.lock().exists());
}

#[test]
fn a_proxy_of_the_environment_is_asked() {
    let pinning = Pinning::new("hello-sh");
    let (proxy, address) = (Server::start(), "http://host.invalid/devflow-ext-hello-sh");
    let pin = |more: &[(&str, &str)]| {
        let spec = pinning.sandbox.dwf(&pinning.project, ["ext", "pin", address]);
        more.iter().fold(spec, |spec, (name, value)| spec.env(name, value)).run().expect(6).clone()
    };
    pin(&[("HTTP_PROXY", proxy.address())]);
    assert_eq!(proxy.asked().len(), 1);
    pin(&[("HTTP_PROXY", proxy.address()), ("NO_PROXY", "host.invalid")]);
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

#[test]
fn archives_that_reach_out_are_refused() {
    let pinning = Pinning::new("hello-sh");
    let server = Server::start();
    let script = example().into_bytes();
    let program = ("devflow-ext-hello-sh", 0o755, &script[..]);
    for (name, words) in
        [("../../escaped", "no plain path"), ("/escaped", "no plain path"), (program.0, "is in it twice")]
    {
        let bytes = archive(&[program, (name, 0o755, b"#!/bin/sh\n")]);
        let address = server.page("/x.tar.gz", Page::Bytes(bytes));
        pinning.dwf(&["ext", "pin", &address]).expect(3).says("the archive").says(words);
    }
    assert!(!pinning.lock().exists());
    assert_eq!(stored(pinning.sandbox.path()), Vec::<String>::new());
    let bytes = archive(&[program, ("lib/words", 0o644, b"hello\n")]);
    let address = server.page("/x.tar.gz", Page::Bytes(bytes));
    pinning.dwf(&["ext", "pin", &address]).expect(0);
    assert!(pinning.lock_text().contains("kind = \"tree\""), "{}", pinning.lock_text());
    assert_eq!(stored(pinning.sandbox.path()).len(), 2);
    pinning.dwf(&["plan", "test:unit"]).expect(0);
}

#[test]
fn a_lock_cannot_trust_itself() {
    let pinning = Pinning::new("hello-sh");
    let script = pinning.script("tools/devflow-ext-hello-sh");
    pinning.dwf(&["ext", "pin", "./tools/devflow-ext-hello-sh"]).expect(0);
    assert!(pinning.lock_text().contains("source = \"tools/devflow-ext-hello-sh\""));
    let plan = ["plan", "test:unit"];
    for run in [pinning.dwf(&plan), pinning.elsewhere(&plan, &[])] {
        run.expect(3).says("came with this project").says("dwf trust");
    }
    pinning.elsewhere(&["ext", "sync"], &[]).expect(3).says("nobody outside this project has agreed");
    pinning.elsewhere(&["trust"], &[]).expect(0);
    pinning.elsewhere(&plan, &[]).expect(0);
    // It needs no sync: the file is here, and it is what is pinned.
    assert_eq!(stored(&pinning.sandbox.path().join("home/other")).len(), 0);

    append(&script, "# one byte more\n");
    pinning.elsewhere(&plan, &[]).expect(3).says("is not what devflow.lock pins").says("dwf ext update");
    let hash = devflow_hash(&script);
    let old = pinning.lock_text().split("sha256:").nth(1).expect("a hash")[..64].to_owned();
    edit(&pinning.lock(), &old, &hash);
    pinning.elsewhere(&plan, &[]).expect(3).says("came with this project");
}

/// The hash of a file, as another program says it.
fn devflow_hash(path: &Path) -> String {
    let run = devflow_tests::Spec::new("sha256sum").args([path.to_string_lossy()]).run();
    run.expect(0).stdout[..64].to_owned()
}

#[test]
fn locked_takes_only_what_is_pinned() {
    let pinning = Pinning::new("hello-sh");
    let plan = ["--locked", "plan", "test:unit"];
    pinning.dwf(&plan).expect(3).says("does not pin `hello-sh`").says("dwf ext pin hello-sh");
    let own = pinning.sandbox.project("rust", "rust");
    pinning.sandbox.dwf(&own, plan).run().expect(3).says("dwf ext pin rust");
    pinning.sandbox.dwf(&own, ["ext", "pin", "rust"]).run().expect(0).says("installed");
    pinning.sandbox.dwf(&own, plan).run().expect(0);
    pinning.sandbox.dwf(&own, ["--locked", "ext", "pin", "rust"]).run().expect(3).says("leaves devflow.lock");
    let lock = std::fs::read_to_string(own.join("devflow.lock")).expect("a lock");
    assert!(lock.contains("source = \"installed\""), "{lock}");

    // A variable is an author's, not a gate's.
    let script = pinning.sandbox.program("mine/devflow-ext-hello-sh", &example());
    let variable = ("DWF_EXT_HELLO_SH", script.to_str().expect("a path"));
    let with = |args: &[&str], more: &[(&str, &str)]| {
        let spec = pinning.sandbox.dwf(&pinning.project, args.iter().copied());
        more.iter().fold(spec.env(variable.0, variable.1), |spec, (name, value)| spec.env(name, value)).run()
    };
    with(&["plan", "test:unit"], &[]).expect(0);
    with(&plan, &[]).expect(3);
    with(&["plan", "test:unit"], &[("CI", "true")]).expect(0);
    std::fs::write(pinning.lock(), "version = 1\n").expect("a lock");
    with(&["plan", "test:unit"], &[]).expect(0);
    with(&["plan", "test:unit"], &[("CI", "true")]).expect(3).says("does not pin `hello-sh`");
}

#[test]
fn every_broken_lock_has_an_error_of_its_own() {
    let pinning = Pinning::new("hello-sh");
    pinning.script("tools/devflow-ext-hello-sh");
    pinning.dwf(&["ext", "pin", "./tools/devflow-ext-hello-sh"]).expect(0);
    let good = pinning.lock_text();
    let check = |text: String, code: i32, words: &str| {
        std::fs::write(pinning.lock(), text).expect("a lock");
        pinning.dwf(&["plan", "test:unit"]).expect(code).says(words).says(" --> devflow.lock:");
    };
    check(good.replace("version = 1\n", "version = 2\n"), 3, "has version 2, which this dwf does not know");
    check(format!("{good}<<<<<<< HEAD\n=======\n>>>>>>> other\n"), 2, "an unresolved merge conflict");
    let short = good.rfind("\"\n").expect("the last hash");
    check(format!("{}{}", &good[..short - 1], &good[short..]), 2, "this hash has 63 digits");
    check(good.replace("kind = ", "kinds = "), 2, "unknown key `kinds`");
    check(format!("{good}{}", &good[good.find("[[").expect("a table")..]), 2, "is pinned twice");
    let other = if std::env::consts::ARCH == "x86_64" { "aarch64-linux" } else { "x86_64-linux" };
    check(good.replace("platform.any", &format!("platform.{other}")), 3, "is not pinned for");
    std::fs::write(pinning.lock(), &good[..good.len() / 2]).expect("a lock");
    pinning.dwf(&["plan", "test:unit"]).expect(2);
    std::fs::write(pinning.lock(), good.replace('\n', "\r\n")).expect("a lock");
    pinning.dwf(&["ext", "list"]).expect(0);
}

#[test]
fn a_path_that_is_not_the_pinned_one_is_refused() {
    let pinning = Pinning::new("hello-sh");
    pinning.script("tools/devflow-ext-hello-sh");
    pinning.dwf(&["ext", "pin", "./tools/devflow-ext-hello-sh"]).expect(0);
    let other = pinning.script("other/devflow-ext-hello-sh");
    append(
        &pinning.project.join("devflow.toml"),
        "[extensions.hello-sh]\npath = \"other/devflow-ext-hello-sh\"\n",
    );
    pinning.dwf(&["trust"]).expect(0);
    // The same bytes are the same extension.
    pinning.dwf(&["plan", "test:unit"]).expect(0);
    append(&other, "# more\n");
    pinning.dwf(&["trust"]).expect(0);
    let run = pinning.dwf(&["plan", "test:unit"]);
    run.expect(3).says("`path` of extension `hello-sh` is not what devflow.lock pins");
    run.says(" --> devflow.toml:4:8").says(" --> devflow.lock:");
}

#[test]
fn an_update_shows_how_the_answers_change() {
    let pinning = Pinning::new("hello-sh");
    let script = pinning.script("tools/devflow-ext-hello-sh");
    let update = |more: &[&str]| pinning.dwf(&[&["ext", "update", "hello-sh"], more].concat());
    update(&[]).expect(2).says("devflow.lock does not pin `hello-sh`");
    pinning.dwf(&["ext", "pin", "./tools/devflow-ext-hello-sh"]).expect(0);
    let digest = format!("sha256:{}", "0".repeat(64));
    append(&pinning.lock(), &format!("\n# a remark\n[[image]]\nname = \"debian\"\ndigest = \"{digest}\"\n"));
    update(&[]).expect(3).says("came with this project");
    pinning.dwf(&["trust"]).expect(0);
    let same = update(&["--diff"]);
    assert!(same.expect(0).stdout.contains("the answers about this project are the same"), "{same}");

    edit(&script, "\"grep\"", "\"egrep\"");
    let before = pinning.lock_text();
    let shown = update(&["--diff"]);
    for words in ["hello-sh  0.1.0 → 0.1.0", "another answer", "-", "grep\"", "+", "\"egrep\""] {
        assert!(shown.expect(0).stdout.contains(words), "{words}: {shown}");
    }
    assert_eq!(pinning.lock_text(), before);
    pinning.dwf(&["plan", "lint:static"]).expect(3).says("is not what devflow.lock pins");

    let moved = update(&[]);
    assert_eq!(moved.expect(0).stdout, shown.stdout);
    let after = pinning.lock_text();
    assert!(after.contains(&devflow_hash(&script)) && after.contains("\n# a remark\n[[image]]\n"), "{after}");
    // It was the user who changed the lock, and who had agreed before.
    pinning.dwf(&["plan", "lint:static"]).expect(0);
    let list = pinning.dwf(&["ext", "list"]);
    let hash = format!("sha256:{}", devflow_hash(&script));
    assert!(
        list.expect(0).stdout.contains("(pinned by devflow.lock)") && list.stdout.contains(&hash),
        "{list}"
    );
}

#[test]
fn what_cannot_be_pinned_is_said() {
    let pinning = Pinning::new("hello-sh");
    let server = Server::start();
    let odd = server.page("/odd", Page::Bytes(example().into_bytes()));
    let foreign = server.page("/devflow-ext-hello-sh", Page::Bytes(foreign("aarch64-macos")));
    let text = pinning.sandbox.write("project/text", "text");
    for (args, code, words) in [
        (vec!["nothing-such"], 2, "no extension `nothing-such` was found"),
        (vec!["./gone"], 2, "./gone: "),
        (vec![text.to_str().expect("a path")], 2, "it is no script"),
        (vec![odd.as_str()], 2, "the name of the extension"),
        (vec!["--name", "other", odd.as_str()], 4, "says its name is `hello-sh`"),
        (vec![foreign.as_str()], 2, "runs on this machine"),
        (vec!["ftp://example.org/x"], 2, "a source is https://"),
        (vec!["https://me:secret@example.org/x"], 2, "no user and no password"),
        (vec!["http://127.0.0.1:1/devflow-ext-{target}"], 6, "cannot be fetched"),
        (vec!["http://x/{version}"], 2, "characters that no address has"),
        (vec!["--read", "etc", odd.as_str()], 2, "a folder is absolute"),
    ] {
        let run = pinning.dwf(&[&["ext", "pin"], &args[..]].concat());
        run.expect(code).says(words);
        assert!(!pinning.lock().exists(), "{run}");
    }
    assert_eq!(stored(pinning.sandbox.path()), Vec::<String>::new());
    pinning.dwf(&["ext", "pin", "--name", "hello-sh", "--read", "/usr/share", &odd]).expect(0);
    assert!(pinning.lock_text().contains("reads = [\"/usr/share\"]"));
    // What it may read is the lock's wish, and so needs consent.
    pinning.dwf(&["plan", "test:unit"]).expect(3).says("dwf trust");
}

#[test]
fn a_folder_is_pinned_as_a_tree() {
    let pinning = Pinning::new("hello-sh");
    pinning.script("tools/hello/devflow-ext-hello-sh");
    let words = pinning.sandbox.write("project/tools/hello/lib/words", "hello\n");
    pinning.dwf(&["ext", "pin", "./tools/hello"]).expect(0);
    let text = pinning.lock_text();
    assert!(text.contains("kind = \"tree\"") && text.contains("source = \"tools/hello\""), "{text}");
    pinning.dwf(&["trust"]).expect(0);
    pinning.dwf(&["plan", "test:unit"]).expect(0);
    pinning.elsewhere(&["trust"], &[]).expect(0);
    pinning.elsewhere(&["plan", "test:unit"], &[]).expect(0);
    append(&words, "more\n");
    pinning.dwf(&["plan", "test:unit"]).expect(3).says("is not what devflow.lock pins");
    std::fs::remove_file(&words).expect("a file");
    std::os::unix::fs::symlink("/etc/passwd", &words).expect("a link");
    pinning.dwf(&["plan", "test:unit"]).expect(3).says("neither a regular file nor a folder");
}
