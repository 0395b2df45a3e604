//! The signals of the runner itself.
//!
//! Invariant: signals are handled, never blocked or ignored, because a child inherits what is blocked
//! and ignored across `exec` but gets the default for what is handled. (`std` resets SIGPIPE alone.)

use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::mpsc::Sender;
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::supervisor::Notice;

/// Those that the supervisor hears of. SIGINT and SIGQUIT reach a whole terminal; dwf decides on them.
const HANDLED: [Signal; 5] =
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT];

/// Those that cannot be changed, and the one that the runtime ignores so that a broken pipe is an error.
const UNTOUCHED: [Signal; 3] = [Signal::SIGKILL, Signal::SIGSTOP, Signal::SIGPIPE];

static PIPE: OnceLock<PipeWriter> = OnceLock::new();

/// Takes over the signals and starts the thread that forwards them. Called once, by the first thread.
pub(crate) fn listen(owner: Sender<Notice>) -> io::Result<()> {
    let (mut reader, writer) = io::pipe()?;
    never_block(&writer)?;
    if PIPE.set(writer).is_err() {
        return Err(io::Error::other("the runner has been started twice in one process"));
    }
    for signal in Signal::iterator().filter(|signal| !UNTOUCHED.contains(signal)) {
        if !HANDLED.contains(&signal) {
            stop_ignoring(signal)?;
        }
    }
    for signal in HANDLED {
        let flags = SaFlags::SA_RESTART | SaFlags::SA_NOCLDSTOP;
        set(signal, &SigAction::new(SigHandler::Handler(note), flags, SigSet::empty()))?;
    }
    SigSet::empty().thread_set_mask()?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut numbers = [0; 64];
        while let Ok(count @ 1..) = read(&mut reader, &mut numbers) {
            for number in &numbers[..count] {
                let Ok(signal) = Signal::try_from(c_int::from(*number)) else { continue };
                if owner.send(Notice::Signal(signal)).is_err() {
                    return;
                }
            }
        }
    })?;
    Ok(())
}

/// Makes writes to a pipe fail where they would wait.
pub(crate) fn never_block(pipe: impl AsFd) -> io::Result<()> {
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

fn read(reader: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The handler: one atomic load, one `write`, and `errno` as it was.
extern "C" fn note(number: c_int) {
    let errno = Errno::last_raw();
    if let (Some(mut pipe), Ok(number)) = (PIPE.get(), u8::try_from(number)) {
        // A full pipe holds thousands of notes that have not been read; this one adds nothing.
        let _ = pipe.write(&[number]);
    }
    Errno::set_raw(errno);
}

/// Gives a signal that our parent ignored its default again.
fn stop_ignoring(signal: Signal) -> io::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    let old = set(signal, &default)?;
    if !matches!(old.handler(), SigHandler::SigIgn | SigHandler::SigDfl) {
        set(signal, &old)?;
    }
    Ok(())
}

#[expect(unsafe_code, reason = "a handler can be unsound; ours is not")]
fn set(signal: Signal, action: &SigAction) -> io::Result<SigAction> {
    // SAFETY: `action` is the default, or what was installed before, or `note`. `note` does only
    // what a handler may: it loads an atomic (`OnceLock::get`), calls write(2) without a lock or
    // an allocation (`PipeWriter` is unbuffered), cannot panic, and restores errno.
    Ok(unsafe { sigaction(signal, action) }?)
}
