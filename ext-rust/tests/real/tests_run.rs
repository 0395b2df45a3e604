//! `test:unit` and `test:integration`, on every shape of package that behaves in its own way.
//! Together they run what `cargo test` runs, once.

use devflow_protocol::message::Resolution;

use crate::project::Project;

const LIB: &str = "/// ```\n/// example::ran();\n/// ```\npub fn f() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn in_lib() {}\n}\n";
const BIN: &str = "fn main() {}\n#[test]\nfn in_bin() {}\n";
const TEST: &str = "#[test]\nfn in_tests() {}\n";
const BROKEN_TEST: &str = "fn main() {}\npub fn f() {}\n#[cfg(test)]\ncompile_error!(\"it is tested\");\n";

fn package(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}\n")
}

/// A library whose documentation has a passing example that names its crate.
fn lib(name: &str) -> String {
    LIB.replace("example::ran()", &format!("{name}::f()"))
}

/// What must have run, by the names in the output; `None` for a skip.
type Ran = Option<&'static [&'static str]>;

fn check(name: &str, project: &Project, unit: Ran, integration: Ran) {
    const NAMES: [&str; 7] =
        ["in_lib", "in_bin", "in_tests", "in_bench", "in_example", "lib.rs - f", "custom harness"];
    for (command, expected) in [("test:unit", unit), ("test:integration", integration)] {
        let resolution = project.resolve(command, &[]);
        assert_eq!(
            matches!(resolution, Resolution::Skip(_)),
            expected.is_none(),
            "{name} {command}: {resolution:?}"
        );
        for action in project.actions(command, &[]) {
            let printed =
                project.run(&action).unwrap_or_else(|printed| panic!("{name} {command}: {printed}"));
            for known in NAMES {
                let ran = printed.contains(known);
                let wanted = expected.is_some_and(|names| names.contains(&known));
                assert_eq!(ran, wanted, "{name} {command} {known}: {printed}");
            }
        }
    }
}

#[test]
fn packages_of_one_kind() {
    let lib_only = package("shape", "");
    let documented = lib("shape");
    check("nothing tested", &Project::new(&[("Cargo.toml", &lib_only), ("src/lib.rs", "")]), Some(&[]), None);
    let project = Project::new(&[("Cargo.toml", &lib_only), ("src/lib.rs", &documented)]);
    check("lib", &project, Some(&["in_lib", "lib.rs - f"]), None);
    let project = Project::new(&[("Cargo.toml", &lib_only), ("src/main.rs", BIN)]);
    check("bin", &project, Some(&["in_bin"]), None);
    let everything =
        [("Cargo.toml", &*lib_only), ("src/lib.rs", &documented), ("src/main.rs", BIN), ("tests/t.rs", TEST)];
    let project = Project::new(&everything);
    check("lib, bin, tests", &project, Some(&["in_lib", "in_bin", "lib.rs - f"]), Some(&["in_tests"]));
    let project =
        Project::new(&[("Cargo.toml", &lib_only), ("src/main.rs", "fn main() {}"), ("tests/t.rs", TEST)]);
    check("tests only", &project, Some(&[]), Some(&["in_tests"]));
    let example = documented.split("#[cfg").next().unwrap();
    let project = Project::new(&[("Cargo.toml", &lib_only), ("src/lib.rs", example)]);
    check("documentation only", &project, Some(&["lib.rs - f"]), None);
    let macros = package("shape", "[lib]\nproc-macro = true");
    let project = Project::new(&[("Cargo.toml", &macros), ("src/lib.rs", "#[test]\nfn in_lib() {}\n")]);
    check("proc-macro", &project, Some(&["in_lib"]), None);
    let dynamic = package("shape", "[lib]\ncrate-type = [\"cdylib\"]");
    let project = Project::new(&[("Cargo.toml", &dynamic), ("src/lib.rs", &documented)]);
    check("cdylib", &project, Some(&["in_lib"]), None);
}

#[test]
fn what_a_manifest_switches_off_or_on() {
    let documented = lib("shape");
    let check_one = |name: &str, more: &str, files: &[(&str, &str)], unit: Ran, integration: Ran| {
        let manifest = package("shape", more);
        let files: Vec<_> = [("Cargo.toml", &*manifest)].into_iter().chain(files.iter().copied()).collect();
        check(name, &Project::new(&files), unit, integration);
    };
    let no_tests = "[lib]\ntest = false\n[[bin]]\nname = \"b\"\npath = \"src/b.rs\"\ntest = false";
    check_one(
        "test = false",
        no_tests,
        &[("src/lib.rs", BROKEN_TEST), ("src/b.rs", BROKEN_TEST)],
        Some(&[]),
        None,
    );
    let wrong_example = "/// ```\n/// panic!();\n/// ```\npub fn f() {}\n#[test]\nfn in_lib() {}\n";
    check_one(
        "doctest = false",
        "[lib]\ndoctest = false",
        &[("src/lib.rs", wrong_example)],
        Some(&["in_lib"]),
        None,
    );
    let files = [("src/lib.rs", ""), ("tests/t.rs", TEST)];
    check_one("autotests", "autotests = false", &files, Some(&[]), None);
    let named = "autotests = false\n[[test]]\nname = \"other\"\npath = \"tests/t.rs\"";
    check_one("[[test]]", named, &files, Some(&[]), Some(&["in_tests"]));
    let off = "[[test]]\nname = \"t\"\ntest = false";
    let files = [("src/lib.rs", ""), ("tests/t.rs", BROKEN_TEST), ("tests/u/main.rs", TEST)];
    check_one("[[test]] test = false", off, &files, Some(&[]), Some(&["in_tests"]));
    let harness = "[[test]]\nname = \"t\"\nharness = false";
    let files = [("src/lib.rs", ""), ("tests/t.rs", "fn main() { println!(\"custom harness\"); }")];
    check_one("harness = false", harness, &files, Some(&[]), Some(&["custom harness"]));
    let others = "[[bench]]\nname = \"b\"\ntest = true\n[[example]]\nname = \"e\"\ntest = true";
    let bench = "#[test]\nfn in_bench() {}\n";
    let example = "fn main() {}\n#[test]\nfn in_example() {}\n";
    let files = [("src/lib.rs", &*documented), ("benches/b.rs", bench), ("examples/e.rs", example)];
    let unit: Ran = Some(&["in_lib", "lib.rs - f"]);
    check_one("bench and example", others, &files, unit, Some(&["in_bench", "in_example"]));
    let features = "[features]\nx = []\n[[test]]\nname = \"needs\"\nrequired-features = [\"x\"]";
    let files = [("src/lib.rs", ""), ("tests/needs.rs", TEST), ("tests/free.rs", "#[test]\nfn free() {}\n")];
    check_one("required-features off", features, &files, Some(&[]), Some(&[]));
    let on = format!("{features}\n[features]")
        .replace("[features]\nx = []", "[features]\ndefault = [\"y\"]\ny = [\"x\"]\nx = []");
    let on = on.trim_end_matches("\n[features]");
    check_one("required-features on", on, &files, Some(&[]), Some(&["in_tests"]));
}

#[test]
fn edition_2015_lists_or_finds() {
    let manifest = "[package]\nname = \"shape\"\nversion = \"0.1.0\"\n[[test]]\nname = \"listed\"\n";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("tests/listed.rs", TEST)];
    let more = [("tests/found.rs", BROKEN_TEST)];
    let files: Vec<_> = files.into_iter().chain(more).collect();
    check("edition 2015", &Project::new(&files), Some(&[]), Some(&["in_tests"]));
}

#[test]
fn workspaces() {
    let (a, b) = (package("a", ""), package("b", ""));
    let (odd, library) = (package("odd", "[lib]\ntest = false\ndoctest = false"), lib("a"));
    let manifest = "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/out\"]\nresolver = \"2\"\n";
    let files = [
        ("Cargo.toml", manifest),
        ("crates/a/Cargo.toml", &*a),
        ("crates/a/src/lib.rs", &library),
        ("crates/b/Cargo.toml", &b),
        ("crates/b/src/main.rs", BIN),
        ("crates/b/tests/t.rs", TEST),
    ];
    check("mixed", &Project::new(&files), Some(&["in_lib", "in_bin", "lib.rs - f"]), Some(&["in_tests"]));
    check("a member", &Project::new(&files).in_dir("crates/a"), Some(&["in_lib", "lib.rs - f"]), None);
    check("another", &Project::new(&files).in_dir("crates/b"), Some(&["in_bin"]), Some(&["in_tests"]));

    let with_odd = [
        ("crates/odd/Cargo.toml", &*odd),
        ("crates/odd/src/lib.rs", BROKEN_TEST),
        ("crates/odd/src/main.rs", BIN),
    ];
    let files: Vec<_> = files.into_iter().chain(with_odd).collect();
    check("odd", &Project::new(&files), Some(&["in_lib", "in_bin", "lib.rs - f"]), Some(&["in_tests"]));
    check("odd alone", &Project::new(&files).in_dir("crates/odd"), Some(&["in_bin"]), None);

    let programs: Vec<_> =
        files.iter().copied().filter(|(path, _)| !path.contains("/a/") && !path.contains("odd")).collect();
    check("programs only", &Project::new(&programs), Some(&["in_bin"]), Some(&["in_tests"]));

    let root = package("root", "[dependencies]\nsub = { path = \"sub\" }\n[workspace]");
    let (sub, library) = (package("sub", ""), lib("sub"));
    let files = [
        ("Cargo.toml", &*root),
        ("src/main.rs", BIN),
        ("sub/Cargo.toml", &sub),
        ("sub/src/lib.rs", &library),
    ];
    check("by path", &Project::new(&files), Some(&["in_lib", "in_bin", "lib.rs - f"]), None);
}

#[test]
fn arguments_reach_the_tests() {
    let two = "#[test]\nfn in_lib() {}\n#[test]\nfn other() {}\n";
    let project = Project::new(&[("Cargo.toml", &package("shape", "")), ("src/lib.rs", two)]);
    for args in [&["--exact", "in_lib"][..], &["--test-threads=1", "in_lib"]] {
        let actions = project.actions("test:unit", args);
        assert!(!actions.is_empty());
        for action in actions {
            let printed = project.run(&action).unwrap();
            assert!(printed.contains("in_lib") && !printed.contains("other"), "{printed}");
        }
    }
}
