//! The cache root, and the caches that the host does not move.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::check::{Check, State};
use crate::cache;
use crate::command::ask::{Answered, Ground};
use crate::error::Explain;
use crate::world::World;

/// Below this many free bytes a build is likely to fail.
const TIGHT: u64 = 2 << 30;

pub(super) fn root(ground: &Ground, world: &World) -> Check {
    let root = match cache::root(&ground.project, world) {
        Ok(root) => root,
        Err(error) => {
            let hint = error.hint();
            return Check::new("cache", State::Bad, error.to_string()).fix(hint);
        }
    };
    let there = root.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
    let made = if there == root { "" } else { " (made when needed)" };
    let mut text = format!("{}{made}", root.display());
    let owner = there.metadata().map(|meta| meta.uid());
    if let Ok(owner) = owner {
        text.push_str(&format!("\nof user {owner}"));
    }
    if owner.is_ok_and(|owner| made.is_empty() && world.uid != 0 && owner != world.uid) {
        return Check::new("cache", State::Bad, format!("{text}, who is not you"))
            .fix("choose another one: DWF_CACHE_ROOT=/absolute/path".to_owned());
    }
    let free = free(there);
    if let Some(free) = free {
        text.push_str(&format!(", {} MiB free", free >> 20));
    }
    if let Some(kind) = file_system(there) {
        text.push_str(&format!(" on {kind}"));
    }
    match free {
        Some(free) if free < TIGHT => Check::new("cache", State::Poor, text)
            .fix("make room, or choose a larger disk: DWF_CACHE_ROOT=/absolute/path".to_owned()),
        _ => Check::new("cache", State::Good, text),
    }
}

/// Bytes that whoever asks may still write.
fn free(dir: &Path) -> Option<u64> {
    let stat = statvfs(dir).ok()?;
    #[expect(clippy::useless_conversion, reason = "the types differ from system to system")]
    let (blocks, size) = (u64::from(stat.blocks_available()), u64::from(stat.fragment_size()));
    blocks.checked_mul(size)
}

/// What the file system under a folder calls itself, where the kernel tells.
fn file_system(dir: &Path) -> Option<String> {
    let real = dir.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    kind_of(&real, &mounts)
}

/// The type of the innermost mount that a path is on; of several at one place, the last lies on top.
fn kind_of(path: &Path, mounts: &str) -> Option<String> {
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        // A blank in a path is written as its number (proc(5)).
        let place = fields.next()?.replace("\\040", " ");
        path.starts_with(&place).then(|| (place.len(), fields.next().unwrap_or_default().to_owned()))
    };
    mounts.lines().filter_map(mount).max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

/// The caches that a tool has at a place of its own: the host leaves them alone.
pub(super) fn left_alone(answered: &Answered) -> Vec<Check> {
    let described = answered.asked.answers.described.iter();
    let caches = described
        .flat_map(|described| described.result.caches.iter().map(move |cache| (&described.stack, cache)));
    let mut checks: Vec<(String, String)> = caches
        .filter_map(|(stack, cache)| {
            let target = cache.target.as_ref()?;
            let text = format!("left alone on the host: the tools of {stack} keep it in {target}");
            Some((format!("cache {}", cache.name), text))
        })
        .collect();
    checks.sort();
    checks.dedup();
    checks.into_iter().map(|(about, text)| Check::new("tool-cache", State::Good, text).about(about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "overlay / overlay rw 0 0\n/dev/sda1 /home ext4 rw 0 0\n\
                      tmpfs /home/a\\040b tmpfs rw 0 0\ntmpfs /home xfs rw 0 0\n";
        for (path, kind) in
            [("/x", "overlay"), ("/home/u", "xfs"), ("/home/a b/c", "tmpfs"), ("/homes", "overlay")]
        {
            assert_eq!(kind_of(Path::new(path), mounts).as_deref(), Some(kind), "{path}");
        }
        assert_eq!(kind_of(Path::new("/x"), ""), None);
    }
}
