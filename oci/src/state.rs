//! How it is with one container, as its engine knows it: the code of the engine's client may be its own.
//!
//! Invariant: what cannot be read is an error; only a container that ran to its end has an exit code.

use std::fmt;

use serde::Deserialize;

use crate::engine::Engine;
use crate::invocation::Invocation;
use crate::lifecycle::is_no_such_container;

/// How it is with a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none of that name.
    Absent,
    /// It was made, and its program never started; why, as far as the engine says.
    NotStarted(String),
    /// Its program has not ended.
    Running,
    /// Its program has ended.
    Ended {
        /// With this code; 128 and more where a signal ended it.
        code: i32,
        /// Whether the kernel ended something in it because its memory was used up.
        out_of_memory: bool,
    },
}

/// An answer that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError(String);

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the engine does not say how a container ended: {:?}", self.0)
    }
}

impl std::error::Error for StateError {}

/// Asks for a container's state.
#[must_use]
pub fn state(engine: &Engine, name: &str) -> Invocation {
    engine.command(["container", "inspect", "--", name])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    state: Said,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    status: String,
    exit_code: i32,
    #[serde(default, rename = "OOMKilled")]
    out_of_memory: bool,
    #[serde(default)]
    error: String,
}

/// Reads what [`state`] printed.
pub fn parse_state(success: bool, stdout: &str, stderr: &str) -> Result<State, StateError> {
    let wrong = |text: &str| StateError(text.trim().chars().take(200).collect());
    if !success {
        let absent = is_no_such_container(stderr);
        return if absent { Ok(State::Absent) } else { Err(wrong(stderr)) };
    }
    let rows: Vec<Row> = serde_json::from_str(stdout).map_err(|_| wrong(stdout))?;
    let said = rows.into_iter().next().ok_or_else(|| wrong(stdout))?.state;
    Ok(match said.status.as_str() {
        "created" | "configured" | "initialized" => State::NotStarted(said.error),
        "exited" | "stopped" | "dead" | "removing" => {
            State::Ended { code: said.exit_code, out_of_memory: said.out_of_memory }
        }
        _ => State::Running,
    })
}

#[cfg(test)]
mod tests {
    use super::{State, parse_state, state};
    use crate::engine::{Engine, EngineKind};
    use crate::version::Version;

    #[test]
    fn states() {
        let check = |status: &str, more: &str, expected: State| {
            let text =
                format!("[{{\"Id\":\"1\",\"State\":{{\"Status\":\"{status}\",\"ExitCode\":3{more}}}}}]");
            assert_eq!(parse_state(true, &text, ""), Ok(expected), "{status}");
        };
        check("exited", "", State::Ended { code: 3, out_of_memory: false });
        check("exited", ",\"OOMKilled\":true", State::Ended { code: 3, out_of_memory: true });
        check("created", ",\"Error\":\"no such file\"", State::NotStarted("no such file".to_owned()));
        check("initialized", "", State::NotStarted(String::new()));
        for status in ["running", "paused", "restarting", "stopping", "of a later release"] {
            check(status, "", State::Running);
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert_eq!(parse_state(false, "[]\n", "Error: No such container: n\n"), Ok(State::Absent));
        for (success, stdout, stderr) in [
            (false, "", "Cannot connect to the daemon"),
            (true, "", ""),
            (true, "[]", ""),
            (true, "[{\"State\":{\"Status\":\"exited\"}}]", ""),
        ] {
            assert!(parse_state(success, stdout, stderr).is_err(), "{stdout} {stderr}");
        }
        let engine = Engine::new(EngineKind::Docker, "docker", Version::default());
        assert_eq!(state(&engine, "n").to_string(), "docker container inspect -- n");
    }
}
