//! The images of this repository: their bake file, their Dockerfiles, and that the samples run in just these.

use devflow_tests::{Engine, Sandbox, repository};

/// Our images, and what each is for.
const TOOLCHAINS: [&str; 3] = ["rust", "node", "python"];

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A block of a bake file.
fn block<'a>(bake: &'a hcl::Body, kind: &str, name: &str) -> &'a hcl::Body {
    let mut blocks = bake.blocks().filter(|block| block.identifier() == kind);
    let found = blocks.find(|block| block.labels().iter().any(|label| label.as_str() == name));
    found.unwrap_or_else(|| panic!("docker-bake.hcl has no {kind} {name}")).body()
}

/// An attribute as it is written, without spaces.
fn text(body: &hcl::Body, key: &str) -> String {
    let found = body.attributes().find(|attribute| attribute.key() == key);
    let found = found.unwrap_or_else(|| panic!("no {key}")).expr().to_string();
    found.split_whitespace().collect()
}

#[test]
fn our_own_images_can_be_baked() {
    let bake: hcl::Body = hcl::from_str(&read("docker-bake.hcl")).expect("a bake file");
    block(&bake, "variable", "FINGERPRINT");
    let all = text(block(&bake, "group", "default"), "targets");
    assert_eq!(all, r#"["base","rust","node","python"]"#);
    let published = block(&bake, "target", "published");
    assert_eq!(text(published, "platforms"), r#"["linux/amd64","linux/arm64"]"#);
    assert!(text(published, "output").contains("compression=zstd"));
    for (name, folder) in
        [("base", "oci"), ("rust", "ext-rust"), ("node", "ext-node"), ("python", "ext-python")]
    {
        let target = block(&bake, "target", name);
        assert_eq!(text(target, "inherits"), r#"["published"]"#);
        assert!(text(target, "labels").contains(&format!("\"dwf:{name}\"")), "{name} has no title");
        let path = format!("{folder}/Dockerfile");
        assert_eq!(text(target, "dockerfile"), format!("\"{path}\""));
        assert_eq!(text(target, "tags"), format!("[\"${{REGISTRY}}/{name}:${{FINGERPRINT}}\"]"));
        if read(&path).contains("\nFROM base ") {
            assert_eq!(text(target, "contexts").replace(['{', '}', '\"'], ""), "base=target:base", "{name}");
        }
    }
    let ci = block(&bake, "target", "ci");
    assert_eq!(text(ci, "dockerfile"), "\".ci/Dockerfile\"");
    assert!(text(ci, "tags").contains("${FINGERPRINT}"));
}

/// A Dockerfile that needs no bake file: our base, and one toolchain on top of the other.
fn united(toolchains: &[&str]) -> String {
    let mut united = read("oci/Dockerfile");
    let mut below = "base";
    for toolchain in toolchains {
        let from = format!("FROM {below} AS {toolchain}\n");
        let dockerfile = read(&format!("ext-{toolchain}/Dockerfile"));
        let ours = format!("FROM base AS {toolchain}\n");
        assert!(dockerfile.contains(&ours), "{dockerfile}");
        united += &format!("\n{}", dockerfile.replace(&ours, &from));
        below = toolchain;
    }
    united
}

#[test]
fn the_samples_run_in_our_images() {
    for (path, toolchains) in [
        ("tests/projects/rust/Dockerfile.devflow", &["rust"][..]),
        ("tests/projects/node/Dockerfile.devflow", &["node"]),
        ("tests/projects/python/Dockerfile.devflow", &["python"]),
        ("tests/projects/mixed/Dockerfile.devflow", &TOOLCHAINS),
        (".ci/Dockerfile", &["rust"]),
    ] {
        let expected = united(toolchains);
        assert!(
            read(path) == expected,
            "{path} is not oci/Dockerfile and those of {toolchains:?}, but that:\n{expected}"
        );
    }
}

/// As anybody starts them, without dwf.
#[test]
fn our_images_are_what_they_say() {
    let sandbox = Sandbox::new(Engine::Docker);
    for toolchain in TOOLCHAINS {
        let project = sandbox.project(toolchain, toolchain);
        let fingerprint = sandbox.dwf(&project, ["fingerprint"]).run();
        let image = format!("localhost/devflow/sample-{toolchain}:{}", fingerprint.expect(0).stdout.trim());
        let look = "id -u; id -un; pwd; touch ~/x && echo home; tr '\\0' ' ' </proc/1/cmdline; echo; ls -A /var/lib/apt/lists";
        let run =
            Engine::Docker.client().args(["run", "--rm", "--network=none", &image, "sh", "-c", look]).run();
        let lines: Vec<&str> = run.expect(0).stdout.lines().collect();
        assert_eq!(lines[..4], ["1001", "dwf", "/workspace", "home"], "{run}");
        assert!(lines[4].starts_with("/usr/bin/tini -- sh -c "), "{run}");
        assert_eq!(lines.len(), 5, "package lists are left: {run}");
    }
}
