//! The system calls that a jail refuses: what Landlock leaves open.
//!
//! Invariant: what interpreters need to start is not among them; `tests/tests/jail.rs` starts them.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

/// Answered as by a kernel that does not know them, so that libraries take their other way.
const UNKNOWN: &[i64] =
    &[libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_clone3];

/// Not permitted.
const REFUSED: &[i64] = &[
    // Talking to others. A pair of sockets that know only each other is left, see `pairs`.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Reaching into other processes, or out of the group by which dwf ends an extension.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_perf_event_open,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // What belongs to a file besides its content.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    SETXATTRAT,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    REMOVEXATTRAT,
    FILE_SETATTR,
    // Other views of the machine, and what only root may do anyway.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

/// The same, under the names that younger architectures dropped.
#[cfg(target_arch = "x86_64")]
const OLD: &[i64] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[i64] = &[];

// Younger than the libraries; the numbers are the same on every architecture.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

/// Whether there are filters for this processor.
pub fn known_here() -> bool {
    TargetArch::try_from(std::env::consts::ARCH).is_ok()
}

/// The filters, in the order in which they are installed.
pub fn filters() -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let unknown = UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().chain(OLD).map(|call| (*call, Vec::new())).collect();
    refused.insert(libc::SYS_socketpair, pairs()?);
    refused.insert(libc::SYS_clone, namespaces()?);
    refused.insert(libc::SYS_prlimit64, vec![rule([argument(0, SeccompCmpOp::Ne, 0)?])?]);
    Ok(vec![filter(unknown, libc::ENOSYS)?, filter(refused, libc::EPERM)?])
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    answer: i32,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let answer = SeccompAction::Errno(answer.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let program: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()?;
    Ok(if cfg!(target_arch = "x86_64") { without_x32(program) } else { program })
}

/// A second set of numbers for the same calls (x32) would pass by every rule.
fn without_x32(program: BpfProgram) -> BpfProgram {
    const NUMBER: u32 = 0;
    const X32: u32 = 0x4000_0000;
    let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let [load, jump, answer] = [
        (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, NUMBER),
        (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1, X32),
        (libc::BPF_RET | libc::BPF_K, 0, unknown),
    ]
    .map(|(code, jf, k)| sock_filter { code: code as u16, jt: 0, jf, k });
    [load, jump, answer].into_iter().chain(program).collect()
}

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.to_vec())
}

fn argument(at: u8, op: SeccompCmpOp, value: i32) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(at, SeccompCmpArgLen::Dword, op, u64::from(value.unsigned_abs()))
}

/// Event loops wake themselves through a pair of stream sockets. A datagram socket would be free to
/// send elsewhere.
fn pairs() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let kind = |kind| rule([argument(1, SeccompCmpOp::MaskedEq(0xf), kind)?]);
    let family = rule([argument(0, SeccompCmpOp::Ne, libc::AF_UNIX)?]);
    Ok(vec![family?, kind(libc::SOCK_DGRAM)?, kind(libc::SOCK_RAW)?])
}

fn namespaces() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let flags = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    let one = |flag: i32| rule([argument(0, SeccompCmpOp::MaskedEq(u64::from(flag.unsigned_abs())), flag)?]);
    flags.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_begin_by_refusing_other_numbers() {
        for program in filters().unwrap() {
            assert!(program.len() < 4096);
            if cfg!(target_arch = "x86_64") {
                assert_eq!((program[1].k, program[2].k), (0x4000_0000, libc::SECCOMP_RET_ERRNO | 38));
            }
        }
    }
}
