//! What the extension makes of a member.
//!
//! Invariant: pure; every command that is listed can be resolved.

use devflow_protocol::message::{CommandInfo, DescribeResult, Resolution, Tool};
use devflow_protocol::name::EnvName;
use devflow_protocol::template::Template;

use crate::config::Config;
use crate::facts::Facts;
use crate::manager::Manager;
use crate::{caches, image, node, resolve};

/// Answers `project/describe`.
pub(crate) fn describe(facts: &Facts, config: &Config) -> DescribeResult {
    let Some(package) = &facts.package else {
        let because = vec!["no package.json".to_owned()];
        return DescribeResult { because, reads: facts.reads.clone(), ..DescribeResult::default() };
    };
    let mut because = vec!["package.json".to_owned()];
    match &facts.lock {
        Some(lock) => because.push(format!("{} ({})", lock.file, facts.manager.program())),
        None => because.push(format!("no lock file ({})", facts.manager.program())),
    }
    if facts.top.is_some() {
        because.push(format!("a package of the workspace in {}", facts.root));
    }
    if let Some(reason) = &facts.own_code {
        because.push(format!("installing runs the project's own code: {reason}"));
    }
    let node = node::wanted(facts);
    because.extend(image::lacks(facts, &node));
    let command = |name| CommandInfo {
        summary: match resolve::resolve(facts, config, &name, &[]) {
            Ok(resolution) => summary(&resolution),
            Err(failure) => failure.message,
        },
        writes: resolve::writes(name.as_str()),
        name,
    };
    let version = |program: &str, wants: Option<String>| Tool {
        program: program.to_owned(),
        args: vec!["--version".to_owned()],
        wants,
    };
    let mut tools = vec![version("node", package.node.clone().filter(|range| is_plain(range)))];
    tools.push(version(facts.manager.program(), None));
    DescribeResult {
        applies: true,
        because,
        commands: resolve::commands(config).into_iter().map(command).collect(),
        caches: caches::caches(facts),
        env: caches::env(facts),
        wants_env: Vec::new(),
        ca_env: names(&["NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"]),
        place_env: names(&["NVM_DIR", "FNM_DIR", "VOLTA_HOME", "PNPM_HOME", "COREPACK_HOME"]),
        fingerprint: fingerprint(facts),
        tools,
        image: Some(image::image(facts, &node)),
        reads: facts.reads.clone(),
    }
}

fn names(names: &[&str]) -> Vec<EnvName> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

/// The steps as one line, or the reason for having none.
fn summary(resolution: &Resolution) -> String {
    let text = match resolution {
        Resolution::Skip(skip) => return format!("skip: {}", skip.because),
        Resolution::Action(action) => {
            let line = |step: &devflow_protocol::message::Step| {
                let words = std::iter::once(&step.program).chain(&step.args).map(Template::as_str);
                // Not the program text of a step that has one.
                words.map(|word| if word.contains(';') { "…" } else { word }).collect::<Vec<_>>().join(" ")
            };
            action.steps.iter().map(line).collect::<Vec<_>>().join(", then ")
        }
        Resolution::Alternatives(_) => String::new(),
    };
    text.chars().take(120).collect()
}

/// Whether a range of npm is also one of the protocol: comparisons and nothing else.
fn is_plain(range: &str) -> bool {
    let version = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    range.strip_prefix(">=").is_some_and(|rest| version(rest.trim()))
}

/// The files that belong to the image's identity.
fn fingerprint(facts: &Facts) -> Vec<String> {
    let mut files = vec!["package.json", ".nvmrc", ".node-version"];
    match facts.lock.as_ref().filter(|_| facts.top.is_none()) {
        Some(lock) => files.push(&lock.file),
        None if facts.top.is_some() => {}
        None => files.extend(match facts.manager {
            Manager::Npm => ["package-lock.json"],
            Manager::Pnpm { .. } => ["pnpm-lock.yaml"],
            Manager::YarnClassic | Manager::YarnBerry { .. } => ["yarn.lock"],
            Manager::Bun => ["bun.lock"],
        }),
    }
    let mut files: Vec<String> = files.into_iter().map(str::to_owned).collect();
    files.sort();
    files
}
