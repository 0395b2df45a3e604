//! The program from outside.

use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn standard_input_is_counted() {
    let mut tally = Command::new(env!("CARGO_BIN_EXE_tally"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tally starts");
    tally
        .stdin
        .take()
        .expect("stdin is piped")
        .write_all(b"one two\nthree\n")
        .expect("tally reads");

    let output = tally.wait_with_output().expect("tally ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2 3 14\n");
}
