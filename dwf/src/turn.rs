//! Whose turn it is in a project: one run at a time, for each user.
//!
//! Invariant: the turn ends with the process that has it, however that ends: it is a lock of the kernel on a file of
//! dwf's own state, whose descriptor no child inherits.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use devflow_oci::hash::sha256;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use tokio::sync::oneshot;

use crate::error::{Exit, Explain};

/// Bytes of a number of a process.
const PID: u64 = 20;

/// The turn cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("whether another dwf runs in this project cannot be told from {}", .path.display())]
pub struct TurnError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Explain for TurnError {
    fn exit(&self) -> Exit {
        Exit::Machine
    }

    fn hint(&self) -> Option<String> {
        Some(
            "dwf keeps its state below XDG_STATE_HOME, by default ~/.local/state; it must be writable"
                .to_owned(),
        )
    }
}

/// The turn in one project, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    /// None where the turn is that of the dwf that started this one.
    _lock: Option<Flock<File>>,
}

/// A turn that somebody else has.
#[derive(Debug)]
pub struct Queue {
    path: PathBuf,
    file: File,
    /// Who has it, where that can be told.
    pub holder: Option<i32>,
}

/// Takes the turn in a project, by its root with links resolved; or gives the queue for it.
pub fn take(root: &Path, state: &Path) -> Result<Result<Turn, Queue>, TurnError> {
    let folder = state.join("turn");
    let path = folder.join(sha256(root.as_os_str().as_encoded_bytes()));
    let failed = |source| TurnError { path: path.clone(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(OFlag::O_NOFOLLOW.bits()).open(&path).map_err(failed)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Ok(Turn::of(lock))),
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let holder = holder(&mut file);
            match holder.is_some_and(|pid| ancestors().any(|one| one == pid)) {
                // An action that starts dwf in its own project would wait for itself.
                true => Ok(Ok(Turn { _lock: None })),
                false => Ok(Err(Queue { path, file, holder })),
            }
        }
        Err((_, errno)) => Err(failed(errno.into())),
    }
}

impl Turn {
    fn of(mut lock: Flock<File>) -> Self {
        // Without the number of its holder the turn is still taken; those who wait only know less.
        let _ = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| write!(lock, "{}", std::process::id()));
        Self { _lock: Some(lock) }
    }
}

impl Queue {
    /// Waits until the other's turn is over. Whoever no longer waits leaves the queue with the process.
    pub async fn wait(self) -> Result<Turn, TurnError> {
        let Self { path, file, .. } = self;
        let (sender, receiver) = oneshot::channel();
        // Only a thread can wait in the kernel, and only there is a turn handed over at once.
        std::thread::spawn(move || {
            let mut file = file;
            let locked = loop {
                match Flock::lock(file, FlockArg::LockExclusive) {
                    Err((again, Errno::EINTR)) => file = again,
                    other => break other.map_err(|(_, errno)| io::Error::from(errno)),
                }
            };
            // A turn that nobody takes any more is over.
            let _ = sender.send(locked);
        });
        let locked = receiver.await.unwrap_or_else(|_| Err(io::Error::other("its thread is gone")));
        locked.map(Turn::of).map_err(|source| TurnError { path, source })
    }
}

fn holder(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.take(PID).read_to_string(&mut text).ok()?;
    text.parse().ok().filter(|pid| *pid > 1)
}

/// The processes that this one descends from, the nearest first; where there is no `/proc`, only the nearest.
fn ancestors() -> impl Iterator<Item = i32> {
    let parent = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command in parentheses may hold blanks; the state and then the parent follow it (proc(5)).
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(1)?.parse().ok().filter(|pid| *pid > 1)
    };
    std::iter::successors(Some(nix::unistd::getppid().as_raw()), parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_in_each_project() {
        let state = tempfile::tempdir().unwrap();
        let take = |root: &str| take(Path::new(root), state.path()).unwrap();
        let turn = take("/w/a").unwrap();
        let queue = take("/w/a").unwrap_err();
        assert_eq!(queue.holder, i32::try_from(std::process::id()).ok());
        take("/w/b").unwrap();
        drop(turn);
        take("/w/a").unwrap();
    }

    #[test]
    fn who_waits_goes_on_as_soon_as_the_turn_is_over() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let state = tempfile::tempdir().unwrap();
        let take = || take(Path::new("/w"), state.path()).unwrap();
        let turn = take().unwrap();
        let (one, other, gone) = (take().unwrap_err(), take().unwrap_err(), take().unwrap_err());
        runtime.block_on(async {
            // Who was in the queue and left it does not get the turn.
            drop(gone);
            let (one, other) = (one.wait(), other.wait());
            tokio::pin!(one, other);
            tokio::select! {
                biased;
                _ = &mut one => panic!("two have the turn"),
                _ = &mut other => panic!("two have the turn"),
                () = tokio::task::yield_now() => drop(turn),
            }
            let first = tokio::select! {
                turn = &mut one => (turn.unwrap(), true),
                turn = &mut other => (turn.unwrap(), false),
            };
            assert!(take().is_err());
            drop(first.0);
            if first.1 {
                other.await.unwrap()
            } else {
                one.await.unwrap()
            };
        });
    }

    #[test]
    fn a_link_is_not_followed_and_what_is_in_the_file_is_not_believed() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("turn").join(sha256("/w"));
        std::fs::create_dir(state.path().join("turn")).unwrap();
        for text in ["", "1", "-5", "x", &"9".repeat(100)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(holder(&mut File::open(&path).unwrap()), None, "{text}");
        }
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert_eq!(take(Path::new("/w"), state.path()).unwrap_err().exit(), Exit::Machine);
    }

    #[test]
    fn who_started_whom() {
        let parent = nix::unistd::getppid().as_raw();
        assert_eq!(ancestors().next(), Some(parent));
        assert!(ancestors().count() < 1000);
    }
}
