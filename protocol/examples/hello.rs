//! A dwf extension in Rust: shows hello.txt, and checks that it greets.

use std::path::Path;
use std::process::ExitCode;

use devflow_protocol::message::{
    Action, CommandInfo, DescribeParams, DescribeResult, Resolution, ResolveParams, Step,
};
use devflow_protocol::name::CommandName;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::{self, Extension, Failure};
use devflow_protocol::template::Template;

const COMMANDS: &[(&str, &str, &[&str])] =
    &[("test:unit", "cat", &["hello.txt"]), ("lint:static", "grep", &["-i", "hello", "hello.txt"])];

struct Hello;

/// The names of the commands.
fn names() -> Vec<CommandName> {
    COMMANDS.iter().filter_map(|(name, ..)| name.parse().ok()).collect()
}

impl Extension for Hello {
    fn name(&self) -> &str {
        "hello"
    }

    fn version(&self) -> &str {
        "0.1.0"
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        let folder = Path::new(&request.project.root).join(request.project.dir.as_str());
        let reads: Vec<RelPath> = "hello.txt".parse().into_iter().collect();
        if !folder.join("hello.txt").is_file() {
            return Ok(DescribeResult {
                because: vec!["no hello.txt".to_owned()],
                reads,
                ..Default::default()
            });
        }
        let info = |(name, (_, program, args)): (CommandName, &(&str, &str, &[&str]))| CommandInfo {
            name,
            summary: format!("{program} {}", args.join(" ")),
            writes: false,
        };
        Ok(DescribeResult {
            applies: true,
            because: vec!["hello.txt".to_owned()],
            commands: names().into_iter().zip(COMMANDS).map(info).collect(),
            reads,
            ..Default::default()
        })
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        let Some((_, program, args)) = COMMANDS.iter().find(|(name, ..)| *name == request.command.as_str())
        else {
            return Err(Failure::unknown_command(&request.command, &names()));
        };
        let mut step = Step::literal(program, *args);
        step.args.extend(request.args.iter().map(|arg| Template::literal(arg)));
        Ok(Resolution::Action(Action::of([step])))
    }
}

fn main() -> ExitCode {
    sdk::main(&Hello)
}
