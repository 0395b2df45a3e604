//! The step that fills the environment, run for real and without a network: a made-up wheel is
//! resolved once, and installs again when its source is gone.

mod pipe;

use std::path::Path;
use std::process::Command;

use pipe::{Folder, exchange};

const WHEEL: &str = "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '/tiny-1.0-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('tiny.py', 'X = 1')
    wheel.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')
    wheel.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('tiny-1.0.dist-info/RECORD', '')
";

fn run(program: &Path, args: &[String], at: &Path) -> bool {
    #[expect(clippy::disallowed_methods, reason = "what was answered is tried")]
    let mut command = Command::new(program);
    command.args(args).current_dir(at).env("PIP_NO_INDEX", "1").env_remove("PIP_FIND_LINKS");
    command.env_remove("VIRTUAL_ENV").output().is_ok_and(|output| output.status.success())
}

#[test]
fn what_was_resolved_once_installs_without_its_source() {
    let folder = Folder::new(&[
        ("requirements.txt", "tiny\n-e .\n"),
        ("setup.py", "raise SystemExit('project code')"),
    ]);
    let caches = tempfile::tempdir().unwrap();
    let source = tempfile::tempdir().unwrap();
    let python = Path::new("python3");
    assert!(run(python, &["-c".into(), WHEEL.into(), source.path().to_str().unwrap().into()], folder.path()));

    let answer = exchange(&folder, "{}", &["setup:deps"], &[]).remove(1);
    let args = answer["result"]["action"]["steps"][0]["args"].as_array().unwrap();
    let place = |name: &str| caches.path().join(name).to_str().unwrap().to_owned();
    let fill = |word: &str| {
        word.replace("${cache:venv}", &place("venv"))
            .replace("${cache:wheels}", &place("wheels"))
            .replace("$$", "$")
    };
    let build = |word: &String| !word.starts_with("--build=");
    let args: Vec<String> = args.iter().map(|word| fill(word.as_str().unwrap())).filter(build).collect();
    let from_source = ["--pip=--find-links".to_owned(), format!("--pip={}", source.path().display())];

    assert!(run(python, &[args.clone(), from_source.into()].concat(), folder.path()));
    drop(source);
    std::fs::remove_dir_all(caches.path().join("venv")).unwrap();
    assert!(run(python, &args, folder.path()), "the wheel was kept");
    let inside = caches.path().join("venv/bin/python");
    assert!(run(&inside, &["-c".into(), "import tiny".into()], folder.path()));
    std::fs::write(caches.path().join("venv/mark"), "").unwrap();
    assert!(run(python, &args, folder.path()));
    assert!(caches.path().join("venv/mark").exists(), "what is in place stays in place");
}
