//! The jail on Linux: Landlock for files, seccomp for calls, limits and closed descriptors besides.

use std::fmt;
use std::io;
use std::sync::Arc;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use seccompiler::BpfProgram;
use serde::Serialize;

use super::{Grants, JailError, calls};

/// The Landlock that keeps all that is promised: its signals and abstract sockets, too.
const WHOLE: u8 = 6;
/// All versions that the library knows, the youngest last.
const VERSIONS: &[ABI] =
    &[ABI::V1, ABI::V2, ABI::V3, ABI::V4, ABI::V5, ABI::V6, ABI::V7, ABI::V8, ABI::V9, ABI::V10];

/// Descriptors that an extension may have open.
const DESCRIPTORS: u64 = 256;

/// What this machine can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// The version of Landlock; 0 is none.
    pub landlock: u8,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
    #[serde(skip)]
    filters: Arc<Vec<BpfProgram>>,
}

impl Parts {
    /// Asks the kernel; nothing of this process changes.
    pub fn find() -> Self {
        let hard = |abi: ABI| handled(abi, CompatLevel::HardRequirement).is_ok();
        let landlock = VERSIONS.iter().take_while(|abi| hard(**abi)).count();
        let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
        let filters = match calls::known_here() && actions.split_whitespace().any(|word| word == "errno") {
            true => calls::filters().unwrap_or_default(),
            false => Vec::new(),
        };
        Self {
            landlock: u8::try_from(landlock).unwrap_or(u8::MAX),
            seccomp: !filters.is_empty(),
            filters: Arc::new(filters),
        }
    }

    /// What is missing.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        match self.landlock {
            0 => out.push("Landlock (Linux 5.13, switched on at boot): files are not guarded"),
            1..WHOLE => out.push("a newer Landlock (Linux 6.12): some ways to write or to signal stay open"),
            _ => {}
        }
        if !self.seccomp {
            out.push("seccomp filters: sockets are not guarded");
        }
        out
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Landlock version {}", self.landlock)?;
        f.write_str(if self.seccomp { ", seccomp filters" } else { "" })
    }
}

/// A ruleset that handles all that a version of Landlock knows.
fn handled(abi: ABI, level: CompatLevel) -> Result<Ruleset, RulesetError> {
    let mut ruleset = Ruleset::default().set_compatibility(level).handle_access(AccessFs::from_all(abi))?;
    // Asking for nothing is an error of its own.
    let (net, scope) = (AccessNet::from_all(abi), Scope::from_all(abi));
    if !net.is_empty() {
        ruleset = ruleset.handle_access(net)?;
    }
    if !scope.is_empty() {
        ruleset = ruleset.scope(scope)?;
    }
    Ok(ruleset)
}

/// A jail that is ready to be entered.
#[derive(Debug)]
pub struct Jail {
    ruleset: Option<RulesetCreated>,
    filters: Arc<Vec<BpfProgram>>,
}

impl Jail {
    pub(super) fn build(parts: &Parts, grants: &Grants) -> Result<Self, JailError> {
        let ruleset = match parts.landlock {
            0 => None,
            _ => Some(rules(grants).map_err(|error| JailError::Build(error.to_string()))?),
        };
        Ok(Self { ruleset, filters: Arc::clone(&parts.filters) })
    }

    /// Another one like it.
    pub fn again(&self) -> io::Result<Self> {
        let ruleset = self.ruleset.as_ref().map(RulesetCreated::try_clone).transpose()?;
        Ok(Self { ruleset, filters: Arc::clone(&self.filters) })
    }

    /// Locks this thread in, for good. It only makes system calls, so that a process can do it
    /// between its fork and its exec.
    pub fn enter(&mut self) -> io::Result<()> {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let descriptors = hard.min(DESCRIPTORS);
        for (limit, value) in
            [(Resource::RLIMIT_NOFILE, descriptors), (Resource::RLIMIT_FSIZE, 0), (Resource::RLIMIT_CORE, 0)]
        {
            setrlimit(limit, value, value)?;
        }
        close_others()?;
        nix::sys::prctl::set_no_new_privs()?;
        if let Some(ruleset) = self.ruleset.take() {
            ruleset.restrict_self().map_err(|_| io::Error::last_os_error())?;
        }
        for filter in self.filters.iter() {
            seccompiler::apply_filter(filter).map_err(|_| io::Error::last_os_error())?;
        }
        Ok(())
    }
}

fn rules(grants: &Grants) -> Result<RulesetCreated, RulesetError> {
    let newest = VERSIONS.last().copied().unwrap_or(ABI::V1);
    let mut ruleset = handled(newest, CompatLevel::BestEffort)?.create()?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let device = [std::path::PathBuf::from("/dev/null")];
    for (paths, access) in [
        (&grants.read[..], read),
        (&grants.run[..], read | AccessFs::Execute),
        (&device[..], AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate),
    ] {
        // What has gone away meanwhile needs no rule.
        for (path, opened) in paths.iter().filter_map(|path| Some((path, PathFd::new(path).ok()?))) {
            let access = if path.is_dir() { access } else { access & AccessFs::from_file(newest) };
            ruleset = ruleset.add_rule(PathBeneath::new(opened, access))?;
        }
    }
    Ok(ruleset)
}

/// Lets no descriptor but the standard streams survive the exec, whoever opened it and forgot.
fn close_others() -> io::Result<()> {
    #[expect(unsafe_code, reason = "nobody owns the descriptors that this is about")]
    // SAFETY: no memory is involved; descriptors stay open and are only marked to close at exec.
    let result = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    match nix::errno::Errno::result(result) {
        // Kernels of that age have no Landlock either, which is said.
        Ok(_) | Err(nix::errno::Errno::ENOSYS | nix::errno::Errno::EINVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
