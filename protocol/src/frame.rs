//! Framing: one JSON object a line, bounded. Blank lines are skipped, a `\r` before `\n` is dropped.
