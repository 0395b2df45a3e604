//! Programs of a project's choice that a mere fetch would start.
//!
//! `cargo fetch` asks rustc about its target. Which rustc, behind which wrapper, with which flags, is
//! settled by variables; what is left makes a fetch an action like all others, over downloads of the
//! project's own.

use devflow_protocol::message::Action;
use devflow_protocol::sdk::paths::{at, upwards};
use devflow_protocol::sdk::{Failure, Files};
use devflow_protocol::template::Template;
use toml::{Table, Value};

use crate::facts::Facts;
use crate::manifest::{read, table};

/// What makes Cargo ask the toolchain's own rustc, whatever the project's configuration says.
const NEUTRAL: [(&str, &str); 4] =
    [("RUSTC", "rustc"), ("RUSTC_WRAPPER", ""), ("RUSTC_WORKSPACE_WRAPPER", ""), ("RUSTFLAGS", "")];

/// An action that downloads. It may write downloads that others share only if no program of the
/// project takes part.
pub(crate) fn fetching(facts: &Facts, mut action: Action) -> Action {
    action.fetches = facts.programs.is_none();
    let pairs =
        NEUTRAL.iter().filter_map(|(name, value)| Some((name.parse().ok()?, Template::literal(value))));
    action.env.extend(pairs.map(|(name, value)| (name, Some(value))));
    action
}

/// What in Cargo's configuration leads a fetch to a program of the project's choice.
pub(crate) fn named(files: &Files, dir: &str) -> Result<Option<String>, Failure> {
    for folder in upwards(dir) {
        for name in [".cargo/config", ".cargo/config.toml"] {
            let path = at(folder, name);
            if let Some(key) = read(files, &path)?.and_then(|config| key(&config)) {
                return Ok(Some(format!("{path} has {key}")));
            }
        }
    }
    Ok(None)
}

fn key(config: &Table) -> Option<String> {
    let loads = |name: &&String| *name == "PATH" || name.starts_with("LD_") || name.starts_with("DYLD_");
    let variable = table(config, &["env"]).and_then(|env| env.keys().find(loads));
    if let Some(name) = variable {
        return Some(format!("env.{name}"));
    }
    // Another file, which may say anything.
    let whole = ["include", "credential-alias"].into_iter().find(|key| config.contains_key(*key));
    if let Some(key) = whole {
        return Some(key.to_owned());
    }
    let registries = table(config, &["registries"]).into_iter().flat_map(|all| all.values());
    let of_all = registries.filter_map(Value::as_table).chain(table(config, &["registry"]));
    let asks = |registry: &Table| registry.keys().find(|key| key.contains("credential-provider")).cloned();
    of_all.filter_map(asks).next()
}

#[cfg(test)]
mod tests {
    use crate::samples::{facts, package};

    #[test]
    fn configurations() {
        for (config, reason) in [
            ("[build]\nrustc = './x'\n[alias]\na = 'b'\n[env]\nRUST_LOG = 'x'\nLD = 'y'", None),
            ("[registries.a]\nindex = 'x'", None),
            ("[env]\nPATH = 'x'", Some("env.PATH")),
            ("[env]\nLD_PRELOAD = { value = 'x', relative = true }", Some("env.LD_PRELOAD")),
            ("include = 'other.toml'", Some("include")),
            ("[credential-alias]\na = ['./x']", Some("credential-alias")),
            ("[registries.a]\ncredential-provider = './x'", Some("credential-provider")),
            ("[registry]\nglobal-credential-providers = ['./x']", Some("global-credential-providers")),
        ] {
            let files = [("m/Cargo.toml", &*package("m", "")), (".cargo/config.toml", config)];
            let expected = reason.map(|key| format!(".cargo/config.toml has {key}"));
            assert_eq!(facts(&files, "m").programs, expected, "{config}");
        }
        let toolchain = "[toolchain]\npath = './x'";
        let files = [("Cargo.toml", &*package("m", "")), ("rust-toolchain.toml", toolchain)];
        assert_eq!(facts(&files, ".").programs.unwrap(), "rust-toolchain.toml has toolchain.path");
    }
}
