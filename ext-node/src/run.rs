//! Steps: how a script or a tool is started with each package manager.
//!
//! Invariant: pure; nothing here may download a program that is not installed. Tools are called by
//! their name with the `node_modules/.bin` folders in front of PATH: `npm exec` and its like do the
//! same, but cost 0.2 s or more each time, and some of them ask the network first.

use devflow_protocol::message::Step;
use devflow_protocol::sdk::paths;
use devflow_protocol::template::Template;

use crate::facts::Facts;
use crate::manager::Manager;
use crate::scripts;

/// The template of a folder of the project; `.` is its root.
pub(crate) fn place(dir: &str) -> Template {
    let text = match dir {
        "." => "${workspace}".to_owned(),
        dir => format!("${{workspace}}/{}", Template::literal(dir).as_str()),
    };
    // A folder's name holds no NUL; were it otherwise the answer would be refused, not wrong.
    text.parse().unwrap_or_else(|_| Template::literal("."))
}

/// The script `name` of the member itself, whose text decides whether it has to be told to end.
pub(crate) fn script(facts: &Facts, name: &str, text: &str, args: &[String]) -> Step {
    let extra: Vec<&str> =
        scripts::unwatched(text).iter().copied().chain(args.iter().map(String::as_str)).collect();
    let start: &[&str] = match facts.manager {
        Manager::Npm => &["run", "--silent"],
        Manager::Pnpm { .. } | Manager::YarnClassic => &["--silent", "run"],
        Manager::YarnBerry { .. } => &["run"],
        Manager::Bun => &["run", "--silent"],
    };
    let dashes = matches!(facts.manager, Manager::Npm) && !extra.is_empty();
    let words = start.iter().copied().chain([name]).chain(dashes.then_some("--")).chain(extra);
    Step::literal(facts.manager.program(), words)
}

/// The script `name` of these packages of the workspace, in their order.
pub(crate) fn script_of(
    facts: &Facts,
    packages: &[&crate::workspaces::Package],
    name: &str,
    args: &[String],
) -> Vec<Step> {
    let dirs = packages.iter().map(|package| package.dir.as_str());
    let args = args.iter().map(String::as_str);
    let program = facts.manager.program();
    match facts.manager {
        Manager::Npm => {
            let chosen = dirs.map(|dir| format!("--workspace={dir}"));
            let words: Vec<String> =
                ["run", "--silent", name].map(str::to_owned).into_iter().chain(chosen).collect();
            let dashes = (args.len() > 0).then_some("--");
            vec![Step::literal(program, words.iter().map(String::as_str).chain(dashes).chain(args))]
        }
        // Both start dependencies before their dependents.
        Manager::Pnpm { .. } => {
            vec![Step::literal(program, ["--recursive", "run", name].into_iter().chain(args))]
        }
        Manager::YarnBerry { .. } => {
            let words = ["workspaces", "foreach", "--all", "--topological-dev", "run", name];
            vec![Step::literal(program, words.into_iter().chain(args))]
        }
        Manager::YarnClassic => dirs
            .map(|dir| {
                Step::literal(
                    program,
                    ["--silent", "--cwd", dir, "run", name].into_iter().chain(args.clone()),
                )
            })
            .collect(),
        Manager::Bun => dirs
            .map(|dir| {
                Step::literal(
                    program,
                    ["run", "--silent", "--cwd", dir, name].into_iter().chain(args.clone()),
                )
            })
            .collect(),
    }
}

/// A tool that is installed with the project.
pub(crate) fn tool(facts: &Facts, program: &str, words: &[&str], args: &[String]) -> Step {
    let words = words.iter().copied().chain(args.iter().map(String::as_str));
    match facts.manager {
        Manager::YarnBerry { pnp: true } if program != "node" => {
            let package = match program {
                "biome" => "@biomejs/biome",
                "tsc" => "typescript",
                program => program,
            };
            // What the workspace's root has is not on a package's own PATH.
            let own = facts.package.as_ref().is_some_and(|own| own.depends(package));
            let top = facts.top.is_some() && !own;
            let start = ["run"].into_iter().chain(top.then_some("--top-level")).chain([program]);
            Step::literal("yarn", start.chain(words))
        }
        Manager::YarnBerry { pnp: true } => Step::literal("yarn", ["node"].into_iter().chain(words)),
        _ => Step::literal(program, words),
    }
}

/// The folders of the installed programs, the member's own first.
pub(crate) fn path(facts: &Facts) -> Vec<Template> {
    if matches!(facts.manager, Manager::YarnBerry { pnp: true }) {
        return Vec::new();
    }
    let bin = |dir: &str| place(&paths::at(dir, "node_modules/.bin"));
    let mut folders = vec![bin(&facts.dir)];
    if facts.root != facts.dir {
        folders.push(bin(&facts.root));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::facts;

    pub(crate) fn line(step: &Step) -> String {
        let args = step.args.iter().map(Template::as_str);
        std::iter::once(step.program.as_str()).chain(args).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn scripts_with_and_without_arguments() {
        let args = ["--only".to_owned(), "$HOME".to_owned()];
        for (manager, plain, with) in [
            (Manager::Npm, "npm run --silent test", "npm run --silent test -- --only $$HOME"),
            (Manager::Pnpm { major: None }, "pnpm --silent run test", "pnpm --silent run test --only $$HOME"),
            (Manager::YarnClassic, "yarn --silent run test", "yarn --silent run test --only $$HOME"),
            (Manager::YarnBerry { pnp: true }, "yarn run test", "yarn run test --only $$HOME"),
            (Manager::Bun, "bun run --silent test", "bun run --silent test --only $$HOME"),
        ] {
            let facts = Facts { manager, ..facts("{}") };
            assert_eq!(line(&script(&facts, "test", "x", &[])), plain);
            assert_eq!(line(&script(&facts, "test", "x", &args)), with);
        }
        let ended = script(&facts("{}"), "test", "react-scripts test", &[]);
        assert_eq!(line(&ended), "npm run --silent test -- --watchAll=false");
    }

    #[test]
    fn tools_and_where_they_are() {
        let mut facts = facts("{}");
        assert_eq!(line(&tool(&facts, "eslint", &["."], &[])), "eslint .");
        facts.dir = "apps/$web".to_owned();
        let folders: Vec<String> = path(&facts).into_iter().map(String::from).collect();
        assert_eq!(folders, ["${workspace}/apps/$$web/node_modules/.bin", "${workspace}/node_modules/.bin"]);
        facts.manager = Manager::YarnBerry { pnp: true };
        facts.package.as_mut().unwrap().dependencies.insert("eslint".to_owned(), "9".to_owned());
        assert_eq!(line(&tool(&facts, "eslint", &["."], &[])), "yarn run eslint .");
        facts.top = Some(Default::default());
        assert_eq!(line(&tool(&facts, "prettier", &["."], &[])), "yarn run --top-level prettier .");
        assert!(path(&facts).is_empty());
    }
}
