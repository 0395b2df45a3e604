//! What a fingerprint costs beside `sha256sum` over the same files, and beside itself in a small tree.
//!
//! Prints ratios of medians measured in one run, with the budget of each. Run it with
//! `.ci/build && cargo bench -p devflow-tests --bench fingerprint`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use devflow_tests::{Sandbox, Spec, medians};

const ROUNDS: usize = 9;
const BIG: u32 = 1 << 30;
const MANY: usize = 50_000;

fn project(sandbox: &Sandbox, name: &str, inputs: &str) -> PathBuf {
    let stacks = "[project]\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n";
    sandbox.write(
        &format!("{name}/devflow.toml"),
        &format!("{stacks}[container]\nfingerprint_inputs = {inputs}\n"),
    );
    sandbox.path().join(name)
}

/// Fifty thousand files of some hundred bytes, in folders as deep as sources lie.
fn plant(root: &Path) {
    for number in 0..MANY {
        let dir = root.join(format!("src/d{}/e{}/f{}", number % 20, number % 400, number % 1000));
        fs::create_dir_all(&dir).expect("a folder");
        fs::write(dir.join(format!("file-{number}.txt")), format!("{number}\n").repeat(number % 200))
            .expect("a file");
    }
}

fn tell(what: &str, dwf: &Spec, other: &Spec, budget: &str) {
    let (mine, theirs) = medians(ROUNDS, dwf, other);
    let ratio = mine.as_secs_f64() / theirs.as_secs_f64();
    println!("{what}: {mine:.1?} against {theirs:.1?}: {ratio:.2} (budget {budget})");
}

fn main() {
    let sandbox = Sandbox::without_engine();
    let (words, sum) = (["fingerprint"], "find . -type f -print0 | xargs -0 sha256sum");

    let big = project(&sandbox, "big", "['big']");
    let mut file = fs::File::create(big.join("big")).expect("a file");
    // Not zeros: a file with holes is read faster than any other.
    let mut block: Vec<u8> =
        (0..1_u32 << 20).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    for number in 0..BIG >> 20 {
        block[0] = number.to_le_bytes()[0];
        file.write_all(&block).expect("room for a gibibyte");
    }
    let other = Spec::new("sha256sum").args(["big"]).cwd(&big);
    tell("one file of 1 GiB, sha256sum", &sandbox.dwf(&big, words), &other, "1.11");

    let many = project(&sandbox, "many", "['**']");
    plant(&many);
    let other = Spec::new("sh").args(["-c", sum]).cwd(&many);
    tell("50,000 small files, find | xargs sha256sum", &sandbox.dwf(&many, words), &other, "1.00");

    let literals = "['src/d0/e0/f0/file-0.txt', 'src/d1/e1/f1/file-1.txt', 'gone']";
    let (few, many) = (project(&sandbox, "few", literals), project(&sandbox, "many", literals));
    for path in ["src/d0/e0/f0/file-0.txt", "src/d1/e1/f1/file-1.txt"] {
        fs::create_dir_all(few.join(path).parent().expect("a folder")).expect("a folder");
        fs::copy(many.join(path), few.join(path)).expect("a copy");
    }
    let (dwf, other) = (sandbox.dwf(&many, words), sandbox.dwf(&few, words));
    assert_eq!(dwf.run().expect(0).stdout, other.run().expect(0).stdout);
    tell("literal inputs among 50,000 files, among none", &dwf, &other, "1.1");
}
