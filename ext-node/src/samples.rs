//! Facts for the tables of tests.

use std::path::Path;

use devflow_protocol::message::{Project, Resolution, Step};
use devflow_protocol::name::CommandName;
use devflow_protocol::path::RelPath;
use devflow_protocol::sdk::Files;
use devflow_protocol::template::Template;

use crate::config::Config;
use crate::facts::Facts;
use crate::lock::Lock;
use crate::manager::Manager;
use crate::manifest::Manifest;
use crate::resolve::resolve;

/// A member at the project's root with this package.json, npm, and no lock.
pub(crate) fn facts(package: &str) -> Facts {
    Facts::new(".", Some(Manifest::parse(package).unwrap()))
}

/// The files of a project that has one member.
pub(crate) fn files(root: &Path) -> Files {
    let root = root.to_str().unwrap().to_owned();
    Files::new(&Project { root, dir: RelPath::here(), name: "x".to_owned() }).unwrap()
}

/// The same with another manager and its lock.
pub(crate) fn locked(package: &str, manager: Manager, file: &str) -> Facts {
    let lock = Lock { file: file.to_owned(), ..Lock::default() };
    Facts { manager, lock: Some(lock), ..facts(package) }
}

/// A resolution as one line: the steps, then `<- needs`, or `-` and the reason.
fn line(resolution: &Resolution) -> String {
    match resolution {
        Resolution::Skip(skip) => format!("- {}", skip.because),
        Resolution::Alternatives(_) => "?".to_owned(),
        Resolution::Action(action) => {
            let step = |step: &Step| {
                let words = std::iter::once(&step.program).chain(&step.args).map(Template::as_str);
                words.map(|word| if word.contains(';') { "…" } else { word }).collect::<Vec<_>>().join(" ")
            };
            let steps: Vec<String> = action.steps.iter().map(step).collect();
            let needs: Vec<&str> = action.needs.iter().map(CommandName::as_str).collect();
            let fetches = if action.fetches { "fetch: " } else { "" };
            format!("{fetches}{} <- {}", steps.join("; "), needs.join(" "))
                .trim_end_matches(" <- ")
                .to_owned()
        }
    }
}

/// Resolves commands, each with its arguments after ` -- `, and compares the lines.
pub(crate) fn check_with(facts: &Facts, config: &Config, rows: &[(&str, &str)]) {
    for (command, expected) in rows {
        let (command, args) = command.split_once(" -- ").unwrap_or((command, ""));
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        let answer = resolve(facts, config, &command.parse().unwrap(), &args);
        let text = answer.as_ref().map_or_else(|failure| format!("! {}", failure.message), line);
        assert_eq!(&text, expected, "{command}");
    }
}

/// The same without settings.
pub(crate) fn check(facts: &Facts, rows: &[(&str, &str)]) {
    check_with(facts, &Config::default(), rows);
}
