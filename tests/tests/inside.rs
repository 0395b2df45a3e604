//! What an action finds around it in a container.

use devflow_tests::{Engine, Run, Sandbox, Spec, append, foreign, give};

/// Prints one fact a line, each after its name.
const LOOK: &str = r#"
set -u
cd /workspace
user=$(id -un) && echo "user=$user"
echo "home=$(cd ~ && pwd) $(touch ~/x && echo writable)"
echo "tmp=$(touch /tmp/x && echo writable)"
echo "powers=$(sed -n 's/^CapEff:[[:space:]]*//p; s/^NoNewPrivs:[[:space:]]*/ /p' /proc/self/status | tr -d '\n')"
echo "net=$(sed 1,2d /proc/net/dev | wc -l)"
echo "cache=[$(ls -A .cache/devflow)]"
echo "first=$(tr '\0' ' ' </proc/1/cmdline | cut -d ' ' -f 1)"
echo "passed=${PASSED-no} token=${MY_TOKEN-no} secret=${MY_SECRET_KEY-no}"
mkdir -p made && echo x >made/file
if command -v git >/dev/null; then
    echo "git=$(git log --format=%s) $(git status --porcelain | tr '\n' ' ')"
fi
"#;

/// Runs [`LOOK`] in a project of this owner, where the cache root is inside the project.
fn look(engine: Engine, image: Option<&str>, owner: (u32, u32)) -> Run {
    let sandbox = Sandbox::new(engine);
    let project = match image {
        None => sandbox.project("rust", "project"),
        Some(image) => {
            let config = format!("[project]\nstack = []\n\n[container]\nimage = \"{image}\"\n");
            sandbox.write("project/devflow.toml", &config);
            sandbox.path().join("project")
        }
    };
    let container = if image.is_none() { "[container]\n" } else { "" };
    let more = format!(
        "{container}network = \"off\"\npass_env = [\"PASSED\", \"MY_TOKEN\", \"MY_*\"]\n\n\
         [commands.\"test:look\"]\nrun = [\"sh\", \"look.sh\"]\n"
    );
    append(&project.join("devflow.toml"), &more);
    std::fs::write(project.join("look.sh"), LOOK).expect("a script");
    give(&project, owner);
    let git = |words: &[&str]| {
        let spec = Spec::new("git").user(owner).cwd(&project).env("HOME", &project.to_string_lossy());
        spec.args(["-c", "user.name=n", "-c", "user.email=e"]).args(words.iter().copied()).run().expect(0);
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message=first"]);

    let spec = sandbox.dwf(&project, ["run", "-v", "test:look", "--engine", engine.name()]);
    let spec = spec.without_env("DWF_CACHE_ROOT").env("PASSED", "two words").env("MY_TOKEN", "t0ken");
    let run = spec.env("MY_SECRET_KEY", "s3cret").run();
    run.expect(0);
    run.says("home=/home/dwf writable").says("tmp=writable").says("powers=0000000000000000 1");
    run.says("net=1").says("cache=[]").says("passed=two words token=t0ken secret=no");
    if image.is_none() {
        run.says("git=first ?? made/ \n").says("first=/usr/bin/tini");
    }
    assert_eq!(foreign(&project, owner), [] as [&str; 0], "not the owner's");

    let cache = project.join(".cache/devflow");
    let read = |name: &str| std::fs::read_to_string(cache.join(name)).expect("a mark of the cache root");
    assert_eq!(read(".gitignore"), "*\n");
    assert!(read("CACHEDIR.TAG").starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
    run
}

const DEBIAN: Option<&str> = Some("debian:bookworm-slim");

#[test]
fn docker() {
    look(Engine::Docker, None, (0, 0)).says("user=root").says("root, without any capability");
    // No user of that number is in the image.
    look(Engine::Docker, DEBIAN, Engine::Rootless.user()).says("user=dwf");
}

#[test]
fn podman() {
    look(Engine::Podman, None, (0, 0)).says("user=dwf");
    look(Engine::Podman, DEBIAN, (0, 0)).says("user=");
    look(Engine::Podman, DEBIAN, Engine::Rootless.user()).says("user=");
}

#[test]
fn rootless() {
    look(Engine::Rootless, None, Engine::Rootless.user()).says("user=dwf");
    look(Engine::Rootless, DEBIAN, Engine::Rootless.user()).says("user=");
}
