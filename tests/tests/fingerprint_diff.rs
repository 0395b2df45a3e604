//! `dwf fingerprint --diff`: which input changed since a commit, or since a fingerprint that was met before.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use devflow_tests::{Run, Sandbox, Spec};
use serde_json::Value;

const CONFIG: &str =
    "[project]\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n[container]\nfingerprint_inputs = ['**']\n";

fn git(root: &Path, words: &[&str]) -> String {
    let own = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always"];
    Spec::new("git").args(own).args(words.iter().copied()).cwd(root).run().expect(0).stdout.trim().to_owned()
}

fn commit(root: &Path) -> String {
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "--allow-empty", "-m", "x"]);
    git(root, &["rev-parse", "HEAD"])
}

/// A repository with one commit.
fn shop(sandbox: &Sandbox) -> PathBuf {
    for (path, text) in
        [("devflow.toml", CONFIG), (".gitignore", "*.log\n"), ("a", "1\n"), ("b/c", "2\n"), ("b/run", "")]
    {
        sandbox.write(&format!("shop/{path}"), text);
    }
    let root = sandbox.path().join("shop");
    git(&root, &["init", "-q", "-b", "main"]);
    commit(&root);
    root
}

fn diff(sandbox: &Sandbox, root: &Path, than: &str) -> Run {
    sandbox.dwf(root, ["fingerprint", &format!("--diff={than}")]).run()
}

fn hex(sandbox: &Sandbox, root: &Path) -> String {
    sandbox.dwf(root, ["fingerprint"]).run().expect(0).stdout.trim().to_owned()
}

#[test]
fn what_changed_since_a_commit() {
    let sandbox = Sandbox::without_engine();
    let root = shop(&sandbox);
    let first = hex(&sandbox, &root);
    let same = format!("from {first} (HEAD)\nto   {first}\nnothing changed\n");
    assert_eq!(diff(&sandbox, &root, "HEAD").expect(0).stdout, same);

    sandbox.write("shop/a", "1\r\n");
    sandbox.write("shop/new", "");
    sandbox.write("shop/x.log", "");
    fs::remove_file(root.join("b/c")).expect("it is there");
    symlink("../a", root.join("b/c")).expect("a link");
    fs::set_permissions(root.join("b/run"), fs::Permissions::from_mode(0o755)).expect("its mode");
    fs::remove_file(root.join(".gitignore")).expect("it is there");
    let second = hex(&sandbox, &root);
    let run = diff(&sandbox, &root, "main");
    let changes = "- .gitignore\n~ a: content\n~ b/c: kind\n~ b/run: permission to run\n+ new\n+ x.log\n";
    assert_eq!(run.expect(0).stdout, format!("from {first} (main)\nto   {second}\n{changes}"));
    // Nothing is checked out, no index is written.
    assert!(git(&root, &["status", "--porcelain"]).contains("?? new"));

    let run = sandbox.dwf(&root, ["fingerprint", "--json", "--diff", "HEAD~0"]).run();
    let value: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
    assert_eq!((value["from"].as_str(), value["to"].as_str()), (Some(first.as_str()), Some(second.as_str())));
    assert_eq!(value["changes"][0]["removed"]["path"], ".gitignore");
    assert_eq!(value["changes"][1]["changed"]["to"]["kind"], "file");
}

/// Of every commit: its objects give the fingerprint that a checkout of it has.
#[test]
fn commits_have_the_fingerprints_of_their_checkouts() {
    let sandbox = Sandbox::without_engine();
    let root = shop(&sandbox);
    let mut commits = vec![git(&root, &["rev-parse", "HEAD"])];
    sandbox.write("shop/Dockerfile.devflow", "FROM x\n");
    sandbox.write("shop/gr\u{fc}n/gru\u{308}n", "x\r\n");
    sandbox.write("shop/large", &"x".repeat(300_000));
    commits.push(commit(&root));
    let only = CONFIG
        .replace("'**'", "'b/**', 'gone', 'x.log'")
        .replace("[container]", "[container]\ndockerfile = \"large\"");
    sandbox.write("shop/devflow.toml", &only);
    sandbox.write("shop/b/.gitignore", "c\n!keep.log\n");
    sandbox.write("shop/b/keep.log", "");
    symlink("/nowhere", root.join("b/link")).expect("a link");
    fs::set_permissions(root.join("b/run"), fs::Permissions::from_mode(0o755)).expect("its mode");
    commits.push(commit(&root));
    fs::remove_file(root.join("devflow.toml")).expect("it is there");
    sandbox.write("shop/devflow.toml", CONFIG);
    sandbox.write("shop/.git/info/exclude", "large\n");
    commits.push(commit(&root));
    git(&root, &["tag", "-a", "-m", "x", "v1"]);
    commits.push("v1".to_owned());

    let mut known = Vec::new();
    for (number, id) in commits.iter().enumerate() {
        let run = sandbox.dwf(&root, ["fingerprint", "--json", "--diff", id]).run();
        let value: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
        let from = value["from"].as_str().expect("a fingerprint").to_owned();
        let checkout = sandbox.path().join(format!("checkout-{number}"));
        git(&root, &["worktree", "add", "-q", "--detach", &checkout.to_string_lossy(), id]);
        assert_eq!(from, hex(&sandbox, &checkout), "{number}");
        known.push(from);
    }
    known.dedup();
    assert_eq!(known.len(), 4, "{known:?}");
}

#[test]
fn a_project_in_a_folder_of_its_repository() {
    let sandbox = Sandbox::without_engine();
    for (path, text) in [
        (".gitignore", "*.log\n/shop/out\n"),
        ("shop/devflow.toml", CONFIG),
        ("shop/a", "1"),
        ("other/b", "2"),
    ] {
        sandbox.write(&format!("house/{path}"), text);
    }
    let house = sandbox.path().join("house");
    let root = house.join("shop");
    git(&house, &["init", "-q"]);
    commit(&house);
    sandbox.write("house/shop/x.log", "");
    sandbox.write("house/shop/out/y", "");
    let run = diff(&sandbox, &root, "HEAD");
    assert!(run.expect(0).stdout.ends_with("nothing changed\n"), "{run}");
    sandbox.write("house/shop/a", "2");
    assert!(diff(&sandbox, &root, "HEAD").stdout.ends_with("\n~ a: content\n"));
}

#[test]
fn another_repository_inside_is_said() {
    let sandbox = Sandbox::without_engine();
    let root = shop(&sandbox);
    let from = sandbox.path().join("lib");
    sandbox.write("lib/x", "x");
    git(&from, &["init", "-q"]);
    commit(&from);
    git(&root, &["submodule", "--quiet", "add", &from.to_string_lossy(), "lib"]);
    commit(&root);
    let run = diff(&sandbox, &root, "HEAD");
    run.expect(0).says(
        "warning: HEAD: \"lib\" is another repository, of which no file is in the fingerprint of a commit",
    );
    assert!(run.stdout.ends_with("\n+ lib/x\n"), "{run}");
}

#[test]
fn what_changed_since_an_earlier_fingerprint() {
    let sandbox = Sandbox::without_engine();
    sandbox.write("shop/devflow.toml", CONFIG);
    let root = sandbox.write("shop/a", "1").parent().map(PathBuf::from).expect("a folder");
    let first = hex(&sandbox, &root);
    sandbox.write("shop/a", "2");
    let second = hex(&sandbox, &root);
    let run = diff(&sandbox, &root, &first);
    assert_eq!(run.expect(0).stdout, format!("from {first}\nto   {second}\n~ a: content\n"));
    // A run meets it too.
    sandbox.write("shop/a", "3");
    let planned = sandbox.dwf(&root, ["plan", "--json", "x:y"]).run();
    let value: Value = serde_json::from_str(&planned.expect(0).stdout).expect("JSON");
    sandbox.write("shop/a", "4");
    let third = value["fingerprint"].as_str().expect("a fingerprint");
    assert!(diff(&sandbox, &root, third).expect(0).stdout.ends_with("~ a: content\n"));

    let unknown = "0".repeat(64);
    let run = diff(&sandbox, &root, &unknown);
    run.expect(2)
        .says(&format!("dwf does not remember what the fingerprint {unknown} was made of"))
        .says("last 20");

    let state = sandbox.path().join("home/state/devflow/fingerprints");
    let kept = Spec::new("find").args([state.to_string_lossy().as_ref(), "-perm", "/077"]).run();
    assert_eq!(kept.expect(0).stdout.lines().skip(1).collect::<Vec<_>>(), [""; 0], "others may read it");
    let file =
        Spec::new("find").args([state.to_string_lossy().as_ref(), "-name", &format!("{first}.json")]).run();
    fs::write(file.stdout.trim(), "[]").expect("a file");
    diff(&sandbox, &root, &first).expect(2).says("is not that fingerprint").says("hint: remove ");

    // A state that cannot be written to takes nothing else away.
    let other = sandbox.dwf(&root, ["fingerprint"]).env("XDG_STATE_HOME", "/proc/nowhere").run();
    other.expect(0);
}

#[test]
fn what_git_cannot_answer() {
    let sandbox = Sandbox::without_engine();
    let root = shop(&sandbox);
    for than in
        ["gone", "-x", "--all", "", "^HEAD", "HEAD^{tree}", "HEAD:a", "a b", "HEAD..main", "\u{1b}[31m"]
    {
        let run = diff(&sandbox, &root, than);
        run.expect(2).says("git knows no commit \"").says("hint: ");
        assert!(!run.stderr.contains('\u{1b}'), "{run}");
    }
    sandbox.dwf(&root, ["fingerprint", "--diff", "-x"]).run().expect(2).says("unexpected argument '-x'");
    sandbox
        .dwf(&root, ["fingerprint", "--diff", "HEAD"])
        .env("PATH", "/nowhere")
        .run()
        .expect(6)
        .says("no `git` is on PATH");
    // Where the environment leads to another repository, it is not followed.
    let spec = sandbox.dwf(&root, ["fingerprint", "--diff", "HEAD"]);
    spec.env("GIT_DIR", "/nowhere").env("GIT_OBJECT_DIRECTORY", "/nowhere").run().expect(0);

    let shallow = sandbox.path().join("shallow").to_string_lossy().into_owned();
    let first = git(&root, &["rev-parse", "HEAD"]);
    sandbox.write("shop/a", "2");
    commit(&root);
    git(&root, &["clone", "-q", "--depth=1", &format!("file://{}", root.display()), &shallow]);
    diff(&sandbox, Path::new(&shallow), "HEAD").expect(0);
    for than in ["HEAD~1", &first] {
        let run = diff(&sandbox, Path::new(&shallow), than);
        run.expect(2).says("git knows no commit").says("git fetch --unshallow");
    }

    sandbox.write("shop/devflow.toml", &CONFIG.replace("'**'", "'../x'"));
    commit(&root);
    sandbox.write("shop/devflow.toml", CONFIG);
    let run = diff(&sandbox, &root, "HEAD");
    run.expect(2).says("the devflow.toml of that commit cannot be used").says("HEAD:devflow.toml:6");

    sandbox.write("alone/devflow.toml", CONFIG);
    let run = diff(&sandbox, &sandbox.path().join("alone"), "HEAD");
    run.expect(2).says("is in no git repository");
}

/// A clone that was made without the files asks nobody for them: that could start any program.
#[test]
fn a_partial_clone_fetches_nothing() {
    let sandbox = Sandbox::without_engine();
    let root = shop(&sandbox);
    sandbox.write("shop/a", "2");
    commit(&root);
    git(&root, &["config", "uploadpack.allowFilter", "true"]);
    let partial = sandbox.path().join("partial");
    let from = format!("file://{}", root.display());
    git(&root, &["clone", "-q", "--filter=blob:none", &from, &partial.to_string_lossy()]);
    diff(&sandbox, &partial, "HEAD").expect(0);
    let witness = sandbox.path().join("started");
    let trap = format!("ext::touch {}", witness.display());
    git(&partial, &["config", "remote.origin.url", &trap]);
    git(&partial, &["config", "protocol.ext.allow", "always"]);
    diff(&sandbox, &partial, "HEAD~1").expect(2).says("this clone is without the object").says("--refetch");
    assert!(!witness.exists());
}
