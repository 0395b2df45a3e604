//! `dwf fingerprint`: the same everywhere, explained, and never waiting for or failing over what it need not read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use devflow_tests::{Run, Sandbox, Spec, give, repository};

/// Nobody's.
const OTHER: (u32, u32) = (12345, 12345);

/// A project with these inputs and files.
fn project(sandbox: &Sandbox, name: &str, inputs: &str, files: &[(&str, &str)]) -> PathBuf {
    let stacks = "[project]\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n";
    let config = format!("{stacks}[container]\nfingerprint_inputs = {inputs}\n");
    for (path, text) in files.iter().chain(&[("devflow.toml", config.as_str())]) {
        sandbox.write(&format!("{name}/{path}"), text);
    }
    sandbox.path().join(name)
}

fn fingerprint(sandbox: &Sandbox, root: &Path, words: &[&str]) -> Run {
    sandbox.dwf(root, ["fingerprint"].iter().chain(words).copied()).run()
}

/// The same by somebody else, with a home of their own.
fn by_another(sandbox: &Sandbox, root: &Path) -> Run {
    let home = sandbox.path().join("another");
    fs::create_dir_all(&home).expect("a home");
    give(&home, OTHER);
    let home = home.to_string_lossy();
    let spec = sandbox.dwf(root, ["fingerprint"]).user(OTHER);
    spec.env("HOME", &home).env("XDG_STATE_HOME", &format!("{home}/state")).run()
}

#[test]
fn the_same_wherever_whenever_and_by_whomever() {
    let sandbox = Sandbox::without_engine();
    let files = [("a", "1\n"), ("ci/run.sh", "#!/bin/sh\n"), ("docs/x.md", "x"), (".gitignore", "*.log\n")];
    let one = project(&sandbox, "one", "['**']", &files);
    fs::set_permissions(one.join("ci/run.sh"), fs::Permissions::from_mode(0o755)).expect("its mode");
    symlink("ci/run.sh", one.join("link")).expect("a link");
    let before = fingerprint(&sandbox, &one, &[]).expect(0).stdout.clone();
    assert_eq!(before.trim().len(), 64);

    let all =
        "find . -type f -exec touch -d 2001-01-01 {} + ; chmod 600 a ; chmod 711 ci/run.sh ; touch x.log";
    Spec::new("sh").args(["-c", all]).cwd(&one).run().expect(0);
    assert_eq!(fingerprint(&sandbox, &one, &[]).expect(0).stdout, before);

    let two = sandbox.path().join("some/where/else").to_string_lossy().into_owned();
    sandbox.write("some/where/x", "");
    Spec::new("cp").args(["-R", &one.to_string_lossy(), &two]).run().expect(0);
    assert_eq!(fingerprint(&sandbox, Path::new(&two), &[]).expect(0).stdout, before);
    assert_eq!(fingerprint(&sandbox, &Path::new(&two).join("ci"), &[]).expect(0).stdout, before);

    give(Path::new(&two), OTHER);
    assert_eq!(by_another(&sandbox, Path::new(&two)).expect(0).stdout, before);

    sandbox.write("one/a", "1\r\n");
    assert_ne!(fingerprint(&sandbox, &one, &[]).expect(0).stdout, before);
}

#[test]
fn it_is_explained() {
    let sandbox = Sandbox::without_engine();
    let files = [("a", "1\n"), ("b/[x]", ""), ("Dockerfile.devflow", "FROM x\n"), (".cache/devflow/c", "")];
    let root = project(&sandbox, "shop", r"['**/[ab]', 'gone', '**/*.md', 'b/\[x\]', '.cache/**']", &files);
    fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o755)).expect("its mode");
    let plain = fingerprint(&sandbox, &root, &[]);
    plain.expect(0).says("warning: the fingerprint's input \"**/*.md\" matches no file");
    let run = fingerprint(&sandbox, &root, &["--explain"]);
    let sha = |text: &str| {
        let sum = Spec::new("sh").args(["-c", &format!("printf '{text}' | sha256sum | cut -c1-64")]).run();
        sum.expect(0).stdout.trim().to_owned()
    };
    let expected = format!(
        "{}pattern **/*.md\npattern **/[ab]\npattern .cache/**\npattern Dockerfile.devflow\npattern b/\\[x\\]\n\
         pattern gone\nexclude .cache/devflow\n\
         file    - {} Dockerfile.devflow\nfile    x {} a\nfile    - {} b/[x]\nabsent  - {:<64} gone\n",
        plain.stdout,
        sha("FROM x\\n"),
        sha("1\\n"),
        sha(""),
        "-"
    );
    assert_eq!(run.expect(0).stdout, expected);
}

#[test]
fn what_cannot_be_read_counts_only_where_it_is_an_input() {
    let sandbox = Sandbox::without_engine();
    let files = [("ci/a", "1"), ("huge/a/b", "2"), ("ci/secret", "3")];
    let root = project(&sandbox, "shop", "['ci/*', 'top', '*.md']", &files);
    give(&root, OTHER);
    let mode = |path: &str, mode| {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).expect(path)
    };
    mode("huge", 0);
    by_another(&sandbox, &root).expect(0);
    mode("ci/secret", 0);
    let run = by_another(&sandbox, &root);
    run.expect(6)
        .says("cannot read the fingerprint's input \"ci/secret\": Permission denied")
        .says(".gitignore");
    sandbox.write("shop/.gitignore", "secret\n");
    by_another(&sandbox, &root).expect(0);
    mode("huge", 0o755);
    mode("huge/a", 0);
    sandbox.write("shop/.gitignore", "secret\n/huge\n");
    by_another(&sandbox, &root).expect(0);
    let root = project(&sandbox, "shop", "['**/b']", &[(".gitignore", "secret\n")]);
    by_another(&sandbox, &root).expect(6).says("\"huge/a\": Permission denied");
}

#[test]
fn what_is_no_file_is_an_error_at_once() {
    let sandbox = Sandbox::without_engine();
    let root = project(&sandbox, "shop", "['ci/**']", &[("ci/a", "1")]);
    Spec::new("mkfifo").args(["pipe", "ci/pipe"]).cwd(&root).run().expect(0);
    let run = fingerprint(&sandbox, &root, &[]);
    run.expect(2).says("the fingerprint's input \"ci/pipe\" is a pipe").says("hint: ");
    fs::remove_file(root.join("ci/pipe")).expect("it is there");
    let socket = UnixListener::bind(root.join("ci/socket")).expect("a socket");
    fingerprint(&sandbox, &root, &[]).expect(2).says("\"ci/socket\" is a socket");
    drop(socket);
    sandbox.write("shop/.gitignore", "socket\n");
    fingerprint(&sandbox, &root, &[]).expect(0);
    for (inputs, words) in [
        ("['../x']", "holds `..`; inputs are in the project"),
        ("['/etc/passwd']", "is absolute; inputs are relative to the project's root"),
        ("['{a']", "has braces that do not match"),
        ("['[ü]']", "has a set with other than ASCII characters"),
    ] {
        let root = project(&sandbox, "shop", inputs, &[]);
        fingerprint(&sandbox, &root, &[]).expect(2).says(words).says("devflow.toml:6:23");
    }
    let root = project(&sandbox, "shop", "['out/passwd']", &[]);
    symlink("/etc", root.join("out")).expect("a link");
    let run = fingerprint(&sandbox, &root, &["--explain"]);
    run.expect(0).says("counts as absent: the symbolic link \"out\" is not followed");
    assert!(run.stdout.contains("absent  - "), "{run}");
}

/// A file larger than the memory that dwf may have.
#[test]
fn huge_files_are_streamed() {
    let sandbox = Sandbox::without_engine();
    let root = project(&sandbox, "shop", "['huge']", &[("huge", "")]);
    let file = fs::File::options().write(true).open(root.join("huge")).expect("a file");
    file.set_len(1 << 30).expect("its size");
    let run = sandbox.shell(&root, "ulimit -v 600000; exec dwf fingerprint --explain").run();
    // A gibibyte of zeros, as sha256sum has it.
    let sum = "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14";
    assert!(run.expect(0).stdout.contains(&format!("file    - {sum} huge")), "{run}");
}

#[test]
fn a_signal_ends_it_in_the_middle_of_a_file() {
    let sandbox = Sandbox::without_engine();
    let root = project(&sandbox, "shop", "['huge']", &[("huge", "")]);
    let huge = root.join("huge");
    fs::File::options().write(true).open(&huge).expect("a file").set_len(1 << 40).expect("its size");
    let started = sandbox.dwf(&root, ["fingerprint"]).start();
    let pid = started.child.id().to_string();
    let deadline = Instant::now() + Duration::from_secs(60);
    let opened = || {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path == huge)
    };
    while !opened() {
        assert!(Instant::now() < deadline, "it does not read its input");
        std::thread::sleep(Duration::from_millis(10));
    }
    // The rest would take many minutes.
    Spec::new("kill").args(["-INT", &pid]).run().expect(0);
    started.wait().expect(130);
}

/// The contract of extensions and the page of fingerprints say the same of globs.
#[test]
fn the_documents_agree_on_globs() {
    let table = |document: &str, head: &str| {
        let text = fs::read_to_string(repository().join(document)).expect(document);
        let rows: Vec<_> = text.lines().map(str::to_owned).skip_while(|line| line != head).collect();
        rows.into_iter().take_while(|line| line.starts_with('|')).collect::<Vec<_>>()
    };
    for head in ["| piece | matches |", "| glob | matches | does not match |"] {
        let rows = table("oci/FINGERPRINT.md", head);
        assert!(rows.len() > 5, "{head}");
        assert_eq!(rows, table("protocol/SPEC.md", head));
    }
}
