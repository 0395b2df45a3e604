//! What the documents say is tried: every command of the README is run, every devflow.toml is loaded.
//!
//! A block says where it belongs by a word after its language, as in "```sh project". Nothing but
//! `.ci/test` is left out, because it is what runs this.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Run, Sandbox, Spec, build, repository};

/// A fenced block of a document.
#[derive(Debug)]
struct Block {
    /// Its document and line.
    at: String,
    /// The words after the fence, such as `sh project`.
    kind: String,
    text: String,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (at, line) in read(document).lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(kind), false) => {
                let at = format!("{document}:{}", at + 1);
                blocks.push(Block { at, kind: kind.trim().to_owned(), text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let text = &mut blocks.last_mut().expect("a block").text;
                text.push_str(line);
                text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!open, "{document}: the last block has no end");
    assert!(!blocks.is_empty(), "{document} has no blocks");
    blocks
}

/// Runs a block as a reader would, with dwf on PATH.
fn run(sandbox: &Sandbox, dir: &Path, block: &Block) -> Run {
    let spec = sandbox.dwf(dir, Vec::<String>::new());
    let path = format!("{}:{}", sandbox.path().join("bin").display(), spec.get_env("PATH"));
    let spec = spec.env("PATH", &path).env("REPOSITORY", &repository().to_string_lossy());
    spec.under(["bash", "-euxo", "pipefail", "-c", &block.text]).run()
}

#[test]
fn the_readme_is_true() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = sandbox.project("rust", "shop");
    for name in ["devflow.toml", "Dockerfile.devflow"] {
        std::fs::remove_file(project.join(name)).expect(name);
    }
    let hello =
        sandbox.write("hello/hello.txt", "hello, reader\n").parent().map(PathBuf::from).expect("a folder");
    for block in blocks("README.md") {
        let file = match block.kind.as_str() {
            // Its own test is below, and `.ci/test` is what runs this one.
            "sh repository" => {
                assert!([".ci/try\n", ".ci/test\n"].contains(&block.text.as_str()), "{}", block.at);
                continue;
            }
            "text" => continue,
            "sh project" | "sh hello" => {
                let dir = if block.kind.ends_with("hello") { &hello } else { &project };
                let run = run(&sandbox, dir, &block);
                assert_eq!(run.code, 0, "{}\n{run}", block.at);
                if block.text == "dwf verify\n" {
                    run.says("\ncontainer  docker ").says("6 passed, 0 failed");
                }
                continue;
            }
            // There is nobody to share it with: it is read, and nothing is pulled.
            "toml shared" => {
                let shared = sandbox.project("rust", "shared");
                devflow_tests::append(&shared.join("devflow.toml"), &block.text);
                sandbox.dwf(&shared, ["plan"]).run().expect(0);
                continue;
            }
            "dockerfile project" => project.join("Dockerfile.devflow"),
            "toml project" => project.join("devflow.toml"),
            "toml hello" => hello.join("devflow.toml"),
            other => panic!("{}: nothing is known of a block `{other}`", block.at),
        };
        std::fs::write(file, block.text).expect("a file of the project");
    }
}

/// Where everything is built, this costs one gate of the sample.
#[test]
fn the_first_look_works_and_leaves_the_sample_as_it_was() {
    let changes = || {
        let status = ["status", "--porcelain", "--", "tests/projects"];
        Spec::new("git").args(status).cwd(repository()).run().expect(0).stdout.clone()
    };
    let before = changes();
    let sandbox = Sandbox::new(Engine::Docker);
    let target = build().parent().map(Path::to_owned).expect("a folder");
    let run = Spec::new(repository().join(".ci/try").to_string_lossy())
        .cwd("/")
        .env("HOME", "/root")
        .env("XDG_STATE_HOME", &sandbox.path().join("home/state").to_string_lossy())
        .env("DWF_CACHE_ROOT", &sandbox.cache().to_string_lossy())
        .env("CARGO_TARGET_DIR", &target.to_string_lossy())
        .run();
    run.expect(0).says("\ncontainer  docker ").says("14 passed, 0 failed");
    assert_eq!(changes(), before);
}

#[test]
fn every_configuration_in_the_documents_is_loaded() {
    let sandbox = Sandbox::without_engine();
    let project = sandbox.project("mixed", "shop");
    for block in blocks("dwf/CONFIG.md") {
        let file = match block.kind.as_str() {
            "toml project" => project.join("devflow.toml"),
            "toml lock" => project.join("devflow.lock"),
            "toml user" => sandbox.write("home/.config/devflow/config.toml", ""),
            other => panic!("{}: nothing is known of a block `{other}`", block.at),
        };
        std::fs::write(&file, &block.text).expect("a file");
        for target in ["pr", "nightly", "lint:policy"] {
            let run = sandbox.dwf(&project, ["plan", target]).run();
            assert_eq!(run.code, 0, "{}\n{run}", block.at);
        }
        // The test would not be worth much if dwf did not look at that file.
        std::fs::write(&file, format!("nothing = 1\n{}", block.text)).expect("a file");
        sandbox.dwf(&project, ["plan"]).run().expect(2).says("unknown key `nothing`");
        std::fs::write(&file, &block.text).expect("a file");
    }
}

/// The commands about disk space that change nothing, and those of dwf, are run.
#[test]
fn disk_space_is_as_described() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = sandbox.project("rust", "shop");
    for words in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "x"]] {
        let own = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        Spec::new("git").args(own).args(words.iter().copied()).cwd(&project).run().expect(0);
    }
    sandbox.write("home/.config/devflow/config.toml", "[container]\nengine = \"docker\"\n");
    // A name of its own: the sample's images are other tests'.
    let name = format!("disk-{}", std::process::id());
    std::fs::write(
        project.join("devflow.toml"),
        format!("[project]\nname = \"{name}\"\nstack = [\"rust\"]\n"),
    )
    .expect("a file");
    for block in blocks("oci/DISK.md") {
        if ["sh look", "sh project"].contains(&block.kind.as_str()) {
            let run = run(&sandbox, &project, &block);
            assert_eq!(run.code, 0, "{}\n{run}", block.at);
        }
    }
}

/// dwf tells, about a key that it does not know, which it does.
#[test]
fn every_setting_is_described() {
    let sandbox = Sandbox::without_engine();
    let described = read("dwf/CONFIG.md");
    let known = |file: &Path, text: String| -> BTreeSet<String> {
        std::fs::write(file, text).expect("a file");
        let run = sandbox.dwf(sandbox.path(), ["plan"]).run();
        let (_, list) = run.expect(2).stderr.split_once("known here: ").unwrap_or_else(|| panic!("{run}"));
        list.lines().next().unwrap_or_default().split(", ").map(str::to_owned).collect()
    };
    let (project, user) =
        (sandbox.path().join("devflow.toml"), sandbox.write("home/.config/devflow/config.toml", ""));
    for file in [&user, &project] {
        let tables = known(file, "not_a_key_at_all = 1\n".to_owned());
        for table in tables.iter().filter(|table| *table != "targets") {
            let head = match (table.as_str(), file == &project) {
                ("commands", _) => "[commands.\"a:b\"]".to_owned(),
                ("secrets", _) | ("extensions" | "services", true) => format!("[{table}.x]"),
                _ => format!("[{table}]"),
            };
            for key in known(file, format!("{head}\nnot_a_key_at_all = 1\n")) {
                let shown = [format!("`{key}`"), format!("\n{key} ")];
                assert!(
                    shown.iter().any(|text| described.contains(text)),
                    "[{table}] {key} is not in CONFIG.md"
                );
            }
            assert!(described.contains(&format!("[{table}")), "[{table}] is not in CONFIG.md");
        }
        std::fs::remove_file(file).expect("the file");
    }
}

#[test]
fn every_exit_code_is_described() {
    let numbers = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let described: BTreeSet<String> = read("README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .map(numbers)
        .filter(|number| !number.is_empty())
        .collect();
    let in_code: BTreeSet<String> = read("dwf/src/error.rs")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::"))
        .filter_map(|line| Some(numbers(line.split_once(" => ")?.1)))
        .filter(|number| !number.is_empty())
        .chain(["0".to_owned()])
        .collect();
    assert_eq!(described, in_code);
}

/// What a link to a heading calls it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
}

#[test]
fn links_lead_to_files() {
    for document in [
        "README.md",
        "CHANGELOG.md",
        "dwf/ARCHITECTURE.md",
        "dwf/CONFIG.md",
        "oci/DISK.md",
        "protocol/SPEC.md",
    ] {
        let path = repository().join(document);
        let folder = path.parent().expect("a folder");
        // Every second piece between fences is a block.
        let prose: String = read(document).split("\n```").step_by(2).collect();
        for rest in prose.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let there = link.starts_with("https://") || folder.join(file).exists();
            assert!(there, "{document}: there is no {link}");
            let has_heading =
                |text: String| text.lines().any(|line| line.starts_with('#') && slug(line) == anchor);
            let there =
                anchor.is_empty() || std::fs::read_to_string(folder.join(file)).is_ok_and(has_heading);
            assert!(there, "{document}: there is no heading for {link}");
        }
    }
}
