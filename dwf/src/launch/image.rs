//! A program in memory that nobody can change any more.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

/// Since Linux 6.3: says that this is to be executed, where the system asks for it to be said.
const EXECUTABLE: u32 = 0x10;

/// A sealed file without a name.
#[derive(Debug)]
pub struct Image(File);

impl Image {
    /// An image of these bytes, where such a thing can be made and found again.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Self::new(bytes).ok().filter(|image| image.path().exists())
    }

    fn new(bytes: &[u8]) -> io::Result<Self> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let fd = match memfd_create(c"devflow-ext", flags | MFdFlags::from_bits_retain(EXECUTABLE)) {
            // Older kernels do not know the flag.
            Err(Errno::EINVAL) => memfd_create(c"devflow-ext", flags),
            other => other,
        }?;
        let mut file = File::from(fd);
        file.write_all(bytes)?;
        let seals =
            SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        Ok(Self(file))
    }

    /// Where a child that inherits it finds it.
    pub fn path(&self) -> PathBuf {
        // It closes at exec: a program is loaded by then, and has no use for it.
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }

    /// Whether this machine lets programs in memory be run.
    pub fn is_possible() -> bool {
        Self::of(b"\x7fELF").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_change_it() {
        let image = Image::new(b"one").unwrap();
        assert_eq!(std::fs::read(image.path()).unwrap(), b"one");
        let refused =
            File::options().write(true).open(image.path()).and_then(|mut file| file.write_all(b"two"));
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(Errno::EPERM as i32));
        assert!(image.0.set_len(1).is_err());
        assert_eq!(std::fs::read(image.path()).unwrap(), b"one");
    }
}
