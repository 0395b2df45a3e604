//! Projects in places where an engine, or git, could see something else than dwf does.

use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Sandbox, Spec, append};

const IMAGE: &str = "docker.io/library/debian:bookworm-slim";

fn git(cwd: &Path, words: &[&str]) -> String {
    let spec = Spec::new("git").cwd(cwd).env("HOME", "/nonexistent");
    let run = spec.args(["-c", "user.name=n", "-c", "user.email=e"]).args(words.iter().copied()).run();
    run.expect(0).stdout.clone()
}

/// A worktree whose repository is elsewhere; git reads it in the container, and nothing there can change it.
fn worktree(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let main = sandbox.project("rust", "main, or so");
    let look = "{ git rev-parse HEAD && git status --porcelain && git log --format=%s && git config user.x; } >seen 2>&1; \
                touch \"$(git rev-parse --git-common-dir)/hooks/post-checkout\" 2>planted && exit 1; \
                git commit --allow-empty -m no 2>>planted && exit 1; :";
    append(
        &main.join("devflow.toml"),
        &format!(
            "\n[commands.\"x:git\"]\nrun = [\"sh\", \"-c\", '''{look}''']\n\
             env = {{ GIT_CONFIG_COUNT = \"1\", GIT_CONFIG_KEY_0 = \"user.x\", GIT_CONFIG_VALUE_0 = \"mine\" }}\n"
        ),
    );
    git(&main, &["init", "--quiet"]);
    git(&main, &["add", "."]);
    git(&main, &["commit", "--quiet", "--message=first"]);
    let tree = sandbox.path().join("a \"tree\"");
    git(&main, &["worktree", "add", "--quiet", "-b", "other", &tree.to_string_lossy()]);
    let run = sandbox.dwf(&tree, ["run", "x:git", "--engine", engine.name()]).run();
    run.expect(0);
    let read = |name: &str| std::fs::read_to_string(tree.join(name)).unwrap_or_default();
    let head = git(&main, &["rev-parse", "HEAD"]);
    assert_eq!(read("seen"), format!("{head}?? seen\nfirst\nmine\n"), "{run}");
    assert!(read("planted").contains("Read-only file system"), "{}\n{run}", read("planted"));
    assert!(!main.join(".git/hooks/post-checkout").exists());
}

#[test]
fn a_worktree_on_docker() {
    worktree(Engine::Docker);
}

#[test]
fn a_worktree_on_podman() {
    worktree(Engine::Podman);
}

/// dwf in a container that was given the socket of the machine around it: the engine mounts that machine's folders.
#[test]
fn inside_a_container() {
    let engine = Engine::Docker;
    let sandbox = Sandbox::new(engine);
    let config = format!(
        "[project]\nname = \"p\"\nstack = []\n[container]\nimage = \"{IMAGE}\"\n\
         [commands.\"x:look\"]\nrun = [\"sh\", \"-c\", \"cat marker >seen\"]\n"
    );
    for folder in ["same", "hidden", "inner"] {
        sandbox.write(&format!("{folder}/devflow.toml"), &config);
        sandbox.write(&format!("{folder}/marker"), folder);
    }
    let at = |name: &str| sandbox.path().join(name).to_string_lossy().into_owned();
    // Where the machine has `hidden`, this container has `inner`; it has `only` for itself.
    let script = format!(
        "cd {root}/same && dwf run x:look; echo \"code $?\" >&2; cd {root}/hidden && dwf run x:look; echo \"code $?\" >&2; \
         cp -r {root}/inner /only && cd /only && dwf run x:look; echo \"code $?\" >&2; \
         cd {root}/same && PATH={root}/bin dwf run x:look; echo \"code $?\" >&2",
        root = sandbox.path().display()
    );
    let client = ["/usr/local/bin/docker", "/usr/bin/docker"].map(PathBuf::from);
    let client = client.iter().find(|path| path.exists()).expect("a client").to_string_lossy().into_owned();
    let socket = "/var/run/docker.sock";
    let name = format!("inside-{}", std::process::id());
    let run = engine
        .client()
        .args(["run", "--rm", "--pull=never", &format!("--name={name}")])
        .args([format!("--volume={socket}:{socket}"), format!("--volume={client}:/usr/local/bin/docker:ro")])
        .args([
            format!("--volume={0}:{0}", sandbox.path().display()),
            format!("--volume={}:{}", at("inner"), at("hidden")),
        ])
        .args([format!("--env=DWF_CACHE_ROOT={}", at("cache")), format!("--env=HOME={}", at("home"))])
        .args([format!("--env=PATH={}:/usr/local/bin:/usr/bin:/bin", at("bin"))])
        .args([IMAGE, "sh", "-c", &script])
        .run();
    let codes: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("code ")).collect();
    assert_eq!(codes, ["code 0", "code 5", "code 5", "code 5"], "{run}");
    run.says("the engine sees another folder at this project's path").says("the engine sees no /only");
    run.says("no container engine answers").says("--profile host");
    let seen =
        |name: &str| std::fs::read_to_string(sandbox.path().join(name).join("seen")).unwrap_or_default();
    assert_eq!([seen("same"), seen("hidden"), seen("inner")], ["same", "", ""], "{run}");
}
