//! `dwf init`: what it writes works, and what is there stays.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use devflow_tests::{Run, Sandbox, edit};

/// A sample without a configuration.
fn bare(sandbox: &Sandbox, name: &str, to: &str) -> PathBuf {
    let project = sandbox.project(name, to);
    fs::remove_file(project.join("devflow.toml")).expect("its configuration");
    project
}

fn init(sandbox: &Sandbox, project: &Path, more: &[&str]) -> Run {
    sandbox.dwf(project, ["init"].iter().chain(more).copied()).run()
}

/// The files right in a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|file| (file.file_name().to_string_lossy().into(), fs::read(file.path()).expect("it")))
        .collect()
}

/// The names of what would run.
fn actions(sandbox: &Sandbox, project: &Path) -> Vec<String> {
    let plan = sandbox.dwf(project, ["plan", "--json"]).run();
    let plan: serde_json::Value = serde_json::from_str(&plan.expect(0).stdout).expect("a plan");
    plan["actions"].as_array().expect("a list").iter().map(|action| action["name"].to_string()).collect()
}

fn list<'a>(bake: &'a hcl::Body, kind: &str, name: &str) -> BTreeMap<&'a str, String> {
    let mut blocks = bake.blocks().filter(|block| block.identifier() == kind);
    let block = blocks.find(|block| block.labels().iter().any(|label| label.as_str() == name));
    let attributes = block.unwrap_or_else(|| panic!("no {kind} {name}")).body().attributes();
    attributes.map(|attribute| (attribute.key(), attribute.expr().to_string())).collect()
}

#[test]
fn what_is_written_works_and_is_written_once() {
    let sandbox = Sandbox::without_engine();
    for (sample, written) in [
        ("rust", "stack = [\"rust\"]\n\n"),
        ("node", "stack = [\"node\"]\n\n"),
        ("python", "stack = [\"python\"]\n\n"),
        (
            "mixed",
            "stack = [\"node\", \"python\", \"rust\"]\nmembers = [\"backend\", \"frontend\", \"tools\"]\n",
        ),
    ] {
        let project = bare(&sandbox, sample, &format!("my-{sample}"));
        let before = actions(&sandbox, &project);
        let run = init(&sandbox, &project, &[]);
        run.expect(0).says("next: ");
        for line in ["write    devflow.toml\n", "write    docker-bake.hcl\n", "write    .dockerignore\n"] {
            assert!(run.stdout.contains(line), "{run}");
        }
        let config = fs::read_to_string(project.join("devflow.toml")).expect("a configuration");
        assert!(config.contains(&format!("name = \"my-{sample}\"\n{written}")), "{config}");
        assert_eq!(actions(&sandbox, &project), before, "{sample}");

        let bake = fs::read_to_string(project.join("docker-bake.hcl")).expect("a bake file");
        let bake: hcl::Body = hcl::from_str(&bake).expect("a bake file");
        assert_eq!(list(&bake, "variable", "IMAGE")["default"], format!("\"localhost/devflow/my-{sample}\""));
        let ci = list(&bake, "target", "ci");
        assert_eq!(ci["dockerfile"], "\"Dockerfile.devflow\"");
        assert!(ci["tags"].contains("${IMAGE}:${FINGERPRINT}") && ci["labels"].contains("dwf.project"));
        let publish = list(&bake, "target", "publish");
        assert!(publish["platforms"].contains("linux/amd64") && publish["platforms"].contains("linux/arm64"));
        assert!(publish["output"].contains("compression=zstd") && publish["inherits"].contains("ci"));

        let after = files(&project);
        let again = init(&sandbox, &project, &[]);
        again.expect(0).says("nothing to do");
        assert!(!again.stdout.contains("write") && !again.stdout.contains("extend"), "{again}");
        assert_eq!(files(&project), after, "{sample}");
    }
}

#[test]
fn where_there_is_nothing_to_verify() {
    let sandbox = Sandbox::without_engine();
    let folder = sandbox.write("empty/notes.txt", "x").parent().map(Path::to_owned).expect("a folder");
    init(&sandbox, &folder, &[]).expect(2).says("no stack was found here");
    assert_eq!(files(&folder).len(), 1);
}

#[test]
fn what_is_there_stays() {
    let sandbox = Sandbox::without_engine();
    let project = bare(&sandbox, "rust", "shop");
    let own = "[project]\nname = \"own\"\nstack = [\"rust\"]\n[cache]\nroot = \"var/cache\"\n";
    sandbox.write("shop/devflow.toml", own);
    sandbox.write("shop/.gitignore", "/target/\r\n!x");
    sandbox.write("shop/.dockerignore", "*\n");
    let before = files(&project);

    let dry = init(&sandbox, &project, &["--dry-run"]);
    dry.expect(0).says("nothing was written");
    let kept = "keep     devflow.toml  (it is there already; --force replaces it)\n";
    let bake = "\nwrite    docker-bake.hcl\n  | #";
    let name = "\n  |   default = \"localhost/devflow/own\"\n";
    assert!(dry.stdout.starts_with(kept), "{dry}");
    assert!(dry.stdout.contains(bake) && dry.stdout.contains(name), "{dry}");
    assert!(
        dry.stdout
            .ends_with("extend   .gitignore\n  | # dwf's caches\n  | /var/cache/\nsame     .dockerignore\n")
    );
    assert_eq!(files(&project), before);

    init(&sandbox, &project, &[]).expect(0);
    let mut after = files(&project);
    assert_eq!(after[".gitignore"], b"/target/\r\n!x\r\n\r\n# dwf's caches\r\n/var/cache/\r\n");
    assert!(after.remove("docker-bake.hcl").is_some());
    after.insert(".gitignore".to_owned(), before[".gitignore"].clone());
    assert_eq!(after, before);

    edit(&project.join("devflow.toml"), "[project]", "[project");
    let forced = init(&sandbox, &project, &["--force"]);
    assert!(forced.expect(0).stdout.contains("replace  devflow.toml\n"), "{forced}");
    let now = fs::read_to_string(project.join("devflow.toml")).expect("a configuration");
    assert!(now.contains("name = \"shop\"\nstack = [\"rust\"]\n"), "{now}");
    assert_eq!(actions(&sandbox, &project).len(), 5);
}

#[test]
fn no_link_is_followed_and_then_nothing_is_written() {
    let sandbox = Sandbox::without_engine();
    for (name, target) in [(".gitignore", "shop-a/rules"), (".dockerignore", "elsewhere/rules")] {
        let project = bare(&sandbox, "rust", if name == ".gitignore" { "shop-a" } else { "shop-b" });
        let rules = sandbox.write(target, "mine\n");
        let _ = fs::remove_file(project.join(name));
        symlink(&rules, project.join(name)).expect("a link");
        let before = files(&project);
        let run = init(&sandbox, &project, &[]);
        run.expect(2)
            .says(&format!("{name} is there, and is not a file that dwf can read; nothing was written"))
            .says("it is a symbolic link");
        assert_eq!(files(&project), before);
        assert_eq!(fs::read_to_string(&rules).expect("the rules"), "mine\n");
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let sandbox = Sandbox::of_an_ordinary_user();
    let project = bare(&sandbox, "rust", "shop");
    let before = files(&project);
    fs::set_permissions(&project, Permissions::from_mode(0o555)).expect("its mode");
    init(&sandbox, &project, &[]).expect(6).says("devflow.toml cannot be written").says("because: ");
    assert_eq!(files(&project), before);
    fs::set_permissions(&project, Permissions::from_mode(0o755)).expect("its mode");
    init(&sandbox, &project, &[]).expect(0);
}
