//! Who is in a process group.

use nix::unistd::Pid;

/// The processes of a group that have not ended.
pub(super) fn members(group: Pid) -> Vec<Pid> {
    let is_member = |pid: &Pid| {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat);
        // The command in parentheses may hold blanks; the state and, third, the group follow it (proc(5)).
        let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
        let fields: Vec<&str> = rest.splitn(4, ' ').collect();
        let found = fields.get(2).and_then(|field| field.parse().ok());
        found == Some(group.as_raw()) && !matches!(fields[0], "Z" | "X")
    };
    all().filter(is_member).collect()
}

/// The members of a group that are not its leader, nor the leader started once more by itself.
pub(super) fn workers(group: Pid) -> Vec<Pid> {
    let leader = words(group);
    members(group).into_iter().filter(|pid| words(*pid) != leader).collect()
}

/// Every process.
pub(super) fn all() -> impl Iterator<Item = Pid> {
    let names = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw)
}

/// The command line of a process, as the kernel has it: each word ends with a NUL.
pub(super) fn words(pid: Pid) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}
