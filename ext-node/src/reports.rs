//! What test runners report in files.
//!
//! Invariant: pure; a report is asked for only where every version of the tool that the project
//! allows can write it, so that no test fails for the sake of its report.

use devflow_protocol::message::{Action, Report};
use devflow_protocol::name::CommandName;
use devflow_protocol::template::Template;
use nodejs_semver::Range;

use crate::config::Config;
use crate::facts::Facts;
use crate::node;
use crate::run;
use crate::scripts::{self, Found};

/// The versions of Node whose test runner writes no JUnit.
const WITHOUT_JUNIT: &str = "<18.20 || >=19 <20.10";
/// The cache in which reports are; git ignores it, and every project with dependencies has it.
const CACHE: &str = "node_modules";

/// Lets the tests of an action report, where that is possible.
pub(crate) fn add(
    facts: &Facts,
    config: &Config,
    command: &CommandName,
    args: &[String],
    action: &mut Action,
) {
    // Nothing is installed where nothing is needed before, and on the host the folder may not be there.
    if action.needs.is_empty() {
        return;
    }
    let name = format!(".dwf-{}.xml", command.as_str().replace(':', "-"));
    let (Ok(cache), Ok(path)) = (CACHE.parse(), name.parse()) else { return };
    if !crate::caches::caches(facts).iter().any(|known| known.name == cache) {
        return;
    }
    let file = format!("${{cache:{CACHE}}}/{name}");
    let [step] = action.steps.as_slice() else { return };
    let words: Vec<Template> = match (script(facts, config, command), step.program.as_str()) {
        (Some(words), _) if junit(facts) => words
            .iter()
            .map(String::as_str)
            .chain(args.iter().map(String::as_str))
            .map(Template::literal)
            .collect(),
        (None, "node") if junit(facts) => step.args.clone(),
        _ => return,
    };
    let reporters = ["spec", "--test-reporter-destination=stdout", "junit"];
    let more = [
        format!("--test-reporter={}", reporters[0]),
        reporters[1].to_owned(),
        format!("--test-reporter={}", reporters[2]),
        format!("--test-reporter-destination={file}"),
    ];
    let mut step = run::tool(facts, "node", &[], &[]);
    let (first, rest) =
        words.split_first().map_or((None, words.as_slice()), |(first, rest)| (Some(first), rest));
    step.args.extend(first.cloned());
    step.args.extend(more.iter().filter_map(|word| word.parse().ok()));
    step.args.extend(rest.iter().cloned());
    action.steps = vec![step];
    action.reports = vec![Report { format: "junit".to_owned(), cache: Some(cache), path }];
}

/// The words after `node` of a script that is nothing but `node --test …`, so that it can be called directly.
fn script(facts: &Facts, config: &Config, command: &CommandName) -> Option<Vec<String>> {
    let scripts = &facts.package.as_ref()?.scripts;
    let name = match (config.scripts.get(command), scripts::find(command.as_str(), scripts)) {
        (Some(name), _) => name.clone(),
        (None, Found::Script(name)) => name,
        (None, _) => return None,
    };
    let around = [format!("pre{name}"), format!("post{name}")];
    let text = scripts.get(&name).filter(|_| around.iter().all(|name| !scripts.contains_key(name)))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-./:=@,+".contains(c);
    let words = text.strip_prefix("node ").filter(|words| words.chars().all(plain))?;
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let chosen = words.iter().any(|word| word.starts_with("--test-reporter"));
    (words.first().is_some_and(|word| word == "--test") && !chosen).then_some(words)
}

/// Whether every Node that the project allows writes JUnit.
fn junit(facts: &Facts) -> bool {
    let without: Option<Range> = WITHOUT_JUNIT.parse().ok();
    let allowed: Option<Range> = node::text(facts).and_then(|(_, text)| text.parse().ok());
    matches!((allowed, without), (Some(allowed), Some(without)) if !allowed.allows_any(&without))
}

#[cfg(test)]
mod tests {
    use crate::samples::{check, facts};

    #[test]
    fn tests_of_node_report_where_every_node_can() {
        let plain = "npm run --silent test <- setup:scripts";
        let with = "node --test --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit \
            --test-reporter-destination=${cache:node_modules}/.dwf-test-unit.xml a.js <- setup:scripts";
        for (node, script, more, expected) in [
            (">=20.10", "node --test a.js", "", with),
            ("^18.20 || >=20.10", "node --test a.js", "", with),
            ("20.11.1", "node --test a.js", "", with),
            (">=18.20", "node --test a.js", "", plain),
            ("18", "node --test a.js", "", plain),
            ("*", "node --test a.js", "", plain),
            ("lts/*", "node --test a.js", "", plain),
            (">=22", "node --test a.js", r#","pretest":"tsc""#, plain),
            (">=22", "node --test a.js && other", "", plain),
            (">=22", "node --test '*.js'", "", plain),
            (">=22", "node --test --test-reporter=dot a.js", "", plain),
            (">=22", "jest a.js", "", plain),
        ] {
            let package = format!(
                r#"{{"engines":{{"node":"{node}"}},"dependencies":{{"a":"1"}},"scripts":{{"test":"{script}"{more}}}}}"#
            );
            check(&facts(&package), &[("test:unit", expected)]);
        }
        let alone = r#"{"engines":{"node":">=22"},"scripts":{"test":"node --test a.js"}}"#;
        check(&facts(alone), &[("test:unit", "npm run --silent test")]);
    }
}
