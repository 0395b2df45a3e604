//! The dwf extension {{name}}: what a command means where there is a Makefile.

use std::process::ExitCode;

use devflow_protocol::message::{
    Action, CommandInfo, DescribeParams, DescribeResult, Resolution, ResolveParams, Step,
};
use devflow_protocol::name::CommandName;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::{self, Extension, Failure};
use devflow_protocol::template::Template;

// Start here: the file by which a folder is known, and what each command runs there.
const FILE: &str = "Makefile";
const COMMANDS: &[(&str, &str, &[&str])] = &[("test:unit", "make", &["test"])];

struct Makefile;

fn names() -> Vec<CommandName> {
    COMMANDS.iter().filter_map(|(name, ..)| name.parse().ok()).collect()
}

impl Extension for Makefile {
    fn name(&self) -> &str {
        "{{name}}"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        let folder = std::path::Path::new(&request.project.root).join(request.project.dir.as_str());
        let reads: Vec<RelPath> = FILE.parse().into_iter().collect();
        if !folder.join(FILE).is_file() {
            return Ok(DescribeResult { because: vec![format!("no {FILE}")], reads, ..Default::default() });
        }
        let info = |(name, (_, program, args)): (CommandName, &(&str, &str, &[&str]))| CommandInfo {
            name,
            summary: format!("{program} {}", args.join(" ")),
            writes: false,
        };
        Ok(DescribeResult {
            applies: true,
            because: vec![FILE.to_owned()],
            commands: names().into_iter().zip(COMMANDS).map(info).collect(),
            reads,
            ..Default::default()
        })
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        let command = COMMANDS.iter().find(|(name, ..)| *name == request.command.as_str());
        let Some((_, program, args)) = command else {
            return Err(Failure::unknown_command(&request.command, &names()));
        };
        let mut step = Step::literal(program, *args);
        step.args.extend(request.args.iter().map(|arg| Template::literal(arg)));
        Ok(Resolution::Action(Action::of([step])))
    }
}

fn main() -> ExitCode {
    sdk::main(&Makefile)
}
