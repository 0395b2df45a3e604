//! Processes: the one place where dwf starts any.
//!
//! Invariant: every child leads a process group of its own, and whatever is left of that group is
//! killed when the value that stands for it goes away.

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use devflow_oci::Invocation;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// A child and its group.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Pid,
    reaped: bool,
}

/// Where a child's standard streams go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// All three are pipes.
    Piped,
    /// No input; output and error are pipes.
    Captured,
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
}

/// Starts a program with exactly this environment, changed as the invocation says.
pub fn spawn(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    streams: Streams,
) -> io::Result<Process> {
    // A file that was just written can be busy for a moment (ETXTBSY) when another thread forked.
    let mut tries = 0;
    let child = loop {
        match command(invocation, env, streams).spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 3 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            other => break other?,
        }
    };
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let group = Pid::from_raw(pid.ok_or_else(|| io::Error::other("the child has no process id"))?);
    Ok(Process { child, group, reaped: false })
}

#[expect(clippy::disallowed_methods, reason = "this is where processes start")]
fn command(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    streams: Streams,
) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(&invocation.program);
    command.args(&invocation.args).env_clear().envs(env).process_group(0);
    for (name, value) in &invocation.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(cwd) = &invocation.cwd {
        command.current_dir(cwd);
    }
    command.stdin(if streams == Streams::Piped { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a program to its end and keeps what it said, at most `bound` bytes of each stream.
pub async fn capture(
    invocation: &Invocation,
    env: &BTreeMap<String, String>,
    deadline: Duration,
    bound: usize,
) -> Result<Captured, CaptureError> {
    let mut process = spawn(invocation, env, Streams::Captured).map_err(CaptureError::Spawn)?;
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let run = async {
        let (stdout, stderr) = tokio::try_join!(head(stdout, bound), tail(stderr, bound))?;
        io::Result::Ok(Captured { status: process.wait().await?, stdout, stderr })
    };
    match tokio::time::timeout(deadline, run).await {
        Ok(result) => result.map_err(CaptureError::Read),
        Err(_) => Err(CaptureError::Timeout(deadline)),
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

async fn tail(stream: Option<impl AsyncRead + Unpin>, bound: usize) -> io::Result<String> {
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

    /// Signals the child's whole group; a group that is gone is no error.
    pub fn signal(&self, signal: Signal) {
        let _ = killpg(self.group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Until the leader is reaped its group's number cannot be another's; afterwards only
        // members that are still there keep it.
        self.signal(Signal::SIGKILL);
        if !self.reaped {
            let _ = self.child.start_kill();
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
