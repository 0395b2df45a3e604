//! Finding, signalling and removing containers.
//!
//! Invariant: containers are named, never guessed; what an engine prints about them becomes a typed list or an error.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::{Engine, EngineKind};
use crate::invocation::Invocation;

/// Which containers are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those with this label, `key` or `key=value`.
    Label(String),
    /// Those whose name begins so. On Podman also those that a crash left half made, which have lost their labels.
    NamePrefix(String),
}

/// A container that an engine knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `created`, `running`, `exited`, …, in small letters; Podman's `storage` is one half made.
    pub state: String,
    /// Those of its labels that were asked for.
    pub labels: BTreeMap<String, String>,
}

/// A list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListError(EngineKind, String);

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not answer with a list of containers but with {:?}", self.0, self.1)
    }
}

impl std::error::Error for ListError {}

/// Sends a signal (`TERM`, `KILL`, …) to a container's first process.
#[must_use]
pub fn kill(engine: &Engine, name: &str, signal: &str) -> Invocation {
    engine.command(["kill"]).arg(format!("--signal={signal}")).args(["--", name])
}

/// Asks for the number of a container's first process, as the engine's machine has it.
#[must_use]
pub fn pid(engine: &Engine, name: &str) -> Invocation {
    engine.command(["container", "inspect", "--format={{.State.Pid}}", "--", name])
}

/// Reads what [`pid`] printed; `None` where the container does not run.
#[must_use]
pub fn parse_pid(stdout: &str) -> Option<u32> {
    stdout.trim().parse().ok().filter(|pid| *pid > 0)
}

/// Ends and removes a container with its anonymous volumes, at once.
#[must_use]
pub fn remove(engine: &Engine, name: &str) -> Invocation {
    let remove = engine.command(["rm", "--force", "--volumes"]);
    let remove = if engine.is_podman() { remove.arg("--time=0") } else { remove };
    remove.args(["--", name])
}

/// Whether a failed [`kill`] or [`remove`] failed only because there is nothing of that name.
#[must_use]
pub fn is_no_such_container(stderr: &str) -> bool {
    let stderr = stderr.to_ascii_lowercase();
    ["no such container", "no container with name", "no container with id"]
        .iter()
        .any(|text| stderr.contains(text))
}

/// Asks for containers in whatever state, with these labels of theirs.
#[must_use]
pub fn list(engine: &Engine, filter: &Filter, labels: &[&str]) -> Invocation {
    let list = engine.command(["ps", "--all", "--no-trunc"]);
    let list = match (engine.kind, filter) {
        (_, Filter::Label(label)) => list.arg(format!("--filter=label={label}")),
        // The engines read a name as a regular expression, each in its own way; a prefix is checked when parsing.
        (EngineKind::Docker, Filter::NamePrefix(_)) => list,
        (EngineKind::Podman, Filter::NamePrefix(_)) => list.arg("--external"),
    };
    match engine.kind {
        EngineKind::Podman => list.arg("--format=json"),
        // As JSON, Docker joins all labels by commas, which values may hold too.
        EngineKind::Docker => {
            let label = |label: &&str| format!("{label:?}:{{{{json (.Label {label:?})}}}}");
            let labels = labels.iter().map(label).collect::<Vec<_>>().join(",");
            list.arg(format!(
                "--format={{\"Id\":{{{{json .ID}}}},\"Names\":[{{{{json .Names}}}}],\"State\":{{{{json .State}}}},\
                 \"Labels\":{{{labels}}}}}"
            ))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads what [`list`] printed.
pub fn parse_list(
    engine: &Engine,
    stdout: &str,
    filter: &Filter,
    labels: &[&str],
) -> Result<Vec<Listed>, ListError> {
    let rows: Result<Vec<Row>, _> = match engine.kind {
        EngineKind::Podman => serde_json::from_str::<Option<Vec<Row>>>(stdout).map(Option::unwrap_or_default),
        EngineKind::Docker => {
            stdout.lines().filter(|line| !line.is_empty()).map(serde_json::from_str).collect()
        }
    };
    let rows = rows.map_err(|_| ListError(engine.kind, stdout.trim().chars().take(200).collect()))?;
    let wanted = |listed: &Listed| match filter {
        Filter::Label(_) => true,
        Filter::NamePrefix(prefix) => listed.name.starts_with(prefix.as_str()),
    };
    let listed = rows.into_iter().map(|row| {
        // Legacy links would add names after a comma.
        let name = row.names.and_then(|names| names.into_iter().next()).unwrap_or_default();
        let mut found = row.labels.unwrap_or_default();
        found.retain(|key, value| labels.contains(&key.as_str()) && !value.is_empty());
        let state = row.state.unwrap_or_default().to_lowercase();
        Listed {
            id: row.id,
            name: name.split(',').next().unwrap_or_default().to_owned(),
            state,
            labels: found,
        }
    });
    Ok(listed.filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::{Filter, Listed, is_no_such_container, kill, list, parse_list, parse_pid, pid, remove};
    use crate::engine::{Engine, EngineKind};
    use crate::version::Version;

    fn engine(kind: EngineKind) -> Engine {
        Engine::new(kind, kind.to_string(), Version::default())
    }

    #[test]
    fn invocations() {
        let check = |line: fn(&Engine) -> String, docker: &str, podman: &str| {
            assert_eq!(line(&engine(EngineKind::Docker)), docker);
            assert_eq!(line(&engine(EngineKind::Podman)), podman);
        };
        check(
            |e| kill(e, "n", "TERM").to_string(),
            "docker kill --signal=TERM -- n",
            "podman kill --signal=TERM -- n",
        );
        check(
            |e| remove(e, "n").to_string(),
            "docker rm --force --volumes -- n",
            "podman rm --force --volumes --time=0 -- n",
        );
        check(
            |e| list(e, &Filter::Label("dwf.run".to_owned()), &["dwf.run", "o"]).to_string(),
            "docker ps --all --no-trunc --filter=label=dwf.run '--format={\"Id\":{{json .ID}},\"Names\":[{{json .Names}}],\
             \"State\":{{json .State}},\"Labels\":{\"dwf.run\":{{json (.Label \"dwf.run\")}},\"o\":{{json (.Label \"o\")}}}}'",
            "podman ps --all --no-trunc --filter=label=dwf.run --format=json",
        );
        check(
            |e| list(e, &Filter::NamePrefix("dwf-".to_owned()), &[]).args.join(" "),
            "ps --all --no-trunc --format={\"Id\":{{json .ID}},\"Names\":[{{json .Names}}],\"State\":{{json .State}},\"Labels\":{}}",
            "ps --all --no-trunc --external --format=json",
        );
    }

    #[test]
    fn lists() {
        let docker = "{\"Id\":\"1\",\"Names\":[\"dwf-a\"],\"State\":\"running\",\"Labels\":{\"l\":\"a,b=c\",\"m\":\"\"}}\n\
                      {\"Id\":\"2\",\"Names\":[\"other\"],\"State\":\"exited\",\"Labels\":{\"l\":\"\",\"m\":\"\"}}\n";
        let podman = r#"[{"Id":"1","Names":["dwf-a"],"State":"Running","Labels":{"l":"a,b=c","x":"y"},"New":1},
                         {"Id":"2","Names":["other"],"State":"storage","Labels":null}]"#;
        let labels = [("l".to_owned(), "a,b=c".to_owned())].into();
        let expected =
            Listed { id: "1".to_owned(), name: "dwf-a".to_owned(), state: "running".to_owned(), labels };
        for (kind, text) in [(EngineKind::Docker, docker), (EngineKind::Podman, podman)] {
            let prefix = Filter::NamePrefix("dwf-".to_owned());
            let found = parse_list(&engine(kind), text, &prefix, &["l", "m"]).unwrap();
            assert_eq!(found, std::slice::from_ref(&expected));
            let any = Filter::Label("l".to_owned());
            assert_eq!(parse_list(&engine(kind), text, &any, &[]).unwrap().len(), 2);
            assert!(
                parse_list(&engine(kind), "oops", &any, &[]).unwrap_err().to_string().contains("\"oops\"")
            );
        }
        for (kind, empty) in
            [(EngineKind::Docker, ""), (EngineKind::Podman, "[]\n"), (EngineKind::Podman, "null")]
        {
            assert_eq!(parse_list(&engine(kind), empty, &Filter::Label("l".to_owned()), &[]), Ok(vec![]));
        }
    }

    #[test]
    fn first_processes() {
        let line = pid(&engine(EngineKind::Podman), "dwf-1").to_string();
        assert_eq!(line, "podman container inspect '--format={{.State.Pid}}' -- dwf-1");
        for (text, number) in [("4711\n", Some(4711)), ("0\n", None), ("", None), ("-1", None), ("x", None)] {
            assert_eq!(parse_pid(text), number, "{text}");
        }
    }

    #[test]
    fn nothing_of_that_name() {
        for stderr in [
            "Error: No such container: n",
            "Error response from daemon: Cannot kill container: n: No such container: n",
            "Error: no container with name or ID \"n\" found: no such container",
        ] {
            assert!(is_no_such_container(stderr));
        }
        assert!(!is_no_such_container("Cannot connect to the Docker daemon"));
    }
}
