//! The limits of the protocol, as SPEC.md states them.

use std::time::Duration;

/// Bytes in one line, either way, without its newline.
pub const LINE: usize = 1 << 20;
/// Bytes that one extension may send in one run.
pub const RUN_BYTES: u64 = 16 << 20;
/// Messages that one extension may send in one run.
pub const RUN_MESSAGES: u64 = 10_000;
/// Nesting depth of one message.
pub const DEPTH: usize = 128;
/// Requests under way at once.
pub const IN_FLIGHT: usize = 16;
/// Bytes kept of an extension's standard error; the oldest go first.
pub const STDERR_RING: usize = 64 << 10;
/// From the spawn to the answer of `initialize`.
pub const INITIALIZE: Duration = Duration::from_secs(30);
/// After which the user is told that `initialize` takes long.
pub const INITIALIZE_NOTICE: Duration = Duration::from_secs(2);
/// From sending any other request to its answer.
pub const REQUEST: Duration = Duration::from_secs(10);
/// Between closing standard input, SIGTERM and SIGKILL at the end.
pub const END_GRACE: Duration = Duration::from_millis(500);
