//! The bytes of an extension, read once.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

use super::error::Reason;
use super::shebang;
use crate::discover;
use crate::world::World;

/// Bytes that a program may have.
const PROGRAM: u64 = 256 << 20;
/// Bytes that say what kind of file it is, and hold a `#!` line.
const HEAD: u64 = 512;

/// What a file is, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A native program.
    Program,
    /// A script with a `#!` line.
    Script,
}

/// The beginning of an extension, or all of it.
#[derive(Debug)]
pub struct Body {
    /// What it is.
    pub kind: Kind,
    /// What was read.
    pub bytes: Vec<u8>,
}

impl Body {
    /// Reads the beginning; `path` has its links resolved.
    pub fn peek(path: &Path, world: &World) -> Result<Self, Reason> {
        let mut bytes = Vec::new();
        open(path, world)?.take(HEAD).read_to_end(&mut bytes).map_err(Reason::Read)?;
        Self::new(bytes)
    }

    /// Reads all of it, once: what is hashed is what runs.
    pub fn read(path: &Path, world: &World) -> Result<Vec<u8>, Reason> {
        let file = open(path, world)?;
        let size = file.metadata().map_or(0, |meta| meta.len());
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(PROGRAM)).unwrap_or(0) + 1);
        file.take(PROGRAM + 1).read_to_end(&mut bytes).map_err(Reason::Read)?;
        if bytes.len() as u64 > PROGRAM {
            let message = format!("it is larger than {PROGRAM} bytes");
            return Err(Reason::Read(io::Error::new(io::ErrorKind::FileTooLarge, message)));
        }
        Ok(bytes)
    }

    /// What these bytes are the beginning of, or the whole.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Reason> {
        // Other systems have other formats; their kernels know them.
        let program = bytes.starts_with(b"\x7fELF") || !cfg!(target_os = "linux");
        match (shebang::is_script(&bytes), program) {
            (true, _) => Ok(Self { kind: Kind::Script, bytes }),
            (false, true) => Ok(Self { kind: Kind::Program, bytes }),
            (false, false) => Err(Reason::NoProgram),
        }
    }
}

/// Opens a file that nobody but root and the user may change, and never waits for it.
fn open(path: &Path, world: &World) -> Result<File, Reason> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(Reason::Read)?;
    let meta = file.metadata().map_err(Reason::Read)?;
    discover::program(&meta, world).map_err(Reason::Unsafe)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_what_is_in_it() {
        let (dir, world) = (tempfile::tempdir().unwrap(), World::read().unwrap());
        let at = |name: &str| dir.path().join(name);
        for (name, text, mode) in [
            ("script.exe", "#!/bin/sh\n", 0o755),
            ("program.sh", "\x7fELF", 0o755),
            ("text", "echo\n", 0o755),
            ("empty", "", 0o755),
            ("plain", "#!/bin/sh\n", 0o644),
            ("open", "#!/bin/sh\n", 0o777),
            ("set", "#!/bin/sh\n", 0o4755),
        ] {
            std::fs::write(at(name), text).unwrap();
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let kind = |name: &str| Body::read(&at(name), &world).and_then(Body::new).map(|body| body.kind);
        assert_eq!(kind("script.exe").unwrap(), Kind::Script);
        assert_eq!(kind("program.sh").unwrap(), Kind::Program);
        assert!(!cfg!(target_os = "linux") || matches!(kind("text"), Err(Reason::NoProgram)));
        assert!(!cfg!(target_os = "linux") || matches!(kind("empty"), Err(Reason::NoProgram)));
        for name in ["plain", "open", "set"] {
            assert!(matches!(kind(name), Err(Reason::Unsafe(_))), "{name}");
        }
        std::os::unix::fs::symlink(at("script.exe"), at("link")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(kind("link"), Err(Reason::Read(_))));
        assert!(kind("fifo").is_err() && kind("missing").is_err());
        assert!(Body::peek(&at("script.exe"), &world).is_ok());
    }
}
