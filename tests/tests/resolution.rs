//! Which image runs, and what it is built from: names, build inputs, bake files.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Registry, Run, Sandbox, Spec, append, edit, give};

const ENGINES: [Engine; 2] = [Engine::Docker, Engine::Podman];
const LOCK: &str = "version = 1\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";

/// A project whose image has no registry, so that all of it is made here.
fn project(sandbox: &Sandbox, registry: &Registry, name: &str, dockerfile: &str) -> PathBuf {
    let config = format!(
        "[project]\nname = \"{name}\"\nstack = []\n[container]\nimage = \"{}/tests/{name}\"\n\
         fingerprint_inputs = [\"some.lock\"]\n[commands.\"test:unit\"]\nrun = [\"cat\", \"/greeting\"]\n",
        registry.address()
    );
    sandbox.write(&format!("{name}/devflow.toml"), &config);
    sandbox.write(&format!("{name}/some.lock"), LOCK);
    sandbox.write(&format!("{name}/greeting"), &format!("well met at {}\n", sandbox.path().display()));
    sandbox.write(&format!("{name}/Dockerfile.devflow"), dockerfile);
    sandbox.path().join(name)
}

fn dwf(sandbox: &Sandbox, root: &Path, engine: Engine, words: &[&str]) -> Run {
    sandbox.dwf(root, words.iter().copied()).args(["--engine", engine.name()]).run()
}

/// The name and the id that `dwf image build` prints.
fn told(run: &Run) -> (String, String) {
    let (name, id) = run.expect(0).stdout.trim().split_once('\n').unwrap_or_else(|| panic!("{run}"));
    (name.to_owned(), id.to_owned())
}

/// An engine's own answer about an image.
fn inspect(engine: Engine, name: &str, format: &str) -> String {
    let run = engine.client().args(["image", "inspect", "--format", format, name]).run();
    run.expect(0).stdout.trim().to_owned()
}

#[test]
fn a_new_lock_file_is_a_new_name_and_no_build() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::none(&sandbox);
    for engine in ENGINES {
        let dockerfile = "FROM debian:bookworm-slim\nCOPY greeting /greeting\n";
        let root = project(&sandbox, &registry, engine.name(), dockerfile);
        let (first, id) = told(dwf(&sandbox, &root, engine, &["image", "build"]).says("building "));
        // A second build of the same finds all of it: nothing in it depends on when it is made.
        assert_eq!(
            told(&dwf(&sandbox, &root, engine, &["image", "build", "--force"])),
            (first.clone(), id.clone())
        );

        edit(&root.join("some.lock"), "1.0.0", "1.0.1");
        let run = dwf(&sandbox, &root, engine, &["run", "-v", "test:unit"]);
        let old = first.rsplit(':').next().expect("a tag");
        run.expect(0).says(&format!("it was built from the same inputs as {old}")).says("well met");
        assert!(!run.stderr.contains("building"), "{run}");
        let (second, same) = told(&dwf(&sandbox, &root, engine, &["image", "build"]));
        assert_ne!(first, second);
        assert_eq!(same, id);
        let diff = sandbox.dwf(&root, ["fingerprint", "--diff", old]).run();
        assert!(diff.expect(0).stdout.ends_with("\n~ some.lock: content\n"), "{diff}");

        // Another place and other times, and another user's: the same.
        let other = sandbox.path().join(format!("elsewhere-{}", engine.name()));
        Spec::new("cp").args(["-R", &root.to_string_lossy(), &other.to_string_lossy()]).run().expect(0);
        Spec::new("sh").args(["-c", "touch -d 2001-01-01 *"]).cwd(&other).run().expect(0);
        let again = dwf(&sandbox, &other, engine, &["image", "build"]);
        assert_eq!((told(&again), again.stderr.as_str()), ((second.clone(), id.clone()), ""), "{again}");
        let home = sandbox.path().join("another");
        std::fs::create_dir_all(&home).expect("a home");
        give(&home, (12345, 12345));
        give(&other, (12345, 12345));
        let home = home.to_string_lossy();
        let by_another = sandbox.dwf(&other, ["fingerprint"]).user((12345, 12345));
        let by_another = by_another.env("HOME", &home).env("XDG_STATE_HOME", &home).run();
        assert!(second.ends_with(by_another.expect(0).stdout.trim()), "{by_another}");

        // What is copied into the image is no such file.
        edit(&root.join("some.lock"), "1.0.1", "1.0.2");
        append(&root.join("greeting"), "and more\n");
        let run = dwf(&sandbox, &root, engine, &["run", "-v", "test:unit"]);
        run.expect(0).says("building ").says("and more");
    }
}

/// A run starts its container on what the engine said last time; no action starts on it.
#[test]
fn a_name_that_moves_is_noticed() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::none(&sandbox);
    for engine in ENGINES {
        let dockerfile = "FROM debian:bookworm-slim\nCOPY greeting /greeting\n";
        let roots = ["moved", "other"].map(|name| project(&sandbox, &registry, name, dockerfile));
        append(&roots[1].join("greeting"), "and elsewhere\n");
        let [name, other] =
            roots.each_ref().map(|root| told(&dwf(&sandbox, root, engine, &["image", "build"])).0);
        let test = || dwf(&sandbox, &roots[0], engine, &["run", "-v", "test:unit"]);
        for _ in 0..2 {
            let run = test();
            run.expect(0).says("well met");
            assert!(!run.stderr.contains("and elsewhere"), "{run}");
        }
        engine.client().args(["tag", &other, &name]).run().expect(0);
        let run = test();
        run.expect(0).says("and elsewhere").says("1 passed");
        assert_eq!(run.stderr.matches("container  ").count(), 1, "{run}");
        test().expect(0).says("and elsewhere");
        engine.client().args(["rmi", &name]).run().expect(0);
        // It was built from the same inputs as nothing any more: the same image is made again.
        let run = test();
        run.expect(0).says("well met");
        assert!(!run.stderr.contains("and elsewhere"), "{run}");
    }
}

#[test]
fn labels_alone_are_not_believed() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::none(&sandbox);
    for engine in ENGINES {
        let root = project(&sandbox, &registry, engine.name(), "FROM scratch\nCOPY greeting /greeting\n");
        let (first, _) = told(&dwf(&sandbox, &root, engine, &["image", "build"]));
        // An image that is made from ours inherits its labels.
        let other = format!("{}/other/{}:{}", registry.address(), engine.name(), "f".repeat(64));
        sandbox.write("other/Dockerfile", &format!("FROM {first}\nCOPY Dockerfile /hostile\n"));
        let spec = engine.client().env("DOCKER_BUILDKIT", "0").args(["build", "--tag", &other, "."]);
        spec.cwd(sandbox.path().join("other")).run().expect(0);
        let labels = |name: &str| inspect(engine, name, "{{json .Config.Labels}}");
        assert_eq!(labels(&other), labels(&first));
        engine.client().args(["rmi", &first]).run().expect(0);
        edit(&root.join("some.lock"), "1.0.0", "1.0.1");
        dwf(&sandbox, &root, engine, &["image", "build"]).expect(0).says("building ");
    }
}

const BAKE: &str = "variable \"WORD\" {\n  default = \"well\"\n}\n\
    target \"ci\" {\n  context = \"ci\"\n  dockerfile = \"Dockerfile\"\n  target = \"final\"\n\
    \x20 args = { GREETING = \"${WORD} met\" }\n  tags = [\"ignored\"]\n}\n";
const STAGES: &str = "FROM debian:bookworm-slim AS final\nARG GREETING=none\nCOPY part /part\n\
    RUN echo \"$GREETING\" >/greeting && cat /part >>/greeting\nFROM final\nRUN echo later >/greeting\n";

/// The same with a bake file that says what is built.
fn baked(sandbox: &Sandbox, registry: &Registry, name: &str) -> PathBuf {
    let root = project(sandbox, registry, name, STAGES);
    edit(&root.join("devflow.toml"), "[container]\n", "[container]\ndockerfile = \"ci/Dockerfile\"\n");
    sandbox.write(&format!("{name}/ci/Dockerfile"), STAGES);
    sandbox.write(&format!("{name}/ci/part"), "in the folder ci\n");
    sandbox.write(&format!("{name}/docker-bake.hcl"), BAKE);
    root
}

#[test]
fn a_bake_file_is_honoured_by_the_engines_own_build() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::none(&sandbox);
    for engine in ENGINES {
        let root = baked(&sandbox, &registry, engine.name());
        // What the environment has is no part of it.
        let run = sandbox
            .dwf(&root, ["run", "-v", "test:unit", "--engine", engine.name()])
            .env("WORD", "ill")
            .run();
        run.expect(0).says("from ci/Dockerfile").says("well met").says("in the folder ci");
        append(&root.join("docker-bake.hcl"), "\n# another fingerprint\n");
        dwf(&sandbox, &root, engine, &["image", "build"]).expect(0).says("it was built from the same inputs");
        edit(&root.join("docker-bake.hcl"), "\"well\"", "\"once more well\"");
        dwf(&sandbox, &root, engine, &["image", "build"]).expect(0).says("building ");
    }
}

#[test]
fn a_bake_file_that_reaches_further_is_refused() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::none(&sandbox);
    let root = baked(&sandbox, &registry, "shop");
    let bake = root.join("docker-bake.hcl");
    for (more, says) in [
        ("secret = [\"id=x,src=/etc/shadow\"]", "has `secret`"),
        ("ssh = [\"default\"]", "(line 9) has `ssh`"),
        ("output = [\"type=local,dest=/tmp\"]", "has `output`, which writes outside the engine"),
        ("contexts = { x = \"/etc\" }", "has `contexts`"),
        ("args = { A = lower(\"X\") }", "calls the function lower"),
        ("dockerfile = \"../Dockerfile\"", "has `dockerfile`, which is no path inside the project"),
    ] {
        let key = more.split_inclusive(' ').next().unwrap_or_default();
        let kept = BAKE.lines().filter(|line| !line.trim_start().starts_with(key));
        let text = kept.collect::<Vec<_>>().join("\n");
        let text = text.replacen("  tags", &format!("  {more}\n  tags"), 1);
        std::fs::write(&bake, text).expect("a bake file");
        dwf(&sandbox, &root, Engine::Docker, &["image", "build"])
            .expect(3)
            .says("docker-bake.hcl")
            .says(says);
    }
    let other = "target \"ci\" {\n  secret = [\"id=x\"]\n}\n";
    std::fs::write(&bake, other).expect("a bake file");
    std::fs::write(root.join("ci/Dockerfile"), "FROM scratch\nCOPY greeting /\n").expect("a Dockerfile");
    dwf(&sandbox, &root, Engine::Docker, &["image", "build"]).expect(0).says(
        "docker-bake.hcl does not count: its target `ci` builds from Dockerfile, not from ci/Dockerfile",
    );
    std::fs::write(&bake, "target \"ci\" {").expect("a bake file");
    dwf(&sandbox, &root, Engine::Docker, &["image", "build"]).expect(2).says("it is not a bake file");
}

/// A stand-in for the `buildx` of Docker, which is on no test machine: it writes down what it is asked, and lets the
/// classic builder do as much of it as that can. What the real one makes of these arguments is not shown by this.
const BUILDX: &str = r#"#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '{"SchemaVersion":"0.1.0","Vendor":"tests","Version":"stand-in","ShortDescription":"stand-in"}'
  exit
fi
[ "$2" = bake ] || exit 0
printf '%s\n' "$@" "cwd=$PWD" >"$HOME/asked"
for word; do
  case $word in
    --set=ci.tags=*) tag=${word#--set=ci.tags=} ;;
    --set=ci.context=*) context=${word#--set=ci.context=} ;;
    --set=ci.labels.*) set -- "$@" "--label=${word#--set=ci.labels.}" ;;
  esac
done
while [ "$1" != -- ]; do shift; done
shift 2
DOCKER_BUILDKIT=0 exec docker build --quiet --tag "$tag" "$@" "$context"
"#;

#[test]
fn bake_is_asked_where_there_is_a_stand_in_for_buildx() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::none(&sandbox);
    let root = baked(&sandbox, &registry, "shop");
    sandbox.program("home/.docker/cli-plugins/docker-buildx", BUILDX);
    let run = dwf(&sandbox, &root, Engine::Docker, &["image", "build"]);
    let (name, _) = told(run.says("from target ci of docker-bake.hcl"));
    let asked = std::fs::read_to_string(sandbox.path().join("home/asked")).expect("what was asked");
    let root = root.to_string_lossy();
    let fingerprint = name.rsplit(':').next().expect("a tag");
    for line in [
        format!("--file={root}/docker-bake.hcl"),
        format!("--set=ci.context={root}/ci"),
        format!("--set=ci.dockerfile={root}/ci/Dockerfile"),
        "--set=ci.target=final".to_owned(),
        "--set=ci.args.GREETING=well met".to_owned(),
        "--set=ci.labels.dwf.project=shop".to_owned(),
        format!("--set=ci.labels.dwf.fingerprint={fingerprint}"),
        format!("--set=ci.tags={name}"),
        "--set=ci.output=type=docker".to_owned(),
        format!("cwd={root}"),
    ] {
        assert!(asked.lines().any(|known| known == line), "{line} is not in\n{asked}");
    }
    assert_eq!(inspect(Engine::Docker, &name, "{{index .Config.Labels \"dwf.fingerprint\"}}"), fingerprint);
}

#[test]
fn files_that_change_in_a_build_leave_no_name() {
    let sandbox = Sandbox::new(Engine::Docker);
    let registry = Registry::none(&sandbox);
    let sleep = format!(
        "FROM debian:bookworm-slim\nCOPY greeting /greeting\nRUN : {} && sleep 2\n",
        sandbox.path().display()
    );
    let root = project(&sandbox, &registry, "shop", &sleep);
    let mut started = sandbox.dwf(&root, ["image", "build", "--engine", "docker"]).start();
    let stderr = started.child.stderr.take().expect("its standard error");
    let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
    lines.find(|line| line.starts_with("building ")).expect("a build");
    append(&root.join("greeting"), "changed\n");
    let rest: Vec<String> = lines.collect();
    started.wait().expect(5);
    assert!(rest.iter().any(|line| line.contains("was built while its files changed")), "{rest:?}");
    let list = Engine::Docker.client().args(["images", "--format", "{{.Repository}}"]).run();
    assert!(!list.expect(0).stdout.contains(registry.address()), "{list}");
}

#[test]
fn a_full_disk_is_the_machines_fault() {
    let sandbox = Sandbox::new(Engine::Podman);
    let registry = Registry::none(&sandbox);
    let root = project(&sandbox, &registry, "shop", "FROM scratch\nCOPY large /large\n");
    Spec::new("sh").args(["-c", "head -c 12000000 /dev/zero >large"]).cwd(&root).run().expect(0);
    let disk = sandbox.path().join("disk");
    let text = disk.to_string_lossy().into_owned();
    let storage =
        format!("[storage]\ndriver = \"overlay\"\nrunroot = \"{text}/run\"\ngraphroot = \"{text}/graph\"\n");
    let storage = sandbox.write("storage.conf", &storage);
    std::fs::create_dir(&disk).expect("a folder");
    Spec::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tests", &text]).run().expect(0);
    let spec = sandbox.dwf(&root, ["image", "build", "--engine", "podman"]);
    let spec = spec.env("CONTAINERS_STORAGE_CONF", &storage.to_string_lossy()).env("TMPDIR", &text);
    let run = spec.run();
    let images = Spec::new("podman")
        .args(["images", "--quiet"])
        .env("CONTAINERS_STORAGE_CONF", &storage.to_string_lossy())
        .run();
    // Podman leaves a mount of its own there.
    Spec::new("umount").args(["--recursive", &text]).run().expect(0);
    run.expect(6).says("could not be built").says("no space left on device").says("make room");
    assert_eq!(images.stdout, "");
}
