//! Whether the kernel would start a file itself.
//!
//! Invariant: what it would not start is refused here, because the C library would hand it to a
//! shell, which takes any bytes for commands.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;

/// The part of an ELF file that says for which machine it is.
const HEAD: u64 = 20;

/// Fails as the kernel does when a file is neither a script nor a program for this machine.
pub(super) fn check(program: &Path) -> io::Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    // What cannot be read cannot be taken for commands either.
    let Ok(head) = beginning(program) else { return Ok(()) };
    let own = beginning(Path::new("/proc/self/exe")).unwrap_or_default();
    let same = |range: std::ops::Range<usize>| own.is_empty() || head.get(range.clone()) == own.get(range);
    // The width and the byte order; the processor.
    let program = head.starts_with(b"\x7fELF") && same(4..6) && same(18..20);
    match head.starts_with(b"#!") || program {
        true => Ok(()),
        false => Err(Errno::ENOEXEC.into()),
    }
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let mut bytes = Vec::new();
    OpenOptions::new().read(true).custom_flags(flags).open(path)?.take(HEAD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_starts_itself() {
        let dir = tempfile::tempdir().unwrap();
        let own = std::fs::read("/proc/self/exe").unwrap();
        let (mut other, mut wide) = (own[..64].to_vec(), own[..64].to_vec());
        other[18] ^= 0xff;
        wide[4] = 3 - wide[4];
        for (bytes, good) in [
            (&own[..], true),
            (b"#!/bin/sh\n", true),
            (&other, false),
            (&wide, false),
            (b"touch /tmp/ran\n", false),
            (b"", false),
        ] {
            let path = dir.path().join("x");
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(check(&path).is_ok(), good, "{:?}", &bytes[..bytes.len().min(20)]);
        }
    }
}
