//! `lint:security`: known vulnerabilities among the dependencies.
//!
//! Invariant: nothing is checked that the project did not ask for; the databases come from the
//! network, so the action fetches, and neither tool runs code of the project.

use devflow_protocol::message::{Action, Resolution, Step};
use devflow_protocol::template::Template;

use crate::config::{Config, Security};
use crate::facts::Facts;
use crate::programs;

/// The tool that the settings or the project's files ask for.
pub(crate) fn tool(facts: &Facts, config: &Config) -> Option<Security> {
    let of_files = if facts.deny { Some(Security::Deny) } else { facts.audit.then_some(Security::Audit) };
    config.security.or(of_files)
}

/// The answer.
pub(crate) fn resolve(facts: &Facts, config: &Config, args: &[String]) -> Resolution {
    let step = match tool(facts, config) {
        Some(Security::Deny) => {
            let locked = facts.locked.then_some("--locked");
            let words = ["deny"].into_iter().chain(locked).chain(["check"]).map(str::to_owned);
            Step::literal("cargo", words.chain(args.iter().cloned()))
        }
        Some(Security::Audit) if !facts.locked => {
            return Resolution::skip("cargo-audit reads Cargo.lock, and there is none among the sources");
        }
        Some(Security::Audit) => {
            let mut step = Step::literal("cargo", ["audit", "--file"]);
            step.args.extend(lock(facts));
            step.args.extend(args.iter().map(|arg| Template::literal(arg)));
            step
        }
        None => {
            return Resolution::skip(
                "no deny.toml and no .cargo/audit.toml; `security` in the extension's config chooses a tool",
            );
        }
    };
    Resolution::Action(programs::fetching(facts, Action::of([step])))
}

/// cargo-audit does not look for the workspace's lock by itself.
fn lock(facts: &Facts) -> Option<Template> {
    if facts.is_root() {
        return Some(Template::literal("Cargo.lock"));
    }
    let separator = if facts.workspace.is_empty() { "" } else { "/" };
    let folder = facts.workspace.replace('$', "$$");
    format!("${{workspace}}{separator}{folder}/Cargo.lock").parse().ok()
}
