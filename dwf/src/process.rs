//! Processes: the one place where dwf starts any.
//!
//! Invariant: every child leads a process group of its own, and whatever is left of that group is
//! killed when the value that stands for it goes away. A child that may have the terminal is in
//! dwf's own group; it alone is killed.

mod group;
mod marked;
mod native;
mod orphans;
mod survivor;
mod terminal;

pub use marked::{Marked, marked};
pub use orphans::Adoption;
pub use survivor::Survivor;
pub use terminal::Terminal;

use std::collections::BTreeMap;
use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use devflow_oci::Invocation;
use futures_util::TryFutureExt;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::jail::Jail;

/// Between two looks for workers.
const AGAIN: Duration = Duration::from_millis(100);
/// How often, and after how long each time, a child that was killed is looked for.
const MOMENTS: u32 = 100;
const MOMENT: Duration = Duration::from_millis(1);

/// A child and its group.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Pid,
    /// Whether the group is its own.
    leads: bool,
    reaped: bool,
}

/// Where a child's standard streams go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// All three are pipes.
    Piped,
    /// The same, in a session of its own: there is no terminal to write to.
    Apart,
    /// No input; output and error are pipes.
    Captured,
    /// They are dwf's own.
    Inherited,
    /// They are dwf's own, and so is the group: whatever dwf may do with the terminal, it may too.
    Foreground,
    /// Input is a pipe, and there is nothing else of dwf's, its session and its life included.
    Surviving,
}

/// What a short-lived program said.
#[derive(Debug)]
pub struct Captured {
    /// How it ended.
    pub status: ExitStatus,
    /// Its output, at most the bound.
    pub stdout: String,
    /// The end of its error output, at most the bound.
    pub stderr: String,
}

/// Why a short-lived program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It did not start.
    #[error("it could not be started")]
    Spawn(#[source] io::Error),
    /// It did not end in time.
    #[error("it did not answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// Its streams could not be read.
    #[error("its output could not be read")]
    Read(#[source] io::Error),
    /// Its output could not be written down.
    #[error("its output could not be kept")]
    Keep(#[source] io::Error),
}

/// Starts a program with exactly this environment, changed as the invocation says.
pub fn spawn(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    streams: Streams,
) -> io::Result<Process> {
    let mut process = start(|| {
        if streams == Streams::Apart {
            native::check(&invocation.program)?;
        }
        Ok(command(invocation, env, streams))
    })?;
    process.leads = streams != Streams::Foreground;
    Ok(process)
}

/// As [`spawn`] with its streams apart, in a jail where there is one, and under another name than its path
/// where it has one.
pub fn spawn_jailed(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    name: Option<&str>,
    jail: Option<&Jail>,
) -> io::Result<Process> {
    native::check(&invocation.program)?;
    start(|| {
        let mut command = command(invocation, env, Streams::Apart);
        if let Some(name) = name {
            command.arg0(name);
        }
        if let Some(jail) = jail {
            let mut jail = jail.again()?;
            #[expect(unsafe_code, reason = "a jail is entered between fork and exec")]
            // SAFETY: in the child only system calls are made: the jail was built before the fork,
            // and entering it neither allocates nor takes a lock.
            unsafe {
                command.pre_exec(move || jail.enter());
            }
        }
        Ok(command)
    })
}

/// Starts a program that outlives dwf, should dwf be killed, and then finds its input at an end.
pub fn spawn_survivor(invocation: &Invocation, env: &BTreeMap<String, String>) -> io::Result<Survivor> {
    command(invocation, env, Streams::Surviving).into_std().spawn().map(Survivor::new)
}

fn start(command: impl Fn() -> io::Result<tokio::process::Command>) -> io::Result<Process> {
    // A file that was just written can be busy for a moment (ETXTBSY) when another thread forked.
    let mut tries = 0;
    let child = loop {
        match command()?.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 3 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            other => break other?,
        }
    };
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let group = Pid::from_raw(pid.ok_or_else(|| io::Error::other("the child has no process id"))?);
    Ok(Process { child, group, leads: true, reaped: false })
}

#[expect(clippy::disallowed_methods, reason = "this is where processes start")]
fn command(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    streams: Streams,
) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(&invocation.program);
    command.args(&invocation.args).env_clear().envs(env);
    match streams {
        Streams::Apart => {
            leave_session(&mut command);
            die_with_dwf(&mut command);
        }
        Streams::Surviving => leave_session(&mut command),
        Streams::Piped | Streams::Captured | Streams::Inherited => drop(command.process_group(0)),
        Streams::Foreground => {}
    }
    for (name, value) in &invocation.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(cwd) = &invocation.cwd {
        command.current_dir(cwd);
    }
    match streams {
        Streams::Piped | Streams::Apart | Streams::Surviving => command.stdin(Stdio::piped()),
        Streams::Captured => command.stdin(Stdio::null()),
        // What a command inherits is what it has when nobody says otherwise.
        Streams::Inherited | Streams::Foreground => return command,
    };
    match streams {
        Streams::Surviving => command.stdout(Stdio::null()).stderr(Stdio::null()),
        _ => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
    };
    command
}

/// What has nothing to tidy up need not see that dwf was killed. Children are started by the one thread that dwf
/// begins with: the kernel means that thread's end, not the process's.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "nothing else asks for this between fork and exec")]
fn die_with_dwf(command: &mut tokio::process::Command) {
    use nix::sys::prctl::set_pdeathsig;

    // SAFETY: prctl is a system call that neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(|| set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from));
    }
}

/// Elsewhere they see the end of their input.
#[cfg(not(target_os = "linux"))]
fn die_with_dwf(_: &mut tokio::process::Command) {}

/// A session of its own is a group of its own, too.
#[expect(unsafe_code, reason = "nothing else starts a session between fork and exec")]
fn leave_session(command: &mut tokio::process::Command) {
    // SAFETY: setsid is a system call that neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(|| nix::unistd::setsid().map(|_| ()).map_err(io::Error::from));
    }
}

/// Keeps every descriptor that was inherited, but the three streams, from all children.
#[cfg(target_os = "linux")]
pub fn keep_descriptors() {
    use nix::libc::{CLOSE_RANGE_CLOEXEC, SYS_close_range, c_uint, syscall};

    #[expect(unsafe_code, reason = "there is no safe way to name descriptors we did not open")]
    // SAFETY: it only marks descriptors, none of which has an owner here yet. A kernel without the
    // call marks nothing, and children inherit what dwf did.
    unsafe {
        let (first, last): (c_uint, c_uint) = (3, c_uint::MAX);
        syscall(SYS_close_range, first, last, CLOSE_RANGE_CLOEXEC);
    }
}

/// Elsewhere children inherit what dwf did.
#[cfg(not(target_os = "linux"))]
pub fn keep_descriptors() {}

/// Runs a program to its end and keeps what it said, at most `bound` bytes of each stream.
pub async fn capture(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    deadline: Duration,
    bound: usize,
) -> Result<Captured, CaptureError> {
    match capture_unless(invocation, env, bound, tokio::time::sleep(deadline)).await {
        Ok(captured) => captured,
        Err(_) => Err(CaptureError::Timeout(deadline)),
    }
}

/// As [`capture`], until `stop` comes first: then the program, whose streams are still read, is the
/// caller's to end. Must be called inside a local task set.
pub async fn capture_unless<T>(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    bound: usize,
    stop: impl Future<Output = T>,
) -> Result<Result<Captured, CaptureError>, (T, Process)> {
    run_unless(invocation, env, bound, stop, |stdout| head(stdout, bound).map_err(CaptureError::Read)).await
}

/// As [`capture_unless`], with the program's output in a file that may have at most `most` bytes.
pub async fn pour_unless<T>(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    bound: usize,
    (file, most): (File, u64),
    stop: impl Future<Output = T>,
) -> Result<Result<Captured, CaptureError>, (T, Process)> {
    run_unless(invocation, env, bound, stop, |stdout| pour(stdout, file, most)).await
}

async fn run_unless<T, F>(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    bound: usize,
    stop: impl Future<Output = T>,
    output: impl FnOnce(Option<ChildStdout>) -> F,
) -> Result<Result<Captured, CaptureError>, (T, Process)>
where
    F: Future<Output = Result<String, CaptureError>> + 'static,
{
    let mut process = match spawn(invocation, env, Streams::Captured) {
        Ok(process) => process,
        Err(error) => return Ok(Err(CaptureError::Spawn(error))),
    };
    let stdout = spawn_local(output(process.stdout()));
    let stderr = spawn_local(tail(process.stderr(), bound));
    let run = async {
        let lost = |error| CaptureError::Read(io::Error::other(error));
        // Output that cannot be kept ends it before the program does.
        let end = async { process.wait().await.map_err(CaptureError::Read) };
        let (status, stdout) = tokio::try_join!(end, async { stdout.await.map_err(lost)? })?;
        let stderr = stderr.await.map_err(lost)?.map_err(CaptureError::Read)?;
        Ok(Captured { status, stdout, stderr })
    };
    let stopped = tokio::select! {
        result = run => return Ok(result),
        stopped = stop => stopped,
    };
    Err((stopped, process))
}

async fn pour(
    stream: Option<impl AsyncRead + Unpin>,
    mut file: File,
    most: u64,
) -> Result<String, CaptureError> {
    let Some(mut stream) = stream else { return Ok(String::new()) };
    let mut buffer = vec![0; 64 << 10];
    let mut left = most;
    loop {
        let count = stream.read(&mut buffer).await.map_err(CaptureError::Read)?;
        if count == 0 {
            return Ok(String::new());
        }
        let more = format!("it is more than {} MiB", most >> 20);
        let too_large = || CaptureError::Keep(io::Error::new(io::ErrorKind::FileTooLarge, more));
        left = left.checked_sub(count as u64).ok_or_else(too_large)?;
        file.write_all(&buffer[..count]).map_err(CaptureError::Keep)?;
    }
}

async fn head(stream: Option<impl AsyncRead + Unpin>, bound: usize) -> io::Result<String> {
    let mut kept = Vec::new();
    each_piece(stream, |piece| {
        let room = bound.saturating_sub(kept.len()).min(piece.len());
        kept.extend_from_slice(&piece[..room]);
    })
    .await?;
    Ok(String::from_utf8_lossy(&kept).into_owned())
}

/// The end of a stream, at most `bound` bytes.
pub async fn tail(stream: Option<impl AsyncRead + Unpin>, bound: usize) -> io::Result<String> {
    let mut kept = Vec::new();
    each_piece(stream, |piece| {
        kept.extend_from_slice(piece);
        if kept.len() > 2 * bound {
            kept.drain(..kept.len() - bound);
        }
    })
    .await?;
    let start = kept.len().saturating_sub(bound);
    Ok(String::from_utf8_lossy(&kept[start..]).into_owned())
}

/// Reads a stream to its end, a piece at a time.
pub async fn each_piece(
    stream: Option<impl AsyncRead + Unpin>,
    mut piece: impl FnMut(&[u8]),
) -> io::Result<()> {
    let Some(mut stream) = stream else { return Ok(()) };
    let mut buffer = vec![0; 16 << 10];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => piece(&buffer[..count]),
        }
    }
}

impl Process {
    /// Its number.
    pub fn id(&self) -> Pid {
        self.group
    }

    /// The child's input, once.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The child's output, once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The child's error output, once.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the child's end.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.reaped = true;
        Ok(status)
    }

    /// Asks the whole group to end, and waits for the child, but not beyond `hurry`.
    pub async fn end(&mut self, hurry: impl Future) {
        self.signal(Signal::SIGTERM);
        tokio::select! {
            _ = self.wait() => {}
            _ = hurry => {}
        }
    }

    /// Ends what the child started, again and again, and lets the child itself tidy up after them;
    /// but not beyond `hurry`.
    pub async fn end_workers(&mut self, hurry: impl Future) {
        let end = async {
            loop {
                for worker in group::workers(self.group) {
                    let _ = kill(worker, Signal::SIGTERM);
                }
                if timeout(AGAIN, self.wait()).await.is_ok() {
                    return;
                }
            }
        };
        tokio::select! {
            () = end => {}
            _ = hurry => {}
        }
    }

    /// Whether nothing of the group runs any more, the child included.
    pub fn group_is_gone(&self) -> bool {
        let answers = killpg(self.group, None).is_ok();
        // The dead whom nobody has waited for answer too.
        !answers || (cfg!(target_os = "linux") && group::members(self.group).is_empty())
    }

    /// Signals the child's whole group, or the child where the group is dwf's own; who is gone is no error.
    pub fn signal(&self, signal: Signal) {
        if self.leads {
            let _ = killpg(self.group, signal);
        } else if !self.reaped {
            let _ = kill(self.group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Until the leader is reaped its group's number cannot be another's; afterwards only
        // members that are still there keep it.
        self.signal(Signal::SIGKILL);
        if !self.reaped {
            let _ = self.child.start_kill();
            // The kernel takes a moment, in which it would outlive dwf.
            for _ in 0..MOMENTS {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(MOMENT);
            }
        }
    }
}

/// How a program ended, in words.
pub fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;

    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("was ended by {signal}"),
            Err(_) => format!("was ended by signal {number}"),
        },
        (None, None) => "ended".to_owned(),
    }
}
