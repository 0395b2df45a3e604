//! Who runs dwf: a process of one machine, told apart from every other that ever had its number.
//!
//! Invariant: an owner is called dead only by a process that could see it alive; whatever runs elsewhere (another machine, or
//! another container) is never judged.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use devflow_oci::hash::sha256_framed;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tempfile::TempDir;

/// The label by which a container says whose it is.
pub const LABEL: &str = "dwf.owner";
/// The variable by which a process that dwf started says the same.
pub const MARK: &str = "DWF_OWNER";

/// One process, ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// What stands for the machine; empty where nothing does.
    machine: String,
    /// The machine's boot; empty where nobody knows.
    boot: String,
    /// The namespace in which the number counts.
    space: u64,
    pid: i32,
    /// When it started, in the kernel's ticks since the boot.
    start: u64,
}

/// How it is with an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It runs.
    Live,
    /// It does not, and never will again.
    Dead,
    /// From here nobody can tell.
    Unknown,
}

/// What the process table says of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nobody has it, or somebody who has ended and waits to be buried.
    Nobody,
    /// Somebody who started then.
    Since(u64),
    /// Somebody of whom nothing else can be seen.
    Hidden,
}

impl Owner {
    /// This process.
    pub fn me() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let machine = match text("/etc/machine-id") {
            id if id.len() < 32 => String::new(),
            // The number itself is not for others to see (machine-id(5)).
            id => sha256_framed(["dwf.owner", &id])[..16].to_owned(),
        };
        let start = match look(Pid::this()) {
            Seen::Since(start) => start,
            Seen::Nobody | Seen::Hidden => 0,
        };
        Self {
            machine,
            boot: text("/proc/sys/kernel/random/boot_id"),
            space: fs::metadata("/proc/self/ns/pid").map_or(0, |meta| meta.ino()),
            pid: Pid::this().as_raw(),
            start,
        }
    }

    /// How it is with it, as far as this process can see.
    pub fn life(&self) -> Life {
        judge(self, &Self::me(), || look(Pid::from_raw(self.pid)))
    }

    /// How the paths of its temporary folders begin.
    pub fn temporary(&self) -> PathBuf {
        let parent = std::env::temp_dir();
        // The other is often memory, and whole images may be unpacked there.
        let large = Path::new("/var/tmp");
        let parent = if parent == Path::new("/tmp") && large.is_dir() { large } else { &parent };
        parent.join(format!("dwf-build-{}-{}-", self.pid, self.start))
    }

    /// A temporary folder that goes away with its value, or with its owner.
    pub fn temporary_folder(&self) -> io::Result<TempDir> {
        let path = self.temporary();
        let (parent, prefix) = (path.parent().unwrap_or(&path), path.file_name().unwrap_or_default());
        tempfile::Builder::new().prefix(prefix).tempdir_in(parent)
    }
}

fn judge(owner: &Owner, me: &Owner, look: impl FnOnce() -> Seen) -> Life {
    if me.boot.is_empty() || owner.boot.is_empty() {
        return Life::Unknown;
    }
    if owner.boot != me.boot {
        // Of this machine, but before it was started again: then nothing of that time runs.
        let same = !me.machine.is_empty() && owner.machine == me.machine;
        return if same { Life::Dead } else { Life::Unknown };
    }
    if owner.space != me.space || me.space == 0 {
        return Life::Unknown;
    }
    match look() {
        Seen::Nobody => Life::Dead,
        Seen::Since(start) if start == owner.start => Life::Live,
        Seen::Since(_) => Life::Dead,
        Seen::Hidden => Life::Unknown,
    }
}

fn look(pid: Pid) -> Seen {
    // Asked before: where other users' processes are hidden, the files of one that runs are not there.
    if kill(pid, None) == Err(Errno::ESRCH) {
        return Seen::Nobody;
    }
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    // The command in parentheses may hold blanks; the state and, 20th, the start follow it (proc(5)).
    let Some((_, rest)) = stat.rsplit_once(") ") else { return Seen::Hidden };
    if rest.starts_with(['Z', 'X']) {
        return Seen::Nobody;
    }
    match rest.split(' ').nth(19).and_then(|start| start.parse().ok()) {
        Some(start) => Seen::Since(start),
        None => Seen::Hidden,
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, boot, space, pid, start } = self;
        write!(f, "{machine}:{boot}:{space}:{pid}:{start}")
    }
}

/// A text that names no owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this names no process that ran dwf")]
pub struct OwnerError;

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        let parts: Vec<&str> = text.split(':').collect();
        let &[machine, boot, space, pid, start] = parts.as_slice() else { return Err(OwnerError) };
        let number = |text: &str| text.parse::<u64>().map_err(|_| OwnerError);
        let pid = pid.parse().ok().filter(|pid| *pid > 0).ok_or(OwnerError)?;
        let (machine, boot) = (machine.to_owned(), boot.to_owned());
        Ok(Self { machine, boot, space: number(space)?, pid, start: number(start)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(text: &str) -> Owner {
        text.parse().unwrap()
    }

    #[test]
    fn it_is_written_and_read() {
        let me = Owner::me();
        assert_eq!(me.to_string().parse(), Ok(me.clone()));
        assert_eq!(me.life(), Life::Live);
        for wrong in ["", "a:b:c", "m:b:1:2", "m:b:1:0:3", "m:b:1:-1:3", "m:b:x:2:3", "m:b:1:2:3:4"] {
            assert_eq!(wrong.parse::<Owner>(), Err(OwnerError), "{wrong}");
        }
    }

    #[test]
    fn only_who_could_be_seen_alive_is_dead() {
        use Life::{Dead, Live, Unknown};
        use Seen::{Hidden, Nobody, Since};
        let check = |text: &str, seen: Seen, life: Life| {
            assert_eq!(judge(&owner(text), &owner("m:boot:7:1:1"), || seen), life, "{text} {seen:?}");
        };
        check("m:boot:7:42:99", Since(99), Live);
        check("m:boot:7:42:99", Since(100), Dead);
        check("m:boot:7:42:99", Nobody, Dead);
        check("m:boot:7:42:99", Hidden, Unknown);
        // A container of this machine, with numbers of its own.
        check("m:boot:8:42:99", Nobody, Unknown);
        // This machine before its last start; another one; one that cannot be named.
        check("m:old:7:42:99", Since(99), Dead);
        check("n:old:7:42:99", Nobody, Unknown);
        check(":old:7:42:99", Nobody, Unknown);
        check("m::7:42:99", Nobody, Unknown);
        let nameless = owner(":boot:7:1:1");
        assert_eq!(judge(&owner(":old:7:42:99"), &nameless, || Nobody), Unknown);
        assert_eq!(judge(&owner(":boot:7:42:99"), &nameless, || Nobody), Dead);
    }

    #[test]
    fn the_process_table_is_read() {
        assert!(matches!(look(Pid::this()), Seen::Since(start) if start > 0));
        assert_eq!(look(Pid::from_raw(i32::MAX)), Seen::Nobody);
    }
}
