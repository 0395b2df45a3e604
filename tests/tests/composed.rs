//! Images that dwf composes where a project has no Dockerfile: built, checked, and worked in.

use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Run, Sandbox, Spec, append, foreign, give};

/// The user of composed images.
const USER: (u32, u32) = (1001, 1001);

/// Where `.ci/engines` puts it.
const HADOLINT: &str = "/var/cache/devflow-tests/hadolint/bin/hadolint";

/// A sample without its Dockerfile.
fn bare(sandbox: &Sandbox, sample: &str) -> PathBuf {
    let project = sandbox.project(sample, sample);
    std::fs::remove_file(project.join("Dockerfile.devflow")).expect("its Dockerfile");
    project
}

/// The Dockerfile, which hadolint has nothing against.
fn dockerfile(sandbox: &Sandbox, project: &Path) -> String {
    let run = sandbox.dwf(project, ["image", "dockerfile"]).run();
    run.expect(0);
    let path = sandbox.write("Dockerfile", &run.stdout);
    Spec::new(HADOLINT).args([path.to_string_lossy()]).run().expect(0);
    run.stdout
}

/// The name of the image that a run had.
fn image(run: &Run) -> String {
    let line = run.stderr.lines().find(|line| line.starts_with("container  docker "));
    line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("no image:\n{run}")).to_owned()
}

/// What a shell says of where it is.
const WHERE: &str = "id -u; id -g; echo $HOME; echo $PATH; cd; touch written; rustc -V; node -v; python3 -V; ls -A /var/lib/apt/lists";

#[test]
fn three_stacks_in_one_image() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = bare(&sandbox, "mixed");
    let text = dockerfile(&sandbox, &project);
    assert!(text.contains("\nFROM docker.io/library/debian:bookworm-slim\n"), "{text}");

    append(
        &project.join("devflow.toml"),
        &format!(
            "\n[commands.\"build:where\"]\nrun = [\"sh\", \"-c\", \"({WHERE}) >where; cat /proc/1/comm >first\"]\n"
        ),
    );
    give(&project, USER);
    let verify = ["verify", "--engine", "docker"];
    let run = sandbox.dwf(&project, verify).run();
    run.expect(0).says("14 passed, 0 failed");
    assert_eq!(foreign(&project, USER), [] as [&str; 0], "not the owner's");

    // What an action finds is what everybody finds in the image.
    sandbox.dwf(&project, ["run", "build:where", "--engine", "docker"]).run().expect(0);
    let read = |name: &str| std::fs::read_to_string(project.join(name)).expect(name);
    assert_eq!(read("first"), "tini\n");
    let inside = read("where");
    assert!(inside.starts_with("1001\n1001\n/home/"), "{inside}");
    let shell = ["run", "--rm", "-i", "--entrypoint", "/bin/sh", &image(&run), "-c", WHERE];
    let shell = Engine::Docker.client().args(shell).run();
    assert_eq!((shell.expect(0).stdout.as_str(), shell.stderr.as_str()), (inside.as_str(), ""));
    let plain = ["run", "--rm", &image(&run), "cat", "/proc/1/comm"];
    assert_eq!(Engine::Docker.client().args(plain).run().expect(0).stdout, "tini\n");

    // What is in the image decides its name, and nothing else does.
    let again = sandbox.dwf(&project, verify).run();
    assert_eq!(image(again.expect(0)), image(&run));
    assert!(!again.stderr.contains("building"), "{again}");
}

/// A repository of one language in which nothing is of dwf.
fn alone(sample: &str) {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = bare(&sandbox, sample);
    std::fs::remove_file(project.join("devflow.toml")).expect("its devflow.toml");
    dockerfile(&sandbox, &project);
    let run = sandbox.dwf(&project, ["verify"]).run();
    run.expect(0).says("5 passed, 0 failed").says(&format!("/devflow/{sample}:"));
}

#[test]
fn a_rust_repository_needs_no_file() {
    alone("rust");
}

#[test]
fn a_node_repository_needs_no_file() {
    alone("node");
}

#[test]
fn a_python_repository_needs_no_file() {
    alone("python");
}

/// An extension that says of its image whatever its setting `image` says.
const SAYS: &str = r#"#!/usr/bin/env python3
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        result = {"protocol": 1, "extension": {"name": sys.argv[0].rsplit("-", 1)[-1], "version": "1.0.0"}}
    elif asked["method"] == "project/describe":
        image = json.loads(asked["params"]["config"]["image"])
        files = [file for option in image["options"] for file in option.get("files", [])]
        commands = [{"name": "test:unit"}]
        result = {"applies": True, "because": ["x"], "fingerprint": files, "image": image, "commands": commands}
    else:
        result = {"action": {"steps": [{"program": "/usr/local/bin/prove"}]}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

/// A project of such extensions, each with its one way.
fn saying(sandbox: &Sandbox, answers: &[(&str, &str)]) -> PathBuf {
    let names: Vec<String> = answers.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let mut toml = format!("[project]\nname = \"said\"\nstack = [{}]\n", names.join(", "));
    for (name, image) in answers {
        sandbox.program(&format!("bin/devflow-ext-{name}"), SAYS);
        toml.push_str(&format!("[extensions.{name}.config]\nimage = '''{image}'''\n"));
    }
    sandbox.write("said/devflow.toml", &toml).parent().map(PathBuf::from).expect("a folder")
}

/// Whatever is said is built as it was said: no builder makes more of it.
#[test]
fn odd_words_reach_the_image_as_they_are() {
    for engine in [Engine::Docker, Engine::Podman] {
        let sandbox = Sandbox::new(engine);
        let odd = r#"a "b" 'c' \\ \" $HOME ${PATH} $(id) `id` <<E # é 😀 \"#;
        let json = odd.replace('\\', "\\\\").replace('"', "\\\"");
        let script = "printf '%s' \\\"$1\\\" >/usr/local/share/said; printf '#!/bin/sh\\nprintf %%s \\\"$ODD\\\" >said\\ncat seen\\n' >/usr/local/bin/prove; chmod +x /usr/local/bin/prove; cat 'my file' >/usr/local/share/file; pwd";
        let image = format!(
            r#"{{"base": ["debian:bookworm"], "options": [{{"source": "distribution", "env": {{"ODD": "{json}"}},
                "files": ["my file"], "steps": [{{"run": ["sh", "-c", "{script}", "-", "{json}"], "user": "root"}}],
                "probe": [["grep", "-Fqx", "{json}", "/usr/local/share/said"], ["grep", "-q", "content", "/usr/local/share/file"]]}}]}}"#
        );
        let project = saying(&sandbox, &[("odd", &image)]);
        sandbox.write("said/my file", "content");
        sandbox.write("said/seen", "");
        let run = sandbox.dwf(&project, ["run", "test:unit", "--engine", engine.name()]).run();
        run.expect(0).says("PASS  odd/test:unit");
        assert_eq!(std::fs::read_to_string(project.join("said")).expect("what it said"), odd);
    }
}

#[test]
fn wishes_that_contradict_each_other_are_told() {
    let sandbox = Sandbox::without_engine();
    let base = |base: &str| format!(r#"{{"base": ["{base}"], "options": [{{"source": "distribution"}}]}}"#);
    let project = saying(&sandbox, &[("one", &base("debian:bookworm")), ("two", &base("debian:trixie"))]);
    let run = sandbox.dwf(&project, ["image", "dockerfile"]).run();
    run.expect(4).says("stack one fits debian:bookworm, stack two fits debian:trixie");
    // On the host nobody needs an image.
    sandbox.dwf(&project, ["plan", "--profile", "host"]).run().expect(0).says("stack two fits debian:trixie");

    let env = |value: &str| {
        format!(
            r#"{{"base": ["debian:bookworm"], "options": [{{"source": "distribution", "env": {{"V": "{value}"}}}}]}}"#
        )
    };
    let project = saying(&sandbox, &[("one", &env("1")), ("two", &env("2"))]);
    let run = sandbox.dwf(&project, ["fingerprint"]).run();
    run.expect(4).says("the variable V of the image: stack one says \"1\", stack two says \"2\"");

    let project = saying(&sandbox, &[("one", &env("1"))]);
    append(&project.join("devflow.toml"), "[image]\nbase = \"debian:trixie-slim\"\n");
    let run = sandbox.dwf(&project, ["image", "dockerfile"]).run();
    run.expect(2).says("the base image debian:trixie-slim is not one that stack one fits");
}

/// A file that is copied belongs to the fingerprint, or to no image.
#[test]
fn what_is_copied_is_in_the_fingerprint() {
    let sandbox = Sandbox::without_engine();
    let image =
        r#"{"base": ["debian:bookworm"], "options": [{"source": "distribution", "files": ["conf/x"]}]}"#;
    let project = saying(&sandbox, &[("one", image)]);
    let fingerprint = || sandbox.dwf(&project, ["fingerprint"]).run();
    fingerprint().expect(2).says("the image copies conf/x, which is not there");
    let path = sandbox.write("said/conf/x", "1");
    let first = fingerprint();
    let explained = sandbox.dwf(&project, ["fingerprint", "--explain"]).run();
    assert!(explained.expect(0).stdout.contains("\ntext    - "), "{explained}");
    std::fs::write(&path, "2").expect("another content");
    assert_ne!(first.expect(0).stdout, fingerprint().expect(0).stdout);
    sandbox.write("said/.gitignore", "conf\n");
    fingerprint().expect(2).says("the image copies conf/x, which git ignores");
    std::fs::remove_file(project.join(".gitignore")).expect("the rules");
    std::fs::remove_file(&path).expect("the file");
    std::os::unix::fs::symlink("/etc/passwd", &path).expect("a link");
    fingerprint().expect(2).says("the image copies conf/x, which is a symbolic link");
}
