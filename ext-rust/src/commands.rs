//! The commands, in the order in which people meet them.

use devflow_protocol::message::CommandInfo;
use devflow_protocol::name::CommandName;

use crate::facts::Facts;

/// The commands offered here.
pub(crate) fn commands(facts: &Facts) -> Vec<CommandInfo> {
    let toolchain = facts.toolchain.is_some();
    let list = [
        Some(("setup:deps", "cargo fetch: downloads what Cargo.lock names", fetching_writes(facts))),
        toolchain.then_some((
            "setup:toolchain",
            "rustup toolchain install: what rust-toolchain asks for",
            false,
        )),
        Some(("fmt:check", "cargo fmt --check; arguments go to rustfmt", false)),
        Some(("fmt:fix", "cargo fmt; arguments go to rustfmt", true)),
        Some(("lint:static", "cargo clippy, warnings are errors; arguments go to clippy", false)),
        Some(("lint:fix", "cargo clippy --fix; arguments go to clippy", true)),
        Some(("lint:security", "cargo deny check or cargo audit; arguments go to the tool", false)),
        Some(("build:debug", "cargo build; arguments go to cargo", false)),
        Some(("build:release", "cargo build --release; arguments go to cargo", false)),
        Some((
            "test:unit",
            "tests of libraries, programs and documentation; arguments go to the test binaries",
            false,
        )),
        Some(("test:integration", "test targets, as in tests/; arguments go to the test binaries", false)),
        Some((
            "package:artifact",
            "cargo package: the .crate files of what may be published; arguments go to cargo",
            false,
        )),
    ];
    let info = |(name, summary, writes): (&str, &str, bool)| {
        Some(CommandInfo { name: name.parse().ok()?, summary: summary.to_owned(), writes })
    };
    list.into_iter().flatten().filter_map(info).collect()
}

/// Whether fetching makes a lock that becomes part of the sources.
pub(crate) fn fetching_writes(facts: &Facts) -> bool {
    !facts.locked && !facts.lock_ignored
}

/// The names of the commands offered here.
pub(crate) fn names(facts: &Facts) -> Vec<CommandName> {
    commands(facts).into_iter().map(|command| command.name).collect()
}
