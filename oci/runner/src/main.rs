//! A door to [`devflow_runner::serve`]; its only argument is the place where it has to be.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(place) => devflow_runner::serve_in(&place.to_string_lossy()),
        None => devflow_runner::serve(),
    }
}
