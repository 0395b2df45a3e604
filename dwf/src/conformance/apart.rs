//! A process cut off from the network, or from writing to the project: `dwf __apart`.
//!
//! dwf starts itself, cuts itself off while it has a single thread, and becomes the extension. With
//! no program it only says whether this machine permits that.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use devflow_oci::Invocation;

use crate::error::{Exit, Explain};

/// The word by which dwf knows that it is to be cut off.
pub const WORD: &str = "__apart";

/// What a process is cut off from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Every network.
    Offline,
    /// Writing to the project.
    ReadOnly,
}

impl Cut {
    fn word(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::ReadOnly => "read-only",
        }
    }

    /// dwf, cut off; to be followed by nothing, or by the program to become.
    pub fn invocation(self, dwf: &Path, root: &Path) -> Invocation {
        Invocation::new(dwf).args([WORD, self.word()]).arg(root.to_string_lossy()).cwd(root)
    }

    /// The same, becoming another program.
    pub fn around(self, dwf: &Path, root: &Path, inner: &Invocation) -> Invocation {
        let program = inner.program.to_string_lossy().into_owned();
        self.invocation(dwf, root).arg(program).args(inner.args.iter().cloned())
    }
}

/// A process could not be cut off.
#[derive(Debug, thiserror::Error)]
#[error("this machine does not permit it: {what}")]
pub struct ApartError {
    what: &'static str,
    #[source]
    source: std::io::Error,
}

impl Explain for ApartError {
    fn exit(&self) -> Exit {
        Exit::Machine
    }
}

/// Cuts this process off and becomes the program; comes back if there is none, or it cannot.
pub fn serve(args: &[OsString]) -> Result<(), ApartError> {
    let [word, root, program @ ..] = args else { return Ok(()) };
    let root = Path::new(root);
    if word == Cut::Offline.word() {
        kernel::offline()?
    } else {
        kernel::read_only(root)?
    }
    let words: Result<Vec<CString>, _> = program.iter().map(|word| CString::new(word.as_bytes())).collect();
    match words.as_deref() {
        Ok([path, ..]) => {
            let Err(error) = nix::unistd::execv(path, words.as_deref().unwrap_or_default());
            Err(failed("starting it")(error))
        }
        _ => Ok(()),
    }
}

fn failed(what: &'static str) -> impl Fn(nix::Error) -> ApartError {
    move |error| ApartError { what, source: error.into() }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::path::Path;

    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    use nix::sys::statvfs::{FsFlags, statvfs};
    use nix::unistd::{chdir, getegid, geteuid};

    use super::{ApartError, failed};

    /// A namespace of its own, in which the user is still the same.
    fn own(flags: CloneFlags) -> Result<(), ApartError> {
        let (user, group) = (geteuid(), getegid());
        unshare(CloneFlags::CLONE_NEWUSER | flags).map_err(failed("namespaces of a user"))?;
        let maps = [
            ("/proc/self/setgroups", "deny".to_owned()),
            ("/proc/self/uid_map", format!("{user} {user} 1")),
            ("/proc/self/gid_map", format!("{group} {group} 1")),
        ];
        for (file, text) in maps {
            std::fs::write(file, text).map_err(|source| ApartError { what: "the map of users", source })?;
        }
        Ok(())
    }

    pub(super) fn offline() -> Result<(), ApartError> {
        own(CloneFlags::CLONE_NEWNET)
    }

    pub(super) fn read_only(root: &Path) -> Result<(), ApartError> {
        let none = None::<&Path>;
        own(CloneFlags::CLONE_NEWNS)?;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
            .map_err(failed("private mounts"))?;
        mount(Some(root), root, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
            .map_err(failed("a bind mount"))?;
        // What the file system forbids already must be forbidden again, or the kernel refuses.
        let now = statvfs(root).map_err(failed("a look at the file system"))?.flags();
        let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        for (is, flag) in [
            (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
            (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
            (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        ] {
            flags.set(flag, now.contains(is));
        }
        mount(none, root, none, flags, none).map_err(failed("a read-only mount"))?;
        // The working directory was that below the mount.
        chdir(root).map_err(failed("the project's folder"))
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::path::Path;

    use super::{ApartError, failed};

    pub(super) fn offline() -> Result<(), ApartError> {
        Err(failed("only Linux can")(nix::Error::ENOSYS))
    }

    pub(super) fn read_only(_: &Path) -> Result<(), ApartError> {
        offline()
    }
}
