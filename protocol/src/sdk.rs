//! The SDK: a trait and a `main`.
//!
//! ```no_run
//! # use devflow_protocol::{message::*, sdk::{self, Extension, Failure}};
//! struct Hello;
//! impl Extension for Hello {
//!     fn name(&self) -> &str { "hello" }
//!     fn version(&self) -> &str { env!("CARGO_PKG_VERSION") }
//!     fn describe(&self, _: &DescribeParams) -> Result<DescribeResult, Failure> {
//!         Ok(DescribeResult { applies: false, because: vec!["never".to_owned()], ..Default::default() })
//!     }
//!     fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
//!         Err(Failure::unknown_command(&request.command, &[]))
//!     }
//! }
//! fn main() -> std::process::ExitCode { sdk::main(&Hello) }
//! ```
//!
//! An extension looks at the project through [`Files`], which keeps the rules of that for it.
//!
//! Invariant: nothing but answers reaches the wire, and every request gets exactly one.

mod failure;
mod files;
pub mod paths;
mod serve;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use crate::COOKIE;
use crate::message::{DescribeParams, DescribeResult, Resolution, ResolveParams};

pub use failure::Failure;
pub use files::{Entry, Files};
pub use serve::serve;

/// Exit code for a call that is not dwf's (EX_USAGE).
const USAGE: u8 = 64;

/// An extension: what it makes of a folder and of a command. Both answers are pure: they depend on
/// the request and on the files that `reads` names, and on nothing else.
pub trait Extension {
    /// The extension's name, as in `devflow-ext-<name>`.
    fn name(&self) -> &str;

    /// The extension's own version.
    fn version(&self) -> &str;

    /// Answers `project/describe`.
    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure>;

    /// Answers `command/resolve`.
    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure>;
}

impl<T: Extension + ?Sized> Extension for &T {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn version(&self) -> &str {
        (**self).version()
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        (**self).describe(request)
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        (**self).resolve(request)
    }
}

/// Serves an extension on standard input and output until the host closes the pipe.
/// `main(&Extension)` works where the extension is a constant, such as a unit struct.
pub fn main(extension: impl Extension + Send + Sync + 'static) -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    #[expect(clippy::disallowed_methods, reason = "this is an extension's door")]
    let cookie = std::env::var_os(COOKIE).is_some();
    let name = extension.name().to_owned();
    let outcome = if arguments.iter().any(|argument| argument == "--version") {
        let line = format!("devflow-ext-{name} {}", extension.version());
        writeln!(io::stdout(), "{line}").map_err(|error| error.to_string())
    } else if !cookie {
        return usage(&name, "is an extension of dwf; run it through dwf");
    } else if !arguments.iter().any(|argument| argument == "--stdio") {
        return usage(&name, "speaks on its standard streams only; start it with --stdio");
    } else {
        stdio(extension)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "devflow-ext-{name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn usage(name: &str, text: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "devflow-ext-{name} {text}");
    ExitCode::from(USAGE)
}

fn stdio(extension: impl Extension + Send + Sync + 'static) -> Result<(), String> {
    // From here on `println!` anywhere in the process goes to standard error.
    let wire = io::stdout().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    nix::unistd::dup2_stdout(io::stderr()).map_err(|error| error.to_string())?;
    let reader = BufReader::with_capacity(16 << 10, io::stdin().lock());
    serve(extension, reader, File::from(wire)).map_err(|error| error.to_string())
}
