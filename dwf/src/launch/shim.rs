//! Shims: small programs that stand for an interpreter and start the one that is meant.
//!
//! A shim has to read its manager's files, which no jail lets in. So it is asked on the host, far
//! from the project, by starting it and looking what it becomes.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_oci::Invocation;
use nix::unistd::Pid;

use super::shebang;
use crate::jail::of_system;
use crate::process::{self, Streams};
use crate::world::World;

/// How long a shim may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const AGAIN: Duration = Duration::from_millis(2);
/// The folder name by which managers tell shims from programs.
const FOLDER: &str = "shims";

/// Whether a program only stands for the interpreter of this name.
pub fn is_shim(path: &Path, real: &Path, name: &str) -> bool {
    if path.parent().is_some_and(|dir| dir.ends_with(FOLDER)) {
        return true;
    }
    // What the system brings runs as well in a jail.
    let script = || {
        let mut head = [0; 2];
        File::open(real).and_then(|mut file| file.read_exact(&mut head)).is_ok() && shebang::is_script(&head)
    };
    !of_system(real) && (!is_called(real, name) || script())
}

/// Whether a program has a name like this one: `x3` may be `x3.12`, and `x` may be `gx`.
fn is_called(program: &Path, name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    program.file_name().is_some_and(|file| file.to_string_lossy().contains(stem))
}

/// The program that a shim becomes. It waits for its input, which never comes, and is ended.
pub async fn ask(shim: &Path, name: &str, world: &World) -> Result<PathBuf, String> {
    let invocation = Invocation::new(shim).cwd("/");
    let failed = |reason: String| format!("is the shim {}, which {reason}", shim.display());
    let mut process = process::spawn(&invocation, &world.env, Streams::Piped)
        .map_err(|error| failed(format!("does not start: {error}")))?;
    let id = process.id();
    let look = async {
        loop {
            if let Some(program) = became(id, name, world) {
                return program;
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    // Its end is not waited for while its input is open; dropping the process is its end.
    let _input = process.stdin();
    tokio::select! {
        program = look => Ok(program),
        status = process.wait() => Err(failed(status.map_or_else(|error| error.to_string(), process::ending))),
        () = tokio::time::sleep(PATIENCE) => {
            Err(failed(format!("did not become {name} within {} s", PATIENCE.as_secs())))
        }
    }
}

/// What the process is by now, if that is what was meant.
fn became(id: Pid, name: &str, world: &World) -> Option<PathBuf> {
    let proc = PathBuf::from(format!("/proc/{id}"));
    let exe = proc.join("exe").read_link().ok().filter(|exe| is_called(exe, name) && *exe != world.exe)?;
    // By the path that it was started by, where that is the same: its environment may hang on it.
    let line = std::fs::read(proc.join("cmdline")).unwrap_or_default();
    let first = line.split(|byte| *byte == 0).next().and_then(|word| std::str::from_utf8(word).ok());
    let first = first.map(PathBuf::from).filter(|path| path.is_absolute());
    let same = first.filter(|path| path.canonicalize().is_ok_and(|real| real == exe));
    Some(same.unwrap_or(exe))
}
