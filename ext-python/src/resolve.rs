//! `command/resolve`: what a command means here.
//!
//! Invariant: every command that is offered has an answer, if only the reason why there is nothing to do.

use devflow_protocol::message::{CommandInfo, Resolution};
use devflow_protocol::name::CommandName;
use devflow_protocol::sdk::Failure;

use crate::config::{Config, Manager};
use crate::facts::Facts;
use crate::project::Project;
use crate::words::name;
use crate::{checks, manager, package, setup, testing};

/// The commands, what they do, and whether they change sources.
const COMMANDS: [(&str, &str, bool); 16] = [
    ("setup:deps", "the virtual environment, with what is declared", false),
    ("setup:project", "the project itself, installed in place", false),
    ("fmt:check", "is the code formatted", false),
    ("fmt:fix", "format the code", true),
    ("lint:static", "linters and type checkers", false),
    ("lint:fix", "let the linter mend what it can", true),
    ("lint:security", "bandit, pip-audit", false),
    ("build:debug", "nothing: Python runs from its sources", false),
    ("build:release", "source archive and wheel", false),
    ("package:artifact", "source archive and wheel", false),
    ("release:candidate", "nothing of its own", false),
    ("test:unit", "pytest or unittest", false),
    ("test:integration", "tests/integration, or the marker", false),
    ("test:e2e", "tests/e2e, or the marker", false),
    ("test:smoke", "tests/smoke, or the marker", false),
    ("setup:doctor", "do the installed packages fit together", false),
];

/// The commands, for `project/describe`.
pub(crate) fn commands() -> Result<Vec<CommandInfo>, Failure> {
    let info = |(command, summary, writes): (&str, &str, bool)| {
        Ok(CommandInfo { name: name(command)?, summary: summary.to_owned(), writes })
    };
    COMMANDS.into_iter().map(info).collect()
}

/// What a command means.
pub(crate) fn resolve(
    facts: &Facts,
    config: &Config,
    command: &CommandName,
    args: &[String],
) -> Result<Resolution, Failure> {
    let known: Vec<CommandName> = commands()?.into_iter().map(|info| info.name).collect();
    if manager::applies(facts).is_err() {
        return Err(Failure::unknown_command(command, &[]));
    }
    let project = Project::of(facts, config)?;
    match command.as_str() {
        "setup:deps" => setup::dependencies(&project, args),
        "setup:project" => setup::itself(&project, args),
        "setup:doctor" => {
            let step = match project.manager {
                Manager::Uv => crate::words::step("uv", ["pip", "check"]),
                _ => crate::words::step("python", ["-m", "pip", "check"]),
            };
            checks::pass(project.with_project(vec![step])?, args)
        }
        "fmt:check" => checks::format(&project, args, false),
        "fmt:fix" => checks::format(&project, args, true),
        "lint:static" => checks::lint(&project, args),
        "lint:fix" => checks::fix(&project, args),
        "lint:security" => checks::security(&project, args),
        "build:debug" => Ok(Resolution::skip("Python runs from its sources: there is nothing to build")),
        "build:release" | "package:artifact" => package::distributions(&project, args),
        "release:candidate" => Ok(Resolution::skip("the project says nothing about releases")),
        "test:unit" | "test:integration" | "test:e2e" | "test:smoke" => {
            testing::test(&project, args, command.selector())
        }
        _ => Err(Failure::unknown_command(command, &known)),
    }
}
