//! A shell on this machine.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;

use devflow_oci::Invocation;
use devflow_runner::wire;

use super::attach::{Unended, attach};
use super::scope::ScopeError;
use super::{Room, code, tell};
use crate::command::Context;
use crate::command::stage::{self, OnHost};
use crate::error::{Error, Exit, Explain, printable};
use crate::lower::{self, CachePlace, Places, Shell};

/// What a machine has whose user names no shell.
const SHELL: &str = "/bin/sh";
/// The exit codes by which shells say that a program is none, or is not there.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// A folder of the action's `PATH` cannot be one.
#[derive(Debug, thiserror::Error)]
#[error("PATH cannot be put together")]
struct PathError(#[source] io::Error);

impl Explain for PathError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

pub(super) async fn run(context: &mut Context<'_>, room: &Room<'_>) -> Result<u8, Error> {
    let own = context.world.var("SHELL").filter(|shell| shell.starts_with('/')).unwrap_or(SHELL);
    let argv = match room.program {
        [] => vec![own.to_owned()],
        given => given.to_vec(),
    };
    let mut disputed = BTreeSet::new();
    let jobs = |places: &Places, caches: &[CachePlace<'_>]| {
        let shell = lower::shell(room.plan, places, caches, room.scope, &argv);
        let job = shell.map(|Shell { job, disputed: names }| {
            disputed = names;
            job
        });
        job.into_iter().collect()
    };
    let OnHost { jobs, unseen, uses: _uses, .. } =
        stage::on_host(context, room.ground, room.plan, jobs).await?;
    let job = jobs.first().ok_or(ScopeError::Empty)?;
    tell(context, &disputed);
    let path = context.world.var("PATH").map(OsStr::new);
    let choices = &job.start.choices;
    let choice = choices.get(devflow_runner::taken(choices, path)).ok_or(ScopeError::Empty)?;
    let invocation = invocation(choice, path, unseen)?;
    match attach(&invocation, None, context).await {
        Ok(status) => Ok(code(status)),
        Err(Unended::Stopped(error)) => Err(error),
        Err(Unended::NotStarted(error)) => {
            let program = printable(&invocation.program.to_string_lossy(), 200);
            context.reporter.note(&format!("dwf shell: {program}: {error}"));
            Ok(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE })
        }
    }
}

/// The program of a choice, as a child of dwf's own.
fn invocation(choice: &wire::Choice, path: Option<&OsStr>, unseen: Vec<String>) -> Result<Invocation, Error> {
    let step = choice.steps.first().ok_or(ScopeError::Empty)?;
    let mut invocation = Invocation::new(&step.program).args(step.args.iter().cloned()).cwd(&choice.cwd);
    invocation.env.extend(unseen.into_iter().map(|name| (name, None)));
    invocation.env.extend(choice.env.clone());
    let path = devflow_runner::search_path(choice, path).map_err(PathError)?;
    invocation.env.insert("PATH".to_owned(), path.map(|path| path.to_string_lossy().into_owned()));
    Ok(invocation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_what_an_action_has() {
        let choice = wire::Choice {
            when: None,
            steps: vec![wire::Step { program: "make".to_owned(), args: vec!["a b".to_owned()] }],
            cwd: "/w/sub".to_owned(),
            env: [("A".to_owned(), Some("1".to_owned())), ("GONE".to_owned(), None)].into(),
            path: vec!["/w/bin".to_owned()],
        };
        let shown = |path| invocation(&choice, path, vec!["LEFT".to_owned()]).unwrap().to_string();
        assert_eq!(
            shown(Some(OsStr::new("/usr/bin:relative:"))),
            "cd /w/sub && env -u GONE -u LEFT A=1 PATH=/w/bin:/usr/bin make 'a b'"
        );
        assert_eq!(shown(None), "cd /w/sub && env -u GONE -u LEFT A=1 PATH=/w/bin make 'a b'");
    }
}
