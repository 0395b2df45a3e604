//! A door to [`devflow_runner::serve`].

use std::process::ExitCode;

fn main() -> ExitCode {
    devflow_runner::serve()
}
