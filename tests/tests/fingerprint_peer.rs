//! Another program computes the same fingerprints: `fixtures/fingerprint.py`, written from FINGERPRINT.md.
//!
//! Over generated trees, each from a seed, and over real repositories.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use devflow_tests::{Sandbox, Spec, repository};
use serde_json::Value;

/// Fails unless both programs say the same of a project; gives what dwf says.
#[track_caller]
fn agree(sandbox: &Sandbox, root: &Path, what: &str) -> Value {
    let run = sandbox.dwf(root, ["fingerprint", "--json"]).run();
    assert_eq!(run.code, 0, "{what}: {run}");
    let json = sandbox.path().join(format!("{}.json", what.replace([' ', '/'], "-")));
    fs::write(&json, &run.stdout).expect("a file");
    let script = repository().join("tests/fixtures/fingerprint.py");
    let words = [script, root.to_owned(), json].map(|path| path.to_string_lossy().into_owned());
    let peer = Spec::new("python3").args(["-B"]).args(words).run();
    let value: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(value["fingerprint"].as_str(), Some(peer.stdout.trim()), "{what}: {peer}\n{run}");
    value
}

/// Small numbers that follow from a seed (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }

    fn one_in(&mut self, most: usize) -> bool {
        self.below(most) == 0
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn some<'a>(&mut self, most: usize, list: &[&'a str]) -> Vec<&'a str> {
        (0..=self.below(most)).map(|_| self.pick(list)).collect()
    }
}

const NAMES: &[&str] = &[
    "a",
    "A",
    "b",
    "b.rs",
    "c d",
    ".hid",
    "gr\u{fc}n",
    "gru\u{308}n",
    "x.log",
    "keep.log",
    "-n",
    "#h",
    "!n",
    "a\\b",
    "[z]",
    "{y}",
    "*",
    "a\nb",
    "out",
    "target",
    "z~",
    "Ab.RS",
    "🦀",
    "d ",
    "a",
    "b",
    "out",
    "x.log",
    ":(top)",
];
const FOLDERS: &[&str] = &["a", "b", "out", "target", "src", ".hid", "[id]", "gr\u{fc}n", "c d", "a", "src"];
const CONTENTS: &[&str] = &["", "x", "x\n", "x\r\n", "\u{feff}x\n", "x\n\n", "y"];
const PIECES: &[&str] = &[
    "*",
    "**",
    "?",
    "??",
    "[a-c]*",
    "[!a]*",
    "[^.]*",
    "*.log",
    "{a,b.rs}",
    "{a,{A,out},src/*}",
    "*a*",
    ".*",
    "a",
    "b",
    "src",
    "out",
    "**",
    "*",
    "a**",
    "[]z[]*",
    "{,.}hid",
    "gr*n",
    "\\*",
    "\\[id\\]",
    "*.{rs,RS,log}",
    "[*]",
    "[[-]z]",
    "c d",
    "{**/a,b}",
];
const RULES: &[&str] = &[
    "*.log",
    "!keep.log",
    "/out",
    "out/",
    "target/",
    "a/b.rs",
    "**/a",
    "a/**",
    "!a",
    "# x",
    "\\#h",
    "\\!n",
    "*.r?",
    "[ab]*",
    "/*",
    "!/*/",
    "c\\ d",
    "x.log   ",
    "{y}",
    "\\*",
    "a/**/b.rs",
    "!**/keep.log",
    "[[:upper:]]*",
    "a\\\\b",
    "gr*n",
    "*/",
    "!.hid",
    "-n",
    "[z]",
    "\\[z\\]",
    "a?",
    "src/*",
    "!src/a",
    "/src/**/b",
    "!",
    "",
    "/",
    "*",
    "!*/",
    "!*.rs",
    "out\r",
    "d\\ ",
    "[!a]",
    "[^b]/",
    "**",
    "!**/b",
    "/a/*/",
    "\\a",
    "a/",
    "[a",
    "b\\",
    "**/src/a",
    "src/",
    "!/src/",
    "p/out",
    "/p/a",
    "p/**/b",
    "*.[lr]*",
    "?",
    "🦀",
    "[A-a]",
    "a**",
    ":(top)",
    "[]-]*",
    "[\\]z]",
    "!p",
];

fn pattern(random: &mut Random) -> String {
    if random.one_in(3) {
        let folder = if random.one_in(2) { format!("{}/", random.pick(FOLDERS)) } else { String::new() };
        let path = format!("{folder}{}", random.pick(NAMES)).replace('\n', "x");
        let special =
            |c: char| "*?[]{}\\".contains(c).then_some('\\').into_iter().chain([c]).collect::<String>();
        return path.chars().map(special).collect();
    }
    let mut pieces = random.some(3, PIECES);
    // A `**` that only alternatives make a whole part, or none, is dwf's own affair to refuse or take.
    pieces.dedup();
    let text = pieces.join("/");
    if random.one_in(9) { text + "/" } else { text }
}

fn write(path: &Path, text: &str) {
    // Never through a link, which may lead out of the tree.
    if path.ancestors().any(Path::is_symlink) {
        return;
    }
    // A name may be that of a folder, or a folder that of a file.
    if path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok()) {
        let _ = fs::write(path, text);
    }
}

fn rules(random: &mut Random) -> String {
    random.some(4, RULES).join("\n") + "\n"
}

/// A project from a seed; its root.
fn grow(seed: u64, into: &Path) -> PathBuf {
    let random = &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let git = random.below(4);
    let (top, root) = (into.to_owned(), if git == 3 { into.join("p") } else { into.to_owned() });
    fs::create_dir_all(&root).expect("a folder");
    for _ in 0..10 + random.below(40) {
        let mut path = root.clone();
        (0..random.below(4)).for_each(|_| path.push(random.pick(FOLDERS)));
        match random.below(20) {
            0 => write(&path.join(".gitignore"), &rules(random)),
            1 => {
                let target = random.pick(&["a", "..", "nowhere", "/nowhere/else", "b/../a", ".", "out"]);
                let _ = fs::create_dir_all(&path);
                let _ = symlink(target, path.join(random.pick(NAMES)));
            }
            2 if random.one_in(3) => write(&path.join(".git/config"), ""),
            _ => {
                path.push(random.pick(NAMES));
                write(&path, random.pick(CONTENTS));
                let mode = [0o644, 0o644, 0o755, 0o600, 0o654, 0o700][random.below(6)];
                if path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
                }
            }
        }
    }
    if random.one_in(2) {
        write(&root.join(".gitignore"), &rules(random));
    }
    if random.one_in(3) {
        write(&root.join(".cache/devflow/a"), "x");
    }
    if git >= 2 {
        for place in [&top, &root] {
            // What was planted by chance is no repository.
            let _ = fs::remove_dir_all(place.join(".git"));
        }
        Spec::new("git").args(["init", "-q"]).cwd(&top).run().expect(0);
        write(&top.join(".git/info/exclude"), &rules(random));
    }
    if git == 3 {
        write(&top.join(".gitignore"), &rules(random));
    }
    let mut patterns: BTreeSet<_> = (0..2 + random.below(4)).map(|_| pattern(random)).collect();
    if random.one_in(3) {
        patterns.insert("**".to_owned());
    }
    let patterns = toml::Value::from(patterns.into_iter().collect::<Vec<_>>());
    let stacks = "[project]\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n";
    write(&root.join("devflow.toml"), &format!("{stacks}[container]\nfingerprint_inputs = {patterns}\n"));
    root
}

fn agree_on_trees(seeds: std::ops::Range<u64>) {
    let sandbox = Sandbox::without_engine();
    let (mut files, mut kinds, mut empty) = (0, BTreeSet::new(), 0);
    for seed in seeds.clone() {
        let root = grow(seed, &sandbox.path().join(format!("tree-{seed}")));
        let value = agree(&sandbox, &root, &format!("seed {seed}"));
        let records = value["records"].as_array().expect("records");
        files += records.len();
        empty += usize::from(records.is_empty());
        kinds.extend(records.iter().map(|record| format!("{} {}", record["kind"], record["exec"])));
    }
    // Trees without inputs would agree too.
    let trees = usize::try_from(seeds.end - seeds.start).expect("few");
    assert!(files > trees * 3 && empty < trees / 3, "{files} records, {empty} trees without any");
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}

#[test]
fn trees_from_1_to_100() {
    agree_on_trees(1..101);
}

#[test]
fn trees_from_101_to_200() {
    agree_on_trees(101..201);
}

/// Makes everything an input.
fn take_all(root: &Path) {
    let config = root.join("devflow.toml");
    let text = fs::read_to_string(&config).unwrap_or_else(|_| {
        "[project]\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n[container]\n".to_owned()
    });
    fs::write(config, text.replacen("[container]", "[container]\nfingerprint_inputs = [\"**\"]", 1))
        .expect("a file");
}

#[test]
fn this_repository() {
    let sandbox = Sandbox::without_engine();
    let clone = sandbox.path().join("clone").to_string_lossy().into_owned();
    let from = repository().to_string_lossy().into_owned();
    Spec::new("git").args(["clone", "-q", &from, &clone]).run().expect(0);
    take_all(Path::new(&clone));
    let value = agree(&sandbox, Path::new(&clone), "this repository");
    assert!(value["records"].as_array().is_some_and(|records| records.len() > 200));
}

/// The sources of two libraries that the workspace is built with, wherever they are.
#[test]
fn repositories_of_others() {
    let sandbox = Sandbox::without_engine();
    let words = ["metadata", "--format-version", "1", "--locked"];
    let run = Spec::new("cargo").args(words).cwd(repository()).run();
    let metadata: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
    for name in ["tokio", "libc"] {
        let package = metadata["packages"].as_array().into_iter().flatten().find(|one| one["name"] == name);
        let manifest = package.and_then(|one| one["manifest_path"].as_str()).expect(name);
        let from = Path::new(manifest).parent().expect("a folder").to_string_lossy().into_owned();
        let root = sandbox.path().join(name);
        Spec::new("cp").args(["-R", &from, &root.to_string_lossy()]).run().expect(0);
        Spec::new("git").args(["init", "-q"]).cwd(&root).run().expect(0);
        take_all(&root);
        let value = agree(&sandbox, &root, name);
        assert!(value["records"].as_array().is_some_and(|records| records.len() > 300), "{name}");
    }
}
