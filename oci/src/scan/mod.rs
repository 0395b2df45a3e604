//! Looking for known vulnerabilities in an image: what the scanner, Trivy, is asked, and what its report says.
//!
//! Invariant: the scanner sees an archive of the image and never an engine's socket, which is root on this machine; and
//! whether the image passes is computed from the report here, never taken from the scanner's exit code, which is the
//! same for a finding as for a scanner that broke, and follows settings of its own.

mod container;
mod report;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::invocation::Invocation;

pub use container::container;
pub use report::{Finding, Os, Report, ReportError, Severity, Verdict};

/// The program, as it is called on `PATH` and in its image.
pub const PROGRAM: &str = "trivy";

/// The image that is run where the program is not installed: 0.69.3, by the digest of its index. A release after it was
/// replaced by somebody else's, so a tag is not enough.
pub const IMAGE: &str =
    "ghcr.io/aquasecurity/trivy@sha256:bcc376de8d77cfe086a917230e818dc9f8528e3c852f7b1aff648949b6258d1c";

/// The file of a project that names findings it accepts.
pub const IGNORE_FILE: &str = ".trivyignore";

/// The folder in the container that stands for the working directory.
pub const WORKDIR: &str = "/scan";
/// The folder in the container where the scanner keeps its database.
pub const DATABASE: &str = "/database";

/// The image's archive in the working directory.
pub const ARCHIVE: &str = "image.tar";
/// The report in the working directory.
pub const REPORT: &str = "report.json";
/// The accepted findings in the working directory; the file has to exist.
pub const IGNORED: &str = "ignored";

/// What narrows a scan, where it stands in the environment: it must be the same on every machine.
const NARROWING: &[&str] = &[
    "TRIVY_CONFIG",
    "TRIVY_IGNORE_POLICY",
    "TRIVY_IGNORE_STATUS",
    "TRIVY_SKIP_DIRS",
    "TRIVY_SKIP_FILES",
    "TRIVY_VEX",
];

/// The program's arguments, in a working directory with [`ARCHIVE`] and [`IGNORED`], where it leaves [`REPORT`].
///
/// All findings are asked for: what fails is decided here, and what does not is told. Paths are relative, so that the
/// report is the same wherever that directory is, and nothing of the project is read from it as settings.
#[must_use]
pub fn args() -> Vec<String> {
    let plain = [
        "image",
        "--format=json",
        "--scanners=vuln",
        "--severity=UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL",
        "--ignore-unfixed=false",
        "--exit-code=0",
        "--no-progress",
        // dwf has a deadline of its own.
        "--timeout=24h",
    ];
    let files = [("input", ARCHIVE), ("output", REPORT), ("ignorefile", IGNORED)];
    let files = files.into_iter().map(|(flag, file)| format!("--{flag}={file}"));
    plain.into_iter().map(str::to_owned).chain(files).collect()
}

/// The installed program, in its working directory.
#[must_use]
pub fn run(program: &Path, workdir: &Path) -> Invocation {
    let run = Invocation::new(program).args(args()).cwd(workdir);
    let run = NARROWING.iter().fold(run, |run, name| run.without_env(*name));
    // What it unpacks goes away with the directory, however it ends.
    run.env("TMPDIR", workdir.to_string_lossy())
}
