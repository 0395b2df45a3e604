//! What a file is, by its first bytes.

use std::io::Read;
use std::path::Path;

use crate::files;
use crate::lock::Platform;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Magic {
    /// Compressed with gzip.
    Gzip,
    /// Compressed with Zstandard.
    Zstd,
    /// A script with a `#!` line.
    Script,
    /// A native program.
    Native(Platform),
    /// Something else.
    Unknown,
}

impl Magic {
    /// Looks at a file.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let mut head = Vec::new();
        files::open_here(path)?.take(64).read_to_end(&mut head)?;
        Ok(Self::read(&head))
    }

    fn read(head: &[u8]) -> Self {
        let word = |at: usize| head.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let native = |os: &str, arch: Option<&str>| {
            arch.and_then(|arch| Platform::of(os, arch)).map_or(Self::Unknown, Self::Native)
        };
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'#', b'!', ..] => Self::Script,
            // 64 bits, little-endian; the machine is the half word at 18 (elf(5)).
            [0x7f, b'E', b'L', b'F', 2, 1, ..] => match word(18).map(|word| word & 0xffff) {
                Some(62) => native("linux", Some("x86_64")),
                Some(183) => native("linux", Some("aarch64")),
                _ => Self::Unknown,
            },
            // Mach-O, 64 bits; the processor is the second word.
            [0xcf, 0xfa, 0xed, 0xfe, ..] => match word(4) {
                Some(0x0100_0007) => native("macos", Some("x86_64")),
                Some(0x0100_000c) => native("macos", Some("aarch64")),
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_first_bytes() {
        let elf = |class: u8, machine: u8| {
            let mut head = vec![0x7f, b'E', b'L', b'F', class, 1, 1];
            head.resize(18, 0);
            head.extend([machine, 0, 1, 0]);
            Magic::read(&head)
        };
        assert_eq!(elf(2, 62), Magic::Native(Platform::X86Linux));
        assert_eq!(elf(2, 183), Magic::Native(Platform::ArmLinux));
        assert_eq!((elf(1, 62), elf(2, 243)), (Magic::Unknown, Magic::Unknown));
        let mach = |processor: u8| Magic::read(&[0xcf, 0xfa, 0xed, 0xfe, processor, 0, 0, 1]);
        assert_eq!(mach(7), Magic::Native(Platform::X86Macos));
        assert_eq!(mach(12), Magic::Native(Platform::ArmMacos));
        assert_eq!(Magic::read(b"#!/bin/sh\n"), Magic::Script);
        assert_eq!((Magic::read(b"\x7fELF"), Magic::read(b"")), (Magic::Unknown, Magic::Unknown));
        let this = Magic::of(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(Some(this), Platform::this().map(Magic::Native));
    }
}
