//! A step becomes a process.
//!
//! Invariant: a child has no descriptor of ours but its own two pipes and `/dev/null`, no blocked or
//! ignored signal, and a process group of its own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{AccessFlags, Pid, access};

use crate::group::Group;
use crate::lookup::{Folders, NotFound};
use crate::wire::{Choice, End, Step};

/// Characters of a text that may go into an event.
const TEXT: usize = 4096;

/// Descriptors up to this one are kept from children, should our parent have left some open.
const DESCRIPTORS: libc::c_int = 1024;

/// A step that runs.
pub(crate) struct Spawned {
    /// Its group.
    pub(crate) group: Group,
    /// The other end of its standard output.
    pub(crate) stdout: OwnedFd,
    /// The other end of its standard error.
    pub(crate) stderr: OwnedFd,
}

/// The folders that a choice looks programs up in.
pub(crate) fn folders(choice: &Choice, own_path: Option<&OsStr>) -> Folders {
    let path = match choice.env.get("PATH") {
        Some(path) => path.as_deref().map(OsStr::new),
        None => own_path,
    };
    Folders::new(&choice.path, path)
}

/// The `PATH` that a choice has on a machine with this one; none, where no folder is left.
pub fn search_path(choice: &Choice, own_path: Option<&OsStr>) -> io::Result<Option<OsString>> {
    folders(choice, own_path).to_path()
}

/// Starts a step of a choice, or says how it ended instead.
pub(crate) fn spawn(choice: &Choice, folders: &Folders, step: &Step) -> Result<Spawned, End> {
    let cwd = Path::new(&choice.cwd);
    let refuse = |reason: String, missing| not_started(&step.program, &reason, missing);
    enter(cwd).map_err(|reason| refuse(reason, false))?;
    let program = folders
        .find(&step.program, cwd)
        .map_err(|error| refuse(error.to_string(), error == NotFound::Missing))?;
    let result = command(choice, folders, step, &program).and_then(|mut command| start(&mut command));
    result.map_err(|error| refuse(why(&error, &program), false))
}

/// The end of an action that could not be started.
pub(crate) fn not_started(program: &str, reason: &str, missing: bool) -> End {
    let short = |text: &str| text.chars().take(TEXT).collect();
    End::NotStarted { program: short(program), reason: short(reason), missing }
}

#[expect(clippy::disallowed_methods, reason = "the one place where actions become processes")]
fn command(choice: &Choice, folders: &Folders, step: &Step, program: &Path) -> io::Result<Command> {
    let mut command = Command::new(program);
    command.arg0(&step.program).args(&step.args).current_dir(&choice.cwd).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in &choice.env {
        if name.is_empty() || name.contains('=') {
            let reason = format!("{name:?} cannot be the name of an environment variable");
            return Err(io::Error::new(ErrorKind::InvalidInput, reason));
        }
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    match folders.to_path()? {
        Some(path) => command.env("PATH", path),
        None => command.env_remove("PATH"),
    };
    Ok(command)
}

fn start(command: &mut Command) -> io::Result<Spawned> {
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("the process has no pipes"));
    };
    // `child` goes without waiting: that is left to the group.
    Ok(Spawned { group: Group::of(Pid::from_raw(pid)), stdout: stdout.into(), stderr: stderr.into() })
}

/// Checks that a directory can be the working directory, where `spawn` could not tell it apart from
/// the program.
fn enter(cwd: &Path) -> Result<(), String> {
    let name = cwd.display();
    match fs::metadata(cwd) {
        Ok(found) if !found.is_dir() => Err(format!("the working directory {name} is not a directory")),
        Ok(_) => access(cwd, AccessFlags::X_OK)
            .map_err(|error| format!("the working directory {name} cannot be entered: {}", error.desc())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("the working directory {name} does not exist"))
        }
        Err(error) => Err(format!("the working directory {name} cannot be looked at: {error}")),
    }
}

fn why(error: &io::Error, program: &Path) -> String {
    let program = program.display();
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => format!("{program} is there, but the interpreter or loader it names is not"),
        Some(Errno::EACCES) => format!("{program} may not be executed here"),
        Some(Errno::ENOEXEC) => {
            format!("{program} is neither a program for this machine nor a script that starts with #!")
        }
        Some(Errno::E2BIG) => "its arguments and environment are longer than the system takes".to_owned(),
        Some(Errno::EAGAIN) => "no more processes may be started here".to_owned(),
        Some(Errno::EMFILE | Errno::ENFILE) => "no more files may be opened here".to_owned(),
        _ => error.to_string(),
    }
}

/// Marks every descriptor that we were started with, except the standard ones, to be closed in children.
pub(crate) fn keep_descriptors() {
    for descriptor in 3..DESCRIPTORS {
        #[expect(unsafe_code, reason = "there is no safe way to name a descriptor we did not open")]
        // SAFETY: the call reads and writes no memory; on a number that is not open it fails with
        // EBADF, and on any that is it sets a flag which matters at `exec` only.
        unsafe {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}
