//! What `dwf cache prune` takes beside `rm -rf` of the same tree.
//!
//! Prints the ratio of one removal each, measured in one run. It makes a million empty files twice, and so is no part of
//! CI: `.ci/build && cargo bench -p devflow-tests --bench prune`.

use std::path::Path;
use std::time::{Duration, Instant};

use devflow_tests::{Sandbox, Spec};

const FOLDERS: usize = 1_000;
const FILES: usize = 1_000;

fn fill(tree: &Path) {
    for folder in 0..FOLDERS {
        let folder = tree.join(format!("{}/{folder}", folder % 10));
        std::fs::create_dir_all(&folder).expect("a folder");
        for file in 0..FILES {
            std::fs::File::create(folder.join(file.to_string())).expect("a file");
        }
    }
    Spec::new("sync").run().expect(0);
}

fn timed(spec: &Spec) -> Duration {
    let begun = Instant::now();
    spec.run().expect(0);
    begun.elapsed()
}

fn main() {
    let sandbox = Sandbox::without_engine();
    let project = sandbox.path().join("p");
    sandbox.write("p/devflow.toml", "[project]\nname = \"p\"\nstack = []\n");
    let tree = sandbox.cache().join("big");
    fill(&tree);
    let rm = timed(&Spec::new("rm").args(["-rf", &tree.to_string_lossy()]));
    fill(&tree);
    sandbox.write("cache/.dwf/entries/big.json", "{\"version\":1,\"workspace\":\"/\",\"used\":1}");
    let prune = timed(&sandbox.dwf(&project, ["cache", "prune"]));
    assert!(!tree.exists(), "it was not removed");
    let ratio = prune.as_secs_f64() / rm.as_secs_f64();
    let files = FOLDERS * FILES;
    println!("prune of {files} files: {prune:.2?} against {rm:.2?} for rm -rf: {ratio:.2}");
}
