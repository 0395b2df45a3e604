//! The runner: the only program of dwf inside a session. It starts actions, streams their output
//! and ends them exactly.
//!
//! Invariant: it names no tool and no language, and whatever ends it, nothing it started stays.

mod action;
mod group;
mod lookup;
mod memory;
mod orphans;
mod output;
mod piece;
pub mod place;
mod requests;
mod secrets;
mod signals;
mod spawn;
mod supervisor;
pub mod wire;

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;

pub use action::taken;
use place::Place;
pub use spawn::search_path;
use supervisor::Supervisor;
use wire::Event;

/// Bytes in one request line; arguments and environments may be as large as the system takes.
pub const REQUEST_BYTES: usize = 16 << 20;
/// Bytes in one event line.
pub const EVENT_BYTES: usize = devflow_protocol::limits::LINE;

/// The exit code for a request that dwf should never have sent.
const BUG: u8 = 70;

/// Serves requests from standard input until it ends. It takes over the signals, the children and
/// the first three descriptors of the process, so it is called before any thread exists.
pub fn serve() -> ExitCode {
    run(None)
}

/// As [`serve`], once it is certain that the working directory is this [`Place`]; where it is not, dwf
/// is told so and nothing is started.
pub fn serve_in(place: &str) -> ExitCode {
    match place.parse::<Place>() {
        Ok(place) => run(Some(&place)),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(BUG)
        }
    }
}

fn run(place: Option<&Place>) -> ExitCode {
    match start(place) {
        Ok(supervisor) => ExitCode::from(supervisor.run()),
        Err(error) => {
            complain(&format!("the runner cannot start: {error}"));
            ExitCode::from(BUG)
        }
    }
}

fn start(place: Option<&Place>) -> io::Result<Supervisor> {
    let (input, output) = detach()?;
    let (notices, inbox) = mpsc::channel();
    let wire = output::Wire::open(output, notices.clone())?;
    if place.is_none_or(|place| is_here(place, &wire)) {
        wire.say(Event::Hello { version: wire::VERSION });
    } else {
        // Nobody has said hello, so dwf starts nothing, and what it sent before is never read.
        wire.say(Event::Elsewhere);
        return Ok(Supervisor::new(None, wire, inbox).ended());
    }
    signals::listen(notices.clone())?;
    orphans::adopt();
    requests::listen(input, notices)?;
    Ok(Supervisor::new(own_path(), wire, inbox))
}

/// Whether the working directory is this place.
fn is_here(place: &Place, wire: &output::Wire) -> bool {
    let here = Path::new(".");
    place.is(here).unwrap_or_else(|| {
        wire.say(Event::Unsure);
        place.is_marked(here)
    })
}

/// Moves the wire away from the standard descriptors, where children and stray prints would meet it.
fn detach() -> io::Result<(File, File)> {
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    spawn::keep_descriptors();
    Ok((input, output))
}

#[expect(clippy::disallowed_methods, reason = "the door: the runner's own PATH, read once")]
fn own_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// Says something that has no place on the wire.
fn complain(text: &str) {
    // Where standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "dwf-runner: {text}");
}
