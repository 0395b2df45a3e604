//! The door of dwf.

use std::process::ExitCode;

fn main() -> ExitCode {
    dwf::main()
}
